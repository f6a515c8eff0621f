// SPDX-License-Identifier: BSL-1.0
//
// What it is: a blocking socket to a Redis server, as bare as can be, and what is asked over one to
// learn how many commands the server was given.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::bench {

/// @return Whether the store of this URL is a Redis server that a `wire` can reach.
[[nodiscard]] bool is_plain_redis(std::string_view url);

/// @return The URL without what may be secret in it.
[[nodiscard]] std::string shown_store(std::string_view url);

/// See the top of the file.
class wire {
public:
    /// @throws std::runtime_error  If there is no such server, or it wants a password or TLS.
    explicit wire(std::string_view url);
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;
    ~wire();

    [[nodiscard]] int fd() const noexcept { return socket_; }
    void send(std::string_view bytes) const;
    /// @return How many bytes came; waits for the first.
    std::size_t receive(std::span<char> into) const;
    /// The same, but 0 if nothing comes for so long.
    std::size_t receive_within(std::span<char> into, int milliseconds) const;
    /// The same, until that time on CLOCK_MONOTONIC.
    std::size_t receive_until(std::span<char> into, std::int64_t nanoseconds) const;
    /// @return The hash by which the server knows this script from now on.
    [[nodiscard]] std::string load_script(std::string_view text) const;

private:
    int socket_{-1};
};

/// Counts what clients send to the server, by MONITOR: what scripts call is not counted. It slows
/// the server down, so it looks at a time of its own, in which nothing else is measured.
class command_counter {
public:
    explicit command_counter(std::string_view url);
    /// Takes in what the server told, for so long.
    void watch(double seconds);
    [[nodiscard]] std::uint64_t count() const noexcept { return commands_; }

private:
    void take(std::string_view bytes);

    wire wire_;
    std::string line_;
    std::uint64_t commands_{0};
};

}  // namespace holdfast::bench
