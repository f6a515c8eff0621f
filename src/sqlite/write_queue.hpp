// SPDX-License-Identifier: BSL-1.0
//
// What it is: the order in which the coroutines of one store try again when another process is
// writing: first come, first served. While nobody has to wait it costs one comparison.
// Thread safety: none; it belongs to the executor of its store.
// Invariants: whoever got a turn holds it until the `turn` is destroyed; then the next one has it.
#pragma once

#include <holdfast/timeline.hpp>

#include <deque>
#include <memory>

namespace holdfast::sqlite {

/// The coroutines that wait to write.
class write_queue {
public:
    explicit write_queue(timeline& time) noexcept : time_(time) {}
    write_queue(const write_queue&) = delete;
    write_queue& operator=(const write_queue&) = delete;

    /// @return Whether nobody waits, so that there is nobody to overtake.
    [[nodiscard]] bool empty() const noexcept { return line_.empty(); }
    /// Wakes everybody, because the store stops.
    void wake_all();

    /// A place in the line, and the alarm of the coroutine that stands there.
    class turn {
    public:
        explicit turn(write_queue& queue);
        turn(const turn&) = delete;
        turn& operator=(const turn&) = delete;
        ~turn();
        [[nodiscard]] bool is_first() const noexcept { return queue_.line_.front() == &pause_; }
        /// Waits until `when`, or until it may be this one's turn.
        [[nodiscard]] asio::awaitable<wake_reason> wait_until(time_point when) {
            return pause_.wait_until(when);
        }

    private:
        write_queue& queue_;
        alarm pause_;
    };

private:
    timeline& time_;
    std::deque<alarm*> line_;
};

}  // namespace holdfast::sqlite
