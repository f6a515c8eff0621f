// SPDX-License-Identifier: BSL-1.0
//
// What it is: one node of a quorum: the way to it, the releases that it owes, and a breaker that
// tells whether it is worth asking.
// Thread safety: none; it belongs to its executor.
// Invariants: a release whose answer is missing is owed until the node has answered to it, and is
// asked for again in the background; a value that is still wanted is never owed.
#pragma once

#include <holdfast/store.hpp>
#include <holdfast/timeline.hpp>

#include "core/breaker.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::lock {

/// See the top of the file. Parts of polls share it; they may outlive the store.
class quorum_node : public std::enable_shared_from_this<quorum_node> {
public:
    quorum_node(const store_environment& environment, std::shared_ptr<store> node);

    /// From now on the environment may be gone.
    void stop();
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    /// @return Until when it is asked by those whose callers wait no more.
    [[nodiscard]] time_point deadline() const { return env_.time.now() + env_.options.timeout; }

    /// @return Whether it is asked; then `breaker` knows that somebody is about to.
    [[nodiscard]] bool admits();
    /// @return What stands for its answer where it is not asked.
    [[nodiscard]] failure skipped() const;
    /// The node was admitted, and is not asked after all.
    void not_asked() noexcept { line_.not_sent(); }
    /// Every answer of the node, or what stands for one, is told here.
    void heard(const failure& why);
    void heard();
    template <class T>
    void heard(const result<T>& answer) {
        if (answer)
            heard();
        else
            heard(answer.error());
    }

    void owe(const std::string& name, const std::string& value);
    void settled(const std::string& name, const std::string& value);
    /// @return The values that it is to release before it is asked for `name`.
    [[nodiscard]] std::vector<std::string> owed_for(const std::string& name) const;

    /// Asks for what it owes in the background, with growing pauses, as long as it owes anything.
    void pay_later();

    /// It was asked to take `value`'s lock, and may do so late: one release may be too early.
    void doubt(const std::string& value);

    /// It is asked to renew `value` for `ttl`: until it has answered, that may arrive at any time,
    /// also behind a renewal for longer that succeeds.
    void renewing(const std::string& value, std::chrono::milliseconds ttl);
    /// @param known  Whether it said what became of that.
    void renewed(const std::string& value, std::chrono::milliseconds ttl, bool known);
    /// @return For how long a renewal of `value` that it has confirmed counts, at most.
    [[nodiscard]] std::chrono::milliseconds counts_for(std::string_view value) const;
    /// `value` is not renewed any more.
    void forget_renewals(std::string_view value);

    /// Releases on it. Until it has answered, it owes the release.
    static asio::awaitable<result<void>> give_back(std::shared_ptr<quorum_node> node,
                                                   std::string name, std::string value,
                                                   time_point deadline);

    const std::shared_ptr<store> where;

private:
    struct debt {
        std::string value;
        time_point until;  // Nobody remembers it any longer.
    };

    struct asked_renewal {
        std::chrono::milliseconds ttl;
        bool under_way;    // Else its answer stayed out.
        time_point until;  // As with a debt.
    };

    void silent(const failure& why);
    void sweep();
    [[nodiscard]] bool owes(const std::string& name, const std::string& value) const;
    static asio::awaitable<void> pay(std::shared_ptr<quorum_node> node);
    static asio::awaitable<bool> pay_all(std::shared_ptr<quorum_node> node);
    static asio::awaitable<result<void>> release(std::shared_ptr<quorum_node> node,
                                                 std::string name, std::string value,
                                                 time_point deadline);

    store_environment env_;
    bool stopped_{false};
    core::breaker line_{};
    std::multimap<std::string, debt, std::less<>> owed_{};
    bool paying_{false};
    std::string unpaid_{};  // The name for which it refused last.
    alarm pay_day_;
    std::set<std::string, std::less<>> doubts_{};                        // Values.
    std::multimap<std::string, asked_renewal, std::less<>> renewals_{};  // By value.
    std::size_t sweep_at_{64};
    std::size_t sweep_renewals_at_{64};
};

using node_ptr = std::shared_ptr<quorum_node>;

}  // namespace holdfast::lock
