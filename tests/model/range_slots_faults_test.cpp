// SPDX-License-Identifier: BSL-1.0
//
// Why: what was granted stays granted, and to one alone, whatever happens to servers, connections
// and processes meanwhile. How: 16 clients in four processes fight for the slots of one key; from
// time to time all connections are killed, or a process is, and in the middle the server. Clients
// in doubt ask again with the same id. Each writes down what it was granted, which is then held
// against what the store has.
#include <holdfast/holdfast.hpp>

#ifdef HOLDFAST_HAS_MYSQL
#include "support/mariadb_server.hpp"
#endif
#include "support/child_process.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

#ifdef NDEBUG
constexpr std::int64_t disputed_slots = 2'000;
#else
constexpr std::int64_t disputed_slots = 200;  // The sanitizers see a few.
#endif
constexpr unsigned rival_processes = 4;
constexpr unsigned rivals_of_a_process = 4;
/// Longer than any server takes to come back.
constexpr std::chrono::seconds back_by{120};

/// What was granted: an id in a line.
std::string book_of(const std::string& directory, unsigned rival) {
    return directory + "/granted-" + std::to_string(rival);
}

/// Tries one slot until there is an answer. @return Whether the answer is one that may be.
bool settle_slot(range_locker& ranges, std::int64_t slot, const std::string& id,
                 std::ofstream& granted) {
    range_options how;
    how.ttl = 1h;
    how.id = id;
    result<void> said = failure{};
    const bool answered = poll_until(
        [&] {
            auto held = ranges.hold("room", slot * 10, slot * 10 + 10, how);
            if (held) {
                granted << id << std::endl;  // At once: this process may be killed next.
                static_cast<void>(held->hand_over());
                said = result<void>{};
                return true;
            }
            said = held.error();
            return said.error().code != errc::unreachable && said.error().code != errc::in_doubt;
        },
        back_by);
    if (answered && (said || said.error().code == errc::contended)) return true;
    granted << "failed: " << said.error().message() << std::endl;
    return false;
}

/// @return Whether all of the clients of a process met nothing but what may be.
bool rival_process(const std::string& url, const std::string& directory, unsigned process) {
    std::atomic<bool> good{true};
    std::vector<std::jthread> rivals;
    for (unsigned i = 0; i < rivals_of_a_process; ++i)
        rivals.emplace_back([&, rival = process * rivals_of_a_process + i] {
            range_locker ranges{url};
            std::ofstream granted(book_of(directory, rival));
            std::vector<std::int64_t> order(disputed_slots);
            std::iota(order.begin(), order.end(), 0);
            std::shuffle(order.begin(), order.end(), std::mt19937(rival));
            for (const std::int64_t slot : order) {
                const std::string id = std::to_string(slot) + " of " + std::to_string(rival);
                if (!settle_slot(ranges, slot, id, granted)) good = false;
            }
        });
    rivals.clear();
    return good;
}

/// The fight, seen from outside.
class fight_for_slots {
public:
    explicit fight_for_slots(std::string url) : url_(std::move(url)) {
        for (unsigned i = 0; i < rival_processes; ++i)
            processes_.push_back(std::make_unique<child_process>(
                [&, i](const auto&) { return rival_process(url_, directory_.path(), i) ? 0 : 1; }));
    }
    [[nodiscard]] child_process& process(std::size_t which) { return *processes_.at(which); }

    /// @return How many grants were written down so far.
    [[nodiscard]] std::size_t granted() const {
        std::size_t lines = 0;
        for (unsigned i = 0; i < rival_processes * rivals_of_a_process; ++i) {
            std::ifstream book(book_of(directory_.path(), i));
            lines += static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(book),
                                                         std::istreambuf_iterator<char>(), '\n'));
        }
        return lines;
    }
    /// Disturbs the fight each time that so many more were granted, as long as there is one.
    void disturb(std::size_t every, const std::function<void(std::size_t share_percent)>& how) {
        std::size_t next = every;
        ASSERT_TRUE(poll_until(
            [&] {
                const std::size_t now = granted();
                if (now >= next && now < disputed_slots) {
                    how(now * 100 / disputed_slots);
                    next = now + every;
                }
                return now + 16 >= disputed_slots;
            },
            300s));
    }
    /// @param killed  A process that was killed, and may have died before it wrote down a grant.
    void expect_each_slot_once(std::optional<unsigned> killed) {
        for (unsigned i = 0; i < rival_processes; ++i)
            EXPECT_EQ(processes_[i]->wait(), killed == i ? -SIGKILL : 0) << "process " << i;
        range_locker ranges{url_};
        const auto held = ranges.list("room", everything, 10'000).value();
        std::map<std::string, bool> written;  // Ids in the store, and whether they were told.
        std::int64_t slot = 0;
        for (const range_hold& one : held) {
            ASSERT_EQ(one.start, 10 * slot++) << "each slot is held, and once";
            written[one.id] = false;
        }
        EXPECT_EQ(slot, disputed_slots);
        for (unsigned i = 0; i < rival_processes * rivals_of_a_process; ++i) {
            std::ifstream book(book_of(directory_.path(), i));
            for (std::string id; std::getline(book, id);) {
                const auto found = written.find(id);
                ASSERT_NE(found, written.end()) << id << " was granted, or failed, and is not held";
                EXPECT_FALSE(found->second) << id << " was granted twice";
                found->second = true;
            }
        }
        for (const auto& [id, told] : written) {
            const auto rival = static_cast<unsigned>(std::stoul(id.substr(id.rfind(' '))));
            EXPECT_TRUE(told || killed == rival / rivals_of_a_process)
                << id << " is held, and nobody was told";
        }
    }

private:
    std::string url_;
    temp_dir directory_;
    std::vector<std::unique_ptr<child_process>> processes_;
};

/// Kills connections all the time, with `kill_connections()` that says how many there were, and in
/// the middle the server.
template <class Server, class Kill>
void expect_fight_to_outlive(Server& server, Kill kill_connections) {
    fight_for_slots fight(server.url());
    int killed = 0;
    bool crashed = false;
    fight.disturb(disputed_slots / 40, [&](std::size_t share_percent) {
        if (share_percent < 50 || crashed) {
            killed += kill_connections();
            return;
        }
        server.kill();
        server.restart();
        crashed = true;
    });
    EXPECT_GT(killed, 5);
    EXPECT_TRUE(crashed);
    fight.expect_each_slot_once(std::nullopt);
}

#ifdef HOLDFAST_HAS_REDIS
TEST(disputed_slots, on_redis_outlive_killed_connections_and_a_crash_of_the_server) {
    if (!redis_server::available()) GTEST_SKIP() << "no redis-server on this machine";
    redis_server server({.arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    expect_fight_to_outlive(server, [&] {
        const std::string said =
            server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
        EXPECT_EQ(said.front(), ':') << said;
        return said == ":0\r\n" ? 0 : 1;
    });
}
#endif

#ifdef HOLDFAST_HAS_MYSQL
TEST(disputed_slots, on_mysql_outlive_killed_connections_and_a_crash_of_the_server) {
    mariadb_server server;
    expect_fight_to_outlive(server, [&] {
        sql_session root(server, "");
        int kills = 0;
        for (const auto& row :
             root.ask("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"))
            if (root.try_ask("KILL " + row[0]) == 0) ++kills;
        return kills;
    });
}
#endif

#ifdef HOLDFAST_HAS_SQLITE
TEST(disputed_slots, in_a_file_outlive_a_killed_process) {
    const temp_dir place;
    fight_for_slots fight("sqlite:" + place / "locks.db");
    bool killed = false;
    fight.disturb(disputed_slots / 40, [&](std::size_t share_percent) {
        if (share_percent < 50 || killed) return;
        fight.process(1).signal(SIGKILL);
        killed = true;
    });
    EXPECT_TRUE(killed);
    fight.expect_each_slot_once(1);
}
#endif

}  // namespace
}  // namespace holdfast::test
