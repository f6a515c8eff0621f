// SPDX-License-Identifier: BSL-1.0
//
// What it is: the limit that a client can reach: a blocking socket that sends preformatted bytes of
// the same commands as the library, and only counts the replies' ends.
// Thread safety: none.
#pragma once

#include "wire.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {

/// Compares and deletes: what a client needs that nobody waits for.
inline constexpr std::string_view raw_release_script =
    "local holder = redis.call('GET', KEYS[1]) if not holder then return -1 end "
    "if holder ~= ARGV[1] then return 0 end return redis.call('DEL', KEYS[1])";

/// What a pair is made of, ready to be sent.
struct raw_pair {
    std::string acquire;
    std::string release;
};

/// @param server  Learns the script that releases.
[[nodiscard]] raw_pair make_raw_pair(const wire& server, const std::string& name, bool fenced);

/// Acquires and releases names with the same commands as the Redis store, so many at once.
class raw_client {
public:
    /// @param window  How many names are on their way at once; each is in one place at a time.
    /// @throws std::runtime_error  If the server does not answer as expected.
    raw_client(std::string_view url, const std::string& prefix, std::size_t window, bool fenced);

    /// Acquires and releases until that time on CLOCK_MONOTONIC. @return How many pairs were made.
    std::uint64_t pairs_until(std::int64_t nanoseconds);

private:
    struct name {
        raw_pair bytes;
        bool acquiring{true};    // What was sent last.
        std::size_t missing{0};  // Lines that are to come for it.
    };
    void start(name& one, std::string& bytes) const;

    wire wire_;
    std::size_t acquire_lines_;
    std::vector<name> names_;
};

}  // namespace holdfast::bench
