// SPDX-License-Identifier: BSL-1.0
//
// What it is: does things to servers, connections and workers, again and again, each for a while.
// It forgets no data: what S is promised for is listed in docs/internals/faults.md.
// Thread safety: none.
#pragma once

#include "chaos/soak/checker.hpp"
#include "chaos/soak/soak_server.hpp"
#include "chaos/soak/worker.hpp"
#include "support/server_process.hpp"
#include "support/tcp_proxy.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace holdfast::soak {

/// One server of a store, and the way to it.
struct victim {
    explicit victim(std::unique_ptr<soak_server> one);
    std::unique_ptr<soak_server> server;
    test::tcp_proxy way;
    bool impaired{false};
};

/// A store of one server, or of several of which more than half have to agree.
struct server_group {
    using maker = std::unique_ptr<soak_server> (*)();
    server_group(std::size_t count, maker start, std::string kind);
    [[nodiscard]] std::string urls() const;
    [[nodiscard]] std::size_t impaired() const;
    std::string kind;  ///< What reports call its servers.
    std::vector<std::unique_ptr<victim>> members;
};

/// A worker process, which is started anew when it was killed.
struct worker_process {
    worker_orders orders;
    test::server_process process;
    bool stopped{false};

    void start();
};

/// See the top of the file.
class nemesis {
public:
    nemesis(std::vector<std::unique_ptr<server_group>>& groups,
            std::vector<std::unique_ptr<worker_process>>& workers, std::uint64_t seed);

    /// Acts every 0.2 to 2 s until then, and ends what it has begun.
    void run_until(std::int64_t end);
    /// @return What was done, by kind.
    [[nodiscard]] const std::map<std::string, int>& done() const noexcept { return done_; }
    [[nodiscard]] const std::vector<standstill>& standstills() const noexcept {
        return standstills_;
    }
    [[nodiscard]] const std::vector<deletion>& deletions() const noexcept { return deletions_; }
    /// @return What was done when, a line each.
    [[nodiscard]] const std::string& diary() const noexcept { return diary_; }
    /// @return Workers that ended though nobody had killed them, a line each.
    [[nodiscard]] const std::vector<std::string>& crashes() const noexcept { return crashes_; }

private:
    struct ending {
        std::int64_t at;
        std::function<void()> act;
    };

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    std::chrono::milliseconds between(std::uint64_t least_ms, std::uint64_t most_ms);
    void note(const std::string& kind, const std::string& whom);
    void later(std::chrono::milliseconds pause, std::function<void()> act);
    void end_what_is_due(std::int64_t until);
    void act();
    void to_a_worker();
    void to_a_server();
    void to_a_way(victim& whom, const std::string& name);
    void delete_a_lock();
    void look_after_workers();
    [[nodiscard]] victim* pick(std::string& name);

    std::vector<std::unique_ptr<server_group>>& groups_;
    std::vector<std::unique_ptr<worker_process>>& workers_;
    std::mt19937_64 random_;
    std::vector<ending> endings_;
    std::map<std::string, int> done_;
    std::vector<standstill> standstills_;
    std::vector<deletion> deletions_;
    std::vector<std::string> crashes_;
    std::string diary_;
};

}  // namespace holdfast::soak
