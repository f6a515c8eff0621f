// SPDX-License-Identifier: BSL-1.0
//
// What it is: what contenders for one lock share, whoever's lock it is: when they may go on, who
// holds it, and what is noted of each hand-over. It lies in memory that several processes share.
// Thread safety: all members are atomic, or written by one process alone.
// Invariants: while it is not this side's turn, whoever holds the lock keeps it, so the others
// stand still without being started anew, and keep their places.
#pragma once

#include "measure.hpp"

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {

/// What is asked for.
struct contest {
    std::string url;
    int contenders;
    int processes;
    double hold_ms;
    double think_ms;
    double seconds;
    bool fair;
};

inline constexpr int contenders_max = 4096;
inline constexpr int processes_max = 256;

/// See the top of the file.
class board {
public:
    /// @return One in memory that the children of this process share; it is never given back.
    [[nodiscard]] static board& make();

    // What a contender says.
    void note_grant(int who, int process) noexcept;
    void note_release(int process) noexcept;
    /// @return Whether the holder may release: false while others have their turn.
    [[nodiscard]] bool may_go_on() const noexcept { return turn || over; }

    // What whoever watches asks.
    /// @return Whether each of the first `contenders` has had the lock.
    [[nodiscard]] bool all_had_it(int contenders) const noexcept;
    [[nodiscard]] std::uint64_t counted() const noexcept;
    /// From a release to the next grant: all of them, or those from one process to another.
    [[nodiscard]] histogram all_waits() const noexcept { return sum(waits); }
    [[nodiscard]] histogram waits_between() const noexcept { return sum(between); }

    std::atomic<bool> turn{false};
    std::atomic<bool> counting{false};  ///< Grants count.
    std::atomic<bool> over{false};
    std::atomic<bool> overlapped{false};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> all_grants{0};  ///< Those that do not count too.
    std::array<std::atomic<std::uint64_t>, contenders_max> grants{};

private:
    using histograms = std::array<histogram, processes_max>;  // Each written by its process alone.
    static histogram sum(const histograms& all) noexcept;

    std::atomic<int> holder{-1};
    std::atomic<int> released_by{-1};
    std::atomic<std::int64_t> released_at{0};
    std::array<std::atomic<bool>, contenders_max> had_it{};
    histograms waits{};
    histograms between{};
};

/// Runs `work` in a process of its own; call it before this one has made threads or sockets.
/// @return The process.
[[nodiscard]] pid_t start_process(std::string_view program, const std::function<void()>& work);

/// Waits for the end of all; whoever takes too long is killed. @return Whether all ended well.
[[nodiscard]] bool end_processes(const std::vector<pid_t>& children);

void sleep_for(double seconds);

}  // namespace holdfast::bench
