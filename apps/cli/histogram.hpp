// SPDX-License-Identifier: BSL-1.0
//
// What it is: durations, counted in buckets that are 1/32 of their value wide: of fixed size, so it
// allocates nothing however long it counts.
// Thread safety: it belongs to one thread, or to memory that one process writes and others read
// when it is done.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace holdfast::cli {

/// See the top of the file.
class histogram {
public:
    void add(std::int64_t nanoseconds) noexcept;
    void add(const histogram& other) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    /// @return The duration in µs below which this share, 0 to 1, of all lies.
    [[nodiscard]] double microseconds_at(double share) const noexcept;

private:
    static constexpr unsigned fine_bits = 5;
    static constexpr std::size_t size = (64 - fine_bits + 1) << fine_bits;
    std::array<std::uint64_t, size> buckets_{};
    std::uint64_t count_{0};
};

}  // namespace holdfast::cli
