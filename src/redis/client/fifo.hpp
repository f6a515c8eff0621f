// SPDX-License-Identifier: BSL-1.0
//
// What it is: first in, first out, in one piece of memory that is kept: in steady state it
// allocates nothing, where std::deque does so every few dozen elements.
// Thread safety: none; a plain value.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace holdfast::redis {

/// See the top of the file. T: a small, trivial type.
template <class T>
class fifo {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == all_.size(); }
    [[nodiscard]] T& front() noexcept { return all_[first_]; }
    void push_back(const T& last) { all_.push_back(last); }
    void pop_front() noexcept {
        ++first_;
        if (empty()) {
            all_.clear();
            first_ = 0;
        } else if (first_ >= room_max && first_ >= all_.size() / 2) {
            all_.erase(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
    }
    [[nodiscard]] auto begin() noexcept {
        return all_.begin() + static_cast<std::ptrdiff_t>(first_);
    }
    [[nodiscard]] auto end() noexcept { return all_.end(); }
    [[nodiscard]] auto begin() const noexcept {
        return all_.begin() + static_cast<std::ptrdiff_t>(first_);
    }
    [[nodiscard]] auto end() const noexcept { return all_.end(); }

private:
    /// How many that have gone are kept at most, unless more are still in.
    static constexpr std::size_t room_max = 1024;

    std::vector<T> all_;
    std::size_t first_{0};
};

}  // namespace holdfast::redis
