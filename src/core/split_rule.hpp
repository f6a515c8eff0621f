// SPDX-License-Identifier: BSL-1.0
//
// What it is: when servers that vote are asked again after some of them had the lock for somebody
// else. Who split the votes would split them again by asking at the same time, and each of those
// who want a lock may get the vote of the server that is nearest. So one of them goes ahead: the
// one that had the vote of the first server; and the others let the time of a question pass. Pure.
// Thread safety: none; plain state.
// Invariants: nobody goes ahead twice in a row, so who has one vote while another one holds the
// lock asks no more often than others.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace holdfast::core {

/// See the top of the file.
class split_rule {
public:
    using nanoseconds = std::chrono::nanoseconds;
    using milliseconds = std::chrono::milliseconds;

    /// The servers refused.
    /// @param took   How long that took: about a round trip to those who decided.
    /// @param split  Some of them voted for us.
    /// @param first  The first of those that voted did.
    constexpr void refused(nanoseconds took, bool split, bool first) noexcept {
        took_ = took;
        ahead_ = first && !ahead_;
        behind_ = split && !ahead_;
    }
    /// They granted it.
    constexpr void granted() noexcept { ahead_ = false; }

    /// @param random  64 evenly distributed bits.
    /// @return The pause before the next question: 10 to 20 ms for who goes ahead; for the others
    ///         10 to 100 ms where servers are near, else up to three times as long as the last
    ///         question took, at most half a second; and longer by that question after a split.
    [[nodiscard]] constexpr nanoseconds pause(std::uint64_t random) const noexcept {
        const nanoseconds spread =
            ahead_ ? milliseconds{10}
                   : std::clamp<nanoseconds>(3 * took_, milliseconds{90}, milliseconds{500});
        const nanoseconds most{milliseconds{250}};
        const auto drawn = random % static_cast<std::uint64_t>(spread.count());
        return milliseconds{10} + (behind_ ? std::min(took_, most) : nanoseconds{0}) +
               nanoseconds(static_cast<std::int64_t>(drawn));
    }

private:
    nanoseconds took_{0};
    bool ahead_{false};
    bool behind_{false};
};

}  // namespace holdfast::core
