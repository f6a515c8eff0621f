// SPDX-License-Identifier: BSL-1.0
//
// What it is: a master, two replicas, and three sentinels that watch them, all of a test's own, on
// ports of this machine that were free. Whoever is the master changes; the servers are numbered.
// Thread safety: none.
// Invariants: as of `redis_server`.
#pragma once

#include "support/redis_server.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::test {

/// See the top of the file.
class sentinel_set {
public:
    static constexpr std::size_t size = 3;
    /// What the sentinels call the master.
    static constexpr const char* name = "mymaster";

    /// @param down_after  How long a master may be silent before a sentinel thinks that it is dead.
    /// @param arguments   Of each server, besides its own.
    /// @param more_lines  Of each sentinel's configuration, behind the others.
    /// @throws std::runtime_error  If it does not become whole in time.
    explicit sentinel_set(std::chrono::milliseconds down_after = std::chrono::milliseconds(500),
                          std::vector<std::string> arguments = {}, std::string more_lines = {});
    sentinel_set(const sentinel_set&) = delete;
    sentinel_set& operator=(const sentinel_set&) = delete;

    /// @return `redis-sentinel://HOST:PORT,.../mymaster`.
    [[nodiscard]] std::string url() const;
    [[nodiscard]] redis_server& server(std::size_t which) { return *servers_.at(which); }
    [[nodiscard]] server_process& sentinel(std::size_t which) { return sentinels_.at(which); }
    /// @return Which server most sentinels say is the master.
    [[nodiscard]] std::size_t master() const;
    /// Waits until another server than `old` is the master, and says so itself. @return Which.
    [[nodiscard]] std::size_t await_master_after(std::size_t old) const;
    /// Waits until the master has both others as replicas, all up to date, and each sentinel knows
    /// of both and of the other sentinels.
    void await_whole() const;
    /// Kills the master. @return Which it was.
    std::size_t kill_master();
    /// Starts a server that was killed again, without its data, as a replica of the present master.
    void rejoin(std::size_t which);
    /// What the master is told from now on reaches no replica. Sentinels mend it after some
    /// seconds, or by a failover.
    void cut_off_replicas();
    /// Asks sentinel number `which`. @return Its reply as it comes.
    [[nodiscard]] std::string ask_sentinel(std::size_t which,
                                           const std::vector<std::string>& words) const;

private:
    [[nodiscard]] std::vector<std::string> replica_of(std::size_t master) const;
    void start_sentinel(std::size_t which, std::chrono::milliseconds down_after);
    [[nodiscard]] bool is_whole() const;

    std::vector<std::string> arguments_;
    std::string more_lines_;
    std::array<std::unique_ptr<redis_server>, size> servers_;
    temp_dir directory_;
    std::array<std::uint16_t, size> ports_{};
    std::array<server_process, size> sentinels_;
};

}  // namespace holdfast::test
