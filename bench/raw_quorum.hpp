// SPDX-License-Identifier: BSL-1.0
//
// What it is: the limit that a lock on several Redis servers can reach: a blocking socket to each,
// to all of which the same ready made bytes are sent before any reply is waited for. A step is done
// when so many have answered to it: with the library a majority. What the others answer later is
// read by the way.
// Thread safety: none.
#pragma once

#include "measure.hpp"
#include "raw_client.hpp"
#include "wire.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::bench {

/// See the top of the file.
class raw_quorum {
public:
    /// @param enough  How many answers are waited for.
    raw_quorum(const std::vector<std::string>& urls, std::size_t enough);

    /// Acquires and releases one after the other until that time on CLOCK_MONOTONIC.
    /// @param took  How long each pair took.
    void pairs_until(std::int64_t nanoseconds, histogram& took);

private:
    struct node {
        std::unique_ptr<wire> line;  // None once the server has hung up.
        raw_pair bytes;
        std::size_t missing{0};  // Replies that are to come.
    };
    void step(std::string raw_pair::*what);
    void send(node& to, std::string raw_pair::*what) const;
    void receive();

    std::vector<node> nodes_;
    std::size_t enough_;
};

}  // namespace holdfast::bench
