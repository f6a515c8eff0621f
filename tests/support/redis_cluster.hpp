// SPDX-License-Identifier: BSL-1.0
//
// What it is: a Redis Cluster of a test's own: three masters, each with a replica, on ports of this
// machine that were free. Servers are numbered; 0 to 2 begin as masters.
// Thread safety: none.
// Invariants: as of `redis_server`.
#pragma once

#include "support/redis_server.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

/// See the top of the file.
class redis_cluster {
public:
    static constexpr std::size_t masters = 3;
    static constexpr std::size_t size = 6;

    /// @param arguments  Of each server, besides its own.
    /// @throws std::runtime_error  If it does not become whole in time.
    explicit redis_cluster(std::vector<std::string> arguments = {});
    redis_cluster(const redis_cluster&) = delete;
    redis_cluster& operator=(const redis_cluster&) = delete;

    /// @return `redis-cluster://HOST:PORT,...`, of the servers that began as masters.
    [[nodiscard]] std::string url() const;
    [[nodiscard]] redis_server& server(std::size_t which) { return *servers_.at(which); }
    /// @return Which server serves the slot of `key`, as most servers that live say.
    [[nodiscard]] std::size_t master_of(std::string_view key) const;
    /// Waits until every server that lives says that the cluster is well, and knows who serves
    /// what.
    void await_well() const;
    /// Waits until another server than `old` serves the slot of `key`. @return Which.
    [[nodiscard]] std::size_t await_master_after(std::string_view key, std::size_t old) const;
    /// Makes the replica of the master of `key` the master, as an operator would. @return Which it
    /// is.
    std::size_t fail_over(std::string_view key);
    /// Moves the slot of `key` with all that is in it to the master number `to`, as redis-cli does.
    void move_slot(std::string_view key, std::size_t to);
    /// The first half of that: the slot is on its way, and nothing in it has moved.
    void begin_move(std::string_view key, std::size_t to) const;
    /// The rest.
    void end_move(std::string_view key, std::size_t from, std::size_t to) const;

private:
    [[nodiscard]] std::string id_of(std::size_t which) const;
    [[nodiscard]] bool is_well() const;
    void replicate(std::size_t which, std::size_t master) const;

    std::array<std::unique_ptr<redis_server>, size> servers_;
};

}  // namespace holdfast::test
