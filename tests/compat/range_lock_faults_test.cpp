// SPDX-License-Identifier: BSL-1.0
//
// What becomes of range locks when a server freezes, crashes, or a connection ends: an error or a
// right answer, in time, and never a double booking.
#include "compat/range_lock_servers.hpp"
#include "support/child_process.hpp"
#include "support/tcp_cutter.hpp"

#include <boost/asio/use_future.hpp>

#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

/// What a thread was told of the slots that it wanted.
struct ledger {
    std::set<int> held;
    std::set<int> unsure;
    std::set<errc> errors;
};

void save(const ledger& from, const std::string& path) {
    std::ofstream file(path);
    for (const int slot : from.held) file << "held " << slot << '\n';
    for (const int slot : from.unsure) file << "unsure " << slot << '\n';
    for (const errc code : from.errors) file << "error " << static_cast<int>(code) << '\n';
}

ledger read_ledger(const std::string& path) {
    ledger into;
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    std::string what;
    for (int number = 0; file >> what >> number;) {
        if (what == "held") into.held.insert(number);
        if (what == "unsure") into.unsure.insert(number);
        if (what == "error") into.errors.insert(static_cast<errc>(number));
    }
    return into;
}

class range_lock_fault : public testing::Test {
protected:
    std::unique_ptr<range_lock> open(std::chrono::milliseconds timeout = 5s) {
        return std::make_unique<range_lock>(redis_.url(), sql_server_.url(),
                                            range_lock::options{.timeout = timeout});
    }
    std::unique_ptr<range_lock> open_warm(std::chrono::milliseconds timeout = 5s) {
        auto locks = open(timeout);
        static_cast<void>(locks->set("warm", 0, 1, {}, 10min));
        return locks;
    }
    /// Wants slot after slot of "k", each once.
    static void book(range_lock& locks, int slots, ledger& mine) {
        for (int slot = 0; slot < slots; ++slot) book_one(locks, slot, mine);
    }
    /// The same, but waits for a server that is not there: else there would be no slot left to want
    /// when it is back.
    static void book_patiently(range_lock& locks, int slots, ledger& mine) {
        for (int slot = 0; slot < slots; ++slot)
            static_cast<void>(poll_until([&] { return book_one(locks, slot, mine); }, 10s));
    }
    // @return false if the server could not be reached.
    static bool book_one(range_lock& locks, int slot, ledger& mine) {
        const auto since = boot_clock::now();
        const auto how = locks.set("k", slot * 10, slot * 10 + 10, std::to_string(slot), 10min);
        EXPECT_LT(boot_clock::now() - since, 25s) << "it hung: " << told_of(how);
        if (held(how)) mine.held.insert(slot);
        if (how) return true;
        mine.errors.insert(how.error().code);
        if (how.error().code == errc::in_doubt) mine.unsure.insert(slot);
        return how.error().code != errc::unreachable;
    }
    /// No range stands twice; who was told that it holds one does; what stands was told, or was
    /// said to be in doubt.
    void expect_the_books_to_be_right(const std::vector<ledger>& all) {
        sql_session sql(sql_server_);
        EXPECT_EQ(sql.value("SELECT COUNT(*) FROM `lock` a JOIN `lock` b ON a.`key` = b.`key` AND "
                            "a.id < b.id AND a.`from`+0e0 < b.`to`+0e0 AND "
                            "a.`to`+0e0 > b.`from`+0e0"),
                  "0");
        std::multiset<int> told;
        std::set<int> unsure;
        for (const ledger& one : all) {
            told.insert(one.held.begin(), one.held.end());
            unsure.insert(one.unsure.begin(), one.unsure.end());
            for (const errc code : one.errors)
                EXPECT_TRUE(code == errc::unreachable || code == errc::timed_out ||
                            code == errc::in_doubt)
                    << failure{code}.message();
        }
        std::multiset<int> stand;
        for (const auto& row : sql.ask("SELECT data FROM `lock` WHERE `key` = 'k'"))
            stand.insert(std::stoi(row[0]));
        for (const int slot : told) {
            EXPECT_EQ(told.count(slot), 1U) << slot;
            EXPECT_EQ(stand.count(slot), 1U) << slot;
        }
        for (const int slot : stand) EXPECT_TRUE(told.contains(slot) || unsure.contains(slot));
    }
    [[nodiscard]] std::string rows_of(const std::string& key) {
        return sql_session(sql_server_)
            .value("SELECT COUNT(*) FROM `lock` WHERE `key` = '" + key + "'");
    }

    mariadb_server sql_server_;
    redis_server redis_;
    on_server there_{redis_};
};

TEST_F(range_lock_fault, a_frozen_database_is_an_error_in_time_and_a_thaw_books_nothing_twice) {
    const auto locks = open_warm(500ms);
    sql_server_.signal(SIGSTOP);
    for (int i = 0; i < 2; ++i) {
        const auto since = boot_clock::now();
        const auto how = locks->set("k", 10, 20, {}, 30s);
        EXPECT_TRUE(fails(how, errc::unreachable) || fails(how, errc::in_doubt) ||
                    fails(how, errc::timed_out))
            << told_of(how);
        EXPECT_TRUE(fails(locks->get("k", "x"), errc::unreachable));
        EXPECT_FALSE(locks->clear("k", "x"));
        EXPECT_LT(boot_clock::now() - since, 15s);
    }
    sql_server_.signal(SIGCONT);
    const auto other = open_warm();
    const auto a = other->set("k", 10, 20, {}, 30s);
    const auto b = other->set("k", 15, 25, {}, 30s);
    EXPECT_FALSE(held(a) && held(b)) << told_of(a) << "; " << told_of(b);
    EXPECT_TRUE(held(a)) << told_of(a) << ": nothing was written before";
    EXPECT_EQ(rows_of("k"), "1");
}

// How: three book slots of one key while the server crashes and comes back, and freezes. They are
// threads of another process, because to start a server is to fork, which threads do not survive.
TEST_F(range_lock_fault, a_database_that_crashes_and_freezes_in_the_middle_books_nothing_twice) {
    constexpr int slots = 120;
    const temp_dir books;
    child_process booking([&](const child_process::line& parent) {
        static_cast<void>(open_warm());  // The tables are there.
        parent.tell();
        std::vector<ledger> all(3);
        std::vector<std::jthread> threads;
        for (ledger& mine : all)
            threads.emplace_back([&] { book_patiently(*open_warm(1s), slots, mine); });
        threads.clear();
        for (std::size_t i = 0; i < all.size(); ++i) save(all[i], books / std::to_string(i));
        return HasFailure() ? 1 : 0;
    });
    ASSERT_NE(booking.parent_line().hear(), 0);
    const auto booked = [&](int least) {
        sql_session sql(sql_server_);
        return poll_until(
            [&] { return std::stoi(sql.value("SELECT COUNT(*) FROM `lock`")) > least; });
    };
    EXPECT_TRUE(booked(5));
    sql_server_.restart();
    EXPECT_TRUE(booked(12));
    sql_server_.signal(SIGSTOP);
    const auto frozen_at = boot_clock::now();
    EXPECT_TRUE(poll_until([&] { return boot_clock::now() - frozen_at > 1200ms; }));
    sql_server_.signal(SIGCONT);
    EXPECT_EQ(booking.wait(), 0);
    expect_the_books_to_be_right(
        {read_ledger(books / "0"), read_ledger(books / "1"), read_ledger(books / "2")});
    const auto after = open()->set("k", -100, -90, {}, 30s);
    EXPECT_TRUE(held(after)) << "it is as before: " << told_of(after);
}

TEST_F(range_lock_fault, connections_that_are_killed_all_the_time_book_nothing_twice) {
    constexpr int slots = 150;
    std::vector<ledger> all(3);
    std::vector<std::jthread> threads;
    std::atomic<bool> done{false};
    std::atomic<int> kills{0};
    static_cast<void>(open_warm());
    for (ledger& mine : all) threads.emplace_back([&] { book(*open_warm(), slots, mine); });
    std::thread killer([&] {
        sql_session root(sql_server_, "");
        while (!done)
            for (const auto& row :
                 root.ask("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"))
                if (root.try_ask("KILL " + row[0]) == 0) ++kills;
    });
    for (std::jthread& one : threads) one.join();
    done = true;
    killer.join();
    EXPECT_GT(kills, 20);
    expect_the_books_to_be_right(all);
}

// Why: whether the row stands is not known when the answer to COMMIT is lost; it is found out.
TEST_F(range_lock_fault, a_lost_answer_to_the_commit_is_made_up_for) {
    for (const cut when : {cut::after_it_is_heard, cut::before_it_is_heard}) {
        static_cast<void>(open_warm());
        tcp_cutter line(sql_server_.socket_path(), "in the packet", when);
        range_lock locks(redis_.url(), "mysql://app:app%20pw@127.0.0.1:" +
                                           std::to_string(line.port()) + "/locks");
        const std::string key = when == cut::after_it_is_heard ? "heard" : "unheard";
        const auto how = locks.set(key, 10, 20, "in the packet", 30s);
        EXPECT_EQ(line.cuts(), 1);
        ASSERT_TRUE(held(how)) << told_of(how);
        EXPECT_EQ(rows_of(key), "1");
        EXPECT_EQ(locks.get(key, how->lock.id()).value()->expiry(), how->lock.expiry());
        EXPECT_TRUE(taken(locks.set(key, 15, 25, {}, 30s)));
    }
}

TEST_F(range_lock_fault, a_commit_whose_answer_stays_away_is_in_doubt_and_names_the_row_in_part) {
    static_cast<void>(open_warm());
    tcp_cutter line(sql_server_.socket_path(), "in the packet", cut::after_it_is_heard);
    range_lock locks(redis_.url(),
                     "mysql://app:app%20pw@127.0.0.1:" + std::to_string(line.port()) + "/locks",
                     {.timeout = 2s});
    auto going = locks.set("k", 10, 20, "in the packet", 30s, asio::use_future);
    ASSERT_TRUE(poll_until([&] { return line.cuts() == 1; }));
    sql_server_.kill();
    const auto how = going.get();
    EXPECT_TRUE(fails(how, errc::in_doubt)) << told_of(how);
    EXPECT_THAT(text_of(how), testing::ContainsRegex("the row [0-9]{5}-[0-9]{5}\\.\\.\\."));
    EXPECT_THAT(text_of(how), testing::Not(HasSubstr("app pw")));
}

TEST_F(range_lock_fault, without_redis_is_an_error_and_nothing_is_written) {
    const auto locks = open_warm(700ms);
    redis_.kill();
    const auto since = boot_clock::now();
    for (int i = 0; i < 3; ++i) {
        const auto how = locks->set("k", 10, 20, {}, 30s);
        EXPECT_TRUE(fails(how, errc::unreachable) || fails(how, errc::in_doubt)) << told_of(how);
    }
    EXPECT_FALSE(locks->get("k", "x"));
    EXPECT_FALSE(locks->clear("k", "x"));
    EXPECT_LT(boot_clock::now() - since, 25s);
    EXPECT_EQ(rows_of("k"), "0");
    redis_.restart();
    EXPECT_TRUE(poll_until([&] { return held(locks->set("k", 10, 20, {}, 30s)); }));
    EXPECT_EQ(rows_of("k"), "1");
}

TEST_F(range_lock_fault, with_a_frozen_redis_is_an_error_in_time_and_nothing_is_written) {
    const auto locks = open_warm(500ms);
    redis_.signal(SIGSTOP);
    const auto since = boot_clock::now();
    const auto how = locks->set("k", 10, 20, {}, 30s);
    EXPECT_TRUE(fails(how, errc::unreachable) || fails(how, errc::in_doubt) ||
                fails(how, errc::timed_out))
        << told_of(how);
    EXPECT_LT(boot_clock::now() - since, 15s);
    EXPECT_EQ(rows_of("k"), "0");
    redis_.signal(SIGCONT);
    EXPECT_TRUE(poll_until([&] { return held(locks->set("k", 10, 20, {}, 30s)); }));
}

// Why: the mutex is gone with the server's memory, so a second one may have it; the row is not.
TEST_F(range_lock_fault, a_redis_that_forgets_the_mutex_in_the_middle_books_nothing_twice) {
    constexpr int slots = 60;
    std::vector<ledger> all(3);
    std::vector<std::jthread> threads;
    std::atomic<int> ended{0};
    static_cast<void>(open_warm());
    for (ledger& mine : all)
        threads.emplace_back([&] {
            book(*open_warm(), slots, mine);
            ++ended;
        });
    while (ended < 3) there_.ask({"FLUSHALL"});
    for (std::jthread& one : threads) one.join();
    expect_the_books_to_be_right(all);
    std::size_t told = 0;
    for (const ledger& one : all) told += one.held.size();
    EXPECT_EQ(told, static_cast<std::size_t>(slots)) << "and none was lost";
}

TEST_F(range_lock_fault, a_lock_that_was_held_outlives_a_crash_of_the_database) {
    const auto locks = open_warm();
    const auto mine = locks->set("k", 10, 20, "kept", 10min);
    ASSERT_TRUE(held(mine));
    sql_server_.restart();
    result<range_lock::answer> how = failure();
    ASSERT_TRUE(poll_until([&] { return bool(how = locks->set("k", 15, 25, {}, 30s)); }));
    ASSERT_TRUE(taken(how)) << told_of(how);
    EXPECT_EQ(how->lock.id(), mine->lock.id());
}

}  // namespace
}  // namespace holdfast::test
