// SPDX-License-Identifier: BSL-1.0
//
// What it is: the limit that a client can reach: a blocking socket that sends preformatted bytes of
// the same commands as the library, and only counts the replies' ends.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast::bench {

/// Acquires and releases one name with the same commands as the Redis store.
class raw_client {
public:
    /// @throws std::runtime_error  If the server does not answer as expected.
    raw_client(std::uint16_t port, const std::string& name, bool fenced);
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;
    ~raw_client();

    /// One acquire and one release.
    void pair();

private:
    void send(const std::string& bytes) const;
    void await_lines(std::size_t count);

    int socket_{-1};
    std::string acquire_;
    std::size_t acquire_lines_;
    std::string release_;
};

}  // namespace holdfast::bench
