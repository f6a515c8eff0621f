// SPDX-License-Identifier: BSL-1.0
//
// What it is: watches every grant of a simulated world and says which promise was broken. The
// invariants' names are those of docs/internals/simulation.md.
// Thread safety: none.
#pragma once

#include "sim/world.hpp"

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace holdfast::sim {

/// See the top of the file.
class oracle {
public:
    explicit oracle(world& w);

    /// `who` was just handed `held`, which it asked for like that.
    void granted(client& who, const lock::held_ptr& held, const acquire_options& how = {});
    /// `who` is about to release, drop or hand over `held`.
    void ending(const lock::held_ptr& held);
    /// Somebody asks for a lock, and has to have an answer by `limit`. @return To be given to
    /// `answered`, when it comes.
    [[nodiscard]] std::size_t asking(time_point limit);
    /// @param code  Of the failure; none of them if it was granted.
    void answered(std::size_t question, errc code);
    /// To be called whenever everything that was ready has been done.
    void look();
    /// Now and then: each lock that is valid is held on a majority of the servers.
    void audit();
    /// After healing and one longest ttl: nothing may be left on the servers.
    void nothing_left();
    /// A promise was broken.
    void violated(const std::string& what);

    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
    [[nodiscard]] std::uint64_t grants() const { return grants_; }
    [[nodiscard]] std::uint64_t losses() const { return losses_; }

private:
    struct holding {
        client* who;
        lock::held_ptr held;
        time_point asked;      ///< When the grant was asked for.
        std::stop_token told;  ///< As who works under the lock sees it.
        bool shared;           ///< With `permits` others, or with any number if that is 0.
        std::uint32_t permits;
        bool lost{false};
        bool exposed{false};        ///< Servers forgot it, so that no majority was left.
        time_point sent_at_wipe{};  ///< When its last renewal had been sent, at the last wipe.
    };
    struct last_grant {
        std::uint64_t token{0};
        time_point asked{};
    };
    /// One server that forgot its data since may grant twice, and so may a majority of several.
    [[nodiscard]] bool remembered(const holding& h) const {
        if (world_.servers.size() == 1) return world_.last_wipe < h.asked;
        // The vote of a server that was wiped before its answer had come stands for nothing.
        const bool voided = world_.last_wipe >= h.held->sent && h.held->sent != h.sent_at_wipe;
        return !h.exposed && !voided;
    }
    /// @return On how many servers it is held, but for that one, and for that long.
    [[nodiscard]] std::size_t copies(const lock::held_lease& held, time_point until = {},
                                     std::size_t but = static_cast<std::size_t>(-1)) const;
    [[nodiscard]] std::size_t majority() const { return world_.servers.size() / 2 + 1; }
    void before_wipe(std::size_t which);
    void check_token(const lock::held_lease& held);
    void check_loss(const holding& h);

    world& world_;
    std::vector<holding> holdings_;
    std::map<std::string, last_grant> last_;
    std::map<std::size_t, time_point> questions_;  // By when each has to have an answer.
    std::size_t question_{0};
    std::vector<std::string> violations_;
    std::uint64_t grants_{0};
    std::uint64_t losses_{0};
};

}  // namespace holdfast::sim
