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
        std::string acquire;
        std::string release;
        bool acquiring{true};    // What was sent last.
        std::size_t missing{0};  // Lines that are to come for it.
    };
    void start(name& one, std::string& bytes) const;
    std::string load_release_script();

    wire wire_;
    std::size_t acquire_lines_;
    std::vector<name> names_;
};

}  // namespace holdfast::bench
