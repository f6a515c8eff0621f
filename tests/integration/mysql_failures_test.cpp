// SPDX-License-Identifier: BSL-1.0
//
// What goes wrong with a server, or on the way to it, while a range is being held.
#include "integration/mysql_table.hpp"
#include "support/poll.hpp"
#include "support/tcp_cutter.hpp"
#include "support/tcp_proxy.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <csignal>
#include <set>
#include <thread>
#include <vector>

namespace holdfast::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

/// What a client says when it commits, and what it must not say so that it says that.
struct commit_words {
    std::string said;
    std::string unknown;
};

class a_lost_commit : public mysql_table, public testing::WithParamInterface<commit_words> {
protected:
    tcp_cutter cutter(const mariadb_server& server, cut when) {
        return {server.socket_path(), GetParam().said, when, GetParam().unknown};
    }
    result<set_outcome> set_over(tcp_cutter& line, boot_clock::duration mutex = 20s) {
        table_user cut_off("mysql://app:app%20pw@127.0.0.1:" + std::to_string(line.port()) + "/" +
                           database_);
        return cut_off.set({.id = "mine", .key = "k", .from = 10, .to = 20, .ttl = 30s}, mutex);
    }
};

// Why: whether the row stands is not known when the answer to COMMIT is lost; it can be found out.
TEST_P(a_lost_commit, that_was_heard_is_found_by_reading_back) {
    tcp_cutter line = cutter(server(), cut::after_it_is_heard);
    const auto how = set_over(line);
    EXPECT_EQ(line.cuts(), 1);
    ASSERT_TRUE(holds(how)) << why(how);
    EXPECT_EQ(theirs_->sql().value("SELECT expiry FROM `lock` WHERE id = 'mine'"),
              std::to_string(how->expiry_ms));
    EXPECT_EQ(row_count(), "1");
}

TEST_P(a_lost_commit, that_was_not_heard_is_made_up_for) {
    tcp_cutter line = cutter(server(), cut::before_it_is_heard);
    const auto how = set_over(line);
    EXPECT_EQ(line.cuts(), 1);
    ASSERT_TRUE(holds(how)) << why(how);
    EXPECT_EQ(row_count(), "1");
}

TEST_P(a_lost_commit, that_cannot_be_resolved_in_time_is_in_doubt_and_names_the_row_in_part) {
    mariadb_server own;
    table_user setup(own.url());
    ASSERT_TRUE(run(setup.context, setup.table->create(table_user::in(20s))));
    tcp_cutter line = cutter(own, cut::after_it_is_heard);
    table_user cut_off("mysql://app:app%20pw@127.0.0.1:" + std::to_string(line.port()) + "/locks");
    const seed_wish wanted{
        .id = "03464-52391-secret mine", .key = "k", .from = 1, .to = 2, .ttl = 30s};
    const auto mine =
        start(cut_off.context, cut_off.table->set(wanted, table_user::in(20s), table_user::in(2s)));
    bool frozen = false;
    ASSERT_TRUE(drive_until(cut_off.context, [&] {
        if (line.cuts() == 1 && !std::exchange(frozen, true)) own.kill();
        return mine->ended();
    }));
    ASSERT_FALSE(*mine->answer) << why(*mine->answer);
    EXPECT_EQ(mine->answer->error().code, errc::in_doubt) << why(*mine->answer);
    EXPECT_THAT(mine->answer->error().text, HasSubstr("03464-52391"));
    EXPECT_THAT(mine->answer->error().text, testing::Not(HasSubstr("secret")));
}

TEST_P(a_lost_commit, of_a_statement_before_it_is_made_up_for) {
    tcp_cutter line(server().socket_path(), "START TRANSACTION", cut::after_it_is_heard);
    const auto how = set_over(line);
    EXPECT_EQ(line.cuts(), 1);
    EXPECT_TRUE(holds(how)) << why(how);
}

INSTANTIATE_TEST_SUITE_P(said, a_lost_commit,
                         testing::Values(commit_words{"mine", ""},
                                         commit_words{"\nCOMMIT\n", "BEGIN NOT ATOMIC"}),
                         [](const auto& one) {
                             return one.param.unknown.empty() ? "with_the_row" : "by_itself";
                         });

class a_simple_server : public mysql_table {};

// Why: MySQL, and MariaDB before 10.6, cannot prepare several statements as one.
// How: what begins such a one is misspelt on its way, so the server says what those say.
TEST_F(a_simple_server, without_compound_statements_is_asked_step_by_step) {
    tcp_cutter line(server().socket_path(), "BEGIN NOT ATOMIC", cut::misspelt);
    table_user plain("mysql://app:app%20pw@127.0.0.1:" + std::to_string(line.port()) + "/" +
                     database_);
    const auto first = plain.set("k", 10, 20);
    ASSERT_TRUE(holds(first)) << why(first);
    EXPECT_EQ(line.cuts(), 1);
    EXPECT_TRUE(blocked(plain.set("k", 15, 25)));
    const auto second = plain.set("k", 20, 30);
    ASSERT_TRUE(holds(second)) << why(second);
    EXPECT_GT(second->fence, first->fence);
    EXPECT_TRUE(blocked(ours_->set("k", 19, 21))) << "one that is asked all at once sees it";
    EXPECT_EQ(row_count(), "2");
}

// Why: what is said to be held by nobody must not stand in the table. How: what writes is late, so
// that somebody else has locked the table by then, and keeps it until the mutex has run out.
TEST_F(a_simple_server, whose_table_is_locked_between_look_and_write_keeps_no_row) {
    tcp_proxy line(server().socket_path());
    line.to_server({.delay = 700ms, .slow_word = "the late one"});
    table_user late("mysql://app:app%20pw@" + line.host_and_port() + "/" + database_);
    ASSERT_TRUE(holds(late.set("k", 1, 2)));
    const seed_wish wanted{.id = "the late one", .key = "k", .from = 10, .to = 20, .ttl = 10min};
    const auto mine =
        start(late.context, late.table->set(wanted, table_user::in(1500ms), table_user::in(20s)));
    sql_session theirs(server(), database_);
    ASSERT_TRUE(drive_until(late.context, [&] {
        return theirs.try_ask(
                   "SET STATEMENT innodb_lock_wait_timeout = 0 FOR "
                   "UPDATE lock_key SET fence = fence") != 0;
    }));
    std::jthread other([&] {
        theirs.ask("LOCK TABLES `lock` WRITE");
        const time_point end = boot_clock::now() + 2500ms;  // It is waited for for 2 s.
        EXPECT_TRUE(poll_until([&] { return boot_clock::now() > end; }));
        theirs.ask("UNLOCK TABLES");
    });
    ASSERT_TRUE(drive_until(late.context, [&] { return mine->ended(); }));
    ASSERT_FALSE(*mine->answer);
    EXPECT_EQ(mine->answer->error().code, errc::timed_out) << why(*mine->answer);
    EXPECT_EQ(row_count(), "1") << "the first one alone";
}

class a_fault : public testing::Test {
protected:
    a_fault() { EXPECT_TRUE(run(user_->context, user_->table->create(table_user::in(20s)))); }
    mariadb_server server_;
    std::unique_ptr<table_user> user_ = std::make_unique<table_user>(server_.url());
};

TEST_F(a_fault, a_frozen_server_ends_a_set_in_time_and_a_thaw_books_nothing_twice) {
    ASSERT_TRUE(holds(user_->set("warm", 1, 2)));
    server_.signal(SIGSTOP);
    for (int i = 0; i < 2; ++i) {
        const auto since = boot_clock::now();
        const auto how = user_->set(
            {.id = "early" + std::to_string(i), .key = "k", .from = 10, .to = 20, .ttl = 30s}, 20s,
            400ms);
        EXPECT_LT(boot_clock::now() - since, 5s);
        ASSERT_FALSE(how);
        EXPECT_EQ(how.error().code, errc::unreachable) << "no COMMIT was sent";
    }
    EXPECT_EQ(
        run(user_->context, user_->table->get("warm", "x", table_user::in(200ms))).error().code,
        errc::unreachable);
    server_.signal(SIGCONT);
    table_user other(server_.url());
    const auto mine = user_->set({.id = "a", .key = "k", .from = 10, .to = 20, .ttl = 30s});
    const auto theirs = other.set({.id = "b", .key = "k", .from = 15, .to = 25, .ttl = 30s});
    EXPECT_TRUE(holds(mine)) << why(mine);
    EXPECT_TRUE(blocked(theirs)) << why(theirs);
    EXPECT_EQ(sql_session(server_).value("SELECT COUNT(*) FROM `lock` WHERE `key` = 'k'"), "1");
}

// Why: connections and statements end at any moment of a set; each must be held once, or said not
// to be.
TEST_F(a_fault, connections_killed_all_the_time_book_nothing_twice_and_lose_nothing) {
    constexpr int slots = 150;
    constexpr int users = 3;
    std::atomic<bool> done{false};
    std::atomic<int> kills{0};
    std::vector<std::multiset<int>> held(users);
    std::vector<std::set<int>> unsure(users);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < users; ++i)
        threads.emplace_back([&, i] {
            table_user mine(server_.url());
            for (int slot = 0; slot < slots; ++slot) {
                const auto how = mine.set({.id = std::to_string(i) + "-" + std::to_string(slot),
                                           .key = "k",
                                           .from = slot * 10,
                                           .to = slot * 10 + 10,
                                           .ttl = 5min});
                if (holds(how)) held[i].insert(slot);
                if (!how && how.error().code == errc::in_doubt) unsure[i].insert(slot);
            }
        });
    std::thread killer([&] {
        sql_session root(server_, "");
        while (!done)
            for (const auto& row :
                 root.ask("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"))
                if (const char* what = kills % 2 == 0 ? "KILL " : "KILL QUERY ";
                    root.try_ask(what + row[0]) == 0)
                    ++kills;
    });
    for (std::thread& one : threads) one.join();
    done = true;
    killer.join();
    EXPECT_GT(kills, 20);
    sql_session sql(server_);
    EXPECT_EQ(sql.value("SELECT COUNT(*) FROM `lock` a JOIN `lock` b ON a.id < b.id AND "
                        "a.`from`+0e0 < b.`to`+0e0 "
                        "AND a.`to`+0e0 > b.`from`+0e0"),
              "0");
    for (std::size_t i = 0; i < users; ++i)
        for (int slot = 0; slot < slots; ++slot) {
            const bool stands =
                sql.value("SELECT COUNT(*) FROM `lock` WHERE id = '" + std::to_string(i) + "-" +
                          std::to_string(slot) + "'") == "1";
            if (!unsure[i].contains(slot)) {
                EXPECT_EQ(stands, held[i].contains(slot)) << i << '-' << slot;
            }
        }
}

TEST_F(a_fault, a_row_that_was_held_outlives_a_crash) {
    const auto held = user_->set({.id = "a", .key = "k", .from = 10, .to = 20, .ttl = 10min});
    ASSERT_TRUE(holds(held));
    server_.restart();
    result<set_outcome> how = failure();
    ASSERT_TRUE(poll_until([&] {
        return bool(how = user_->set({.id = "b", .key = "k", .from = 15, .to = 25, .ttl = 30s}));
    }));
    ASSERT_TRUE(blocked(how)) << why(how);
    EXPECT_EQ(how->blocker->id, "a");
}

TEST_F(a_fault, a_cancelled_set_ends_at_once_and_holds_nothing) {
    sql_session other(server_);
    other.ask("LOCK TABLES `lock` WRITE");
    asio::cancellation_signal stop;
    const seed_wish wanted{.id = "a", .key = "k", .from = 1, .to = 2, .ttl = 30s};
    const auto mine =
        start(user_->context, user_->table->set(wanted, table_user::in(60s), table_user::in(60s)),
              [&](auto handler) {
                  return asio::bind_cancellation_slot(stop.slot(), std::move(handler));
              });
    user_->context.restart();
    user_->context.run_for(200ms);
    const auto since = boot_clock::now();
    cancel(user_->context, stop);
    ASSERT_TRUE(drive_until(user_->context, [&] { return mine->ended(); }));
    EXPECT_LT(boot_clock::now() - since, 5s);
    EXPECT_EQ(mine->answer->error().code, errc::cancelled);
    other.ask("UNLOCK TABLES");
    EXPECT_TRUE(holds(user_->set("k", 1, 2)));
}

TEST_F(a_fault, a_table_that_is_stopped_ends_what_is_under_way) {
    sql_session other(server_);
    other.ask("LOCK TABLES `lock` WRITE");
    std::vector<std::shared_ptr<started<result<set_outcome>>>> all;
    for (int i = 0; i < 8; ++i) {
        seed_wish wanted{
            .id = "a" + std::to_string(i), .key = "k", .from = i, .to = i + 1, .ttl = 30s};
        all.push_back(
            start(user_->context,
                  user_->table->set(std::move(wanted), table_user::in(60s), table_user::in(60s))));
    }
    user_->context.restart();
    user_->context.run_for(200ms);
    user_->table->stop();
    for (const auto& one : all) {
        ASSERT_TRUE(drive_until(
            user_->context, [&] { return one->ended(); }, 5s));
        EXPECT_EQ(one->answer->error().code, errc::cancelled);
    }
    EXPECT_EQ(user_->set({.id = "x", .key = "k", .from = 1, .to = 2, .ttl = 1s}).error().code,
              errc::cancelled);
}

}  // namespace
}  // namespace holdfast::test
