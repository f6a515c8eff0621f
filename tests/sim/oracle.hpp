// SPDX-License-Identifier: BSL-1.0
//
// What it is: watches every grant of a simulated world and says which promise was broken. The
// invariants' names are those of docs/internals/simulation.md.
// Thread safety: none.
#pragma once

#include "sim/world.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::sim {

/// See the top of the file.
class oracle {
public:
    explicit oracle(world& w) : world_(w) {}

    /// `who` was just handed `held`, which it asked for like that.
    void granted(client& who, const lock::held_ptr& held, const acquire_options& how = {});
    /// `who` is about to release, drop or hand over `held`.
    void ending(const lock::held_ptr& held);
    /// To be called whenever everything that was ready has been done.
    void look();
    /// After healing and one longest ttl: nothing may be left on the server.
    void nothing_left();

    [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
    [[nodiscard]] std::uint64_t grants() const { return grants_; }
    [[nodiscard]] std::uint64_t losses() const { return losses_; }

private:
    struct holding {
        client* who;
        lock::held_ptr held;
        time_point asked;  ///< When the grant was asked for.
        bool shared;       ///< With `permits` others, or with any number if that is 0.
        std::uint32_t permits;
        bool lost{false};
    };
    /// A server that forgot its data since may grant twice: one server alone cannot prevent that.
    [[nodiscard]] bool remembered(const holding& h) const { return world_.last_wipe < h.asked; }
    void violated(const std::string& what);

    world& world_;
    std::vector<holding> holdings_;
    std::map<std::string, std::uint64_t> last_token_;
    std::vector<std::string> violations_;
    std::uint64_t grants_{0};
    std::uint64_t losses_{0};
};

}  // namespace holdfast::sim
