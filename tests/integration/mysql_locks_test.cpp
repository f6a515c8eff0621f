// SPDX-License-Identifier: BSL-1.0
//
// What the conformance suite does not do to the store of plain locks: lost answers, connections
// that are killed, rows that are swept, tables that are lost, rights that are missing.
#include <holdfast/store_observer.hpp>

#include "integration/mysql_ranges.hpp"
#include "mysql/mysql_lock_store.hpp"
#include "support/poll.hpp"
#include "support/tcp_cutter.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <csignal>
#include <mutex>
#include <thread>

namespace holdfast::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Notes what a store tells of its connections.
class noted final : public store_observer {
public:
    void connected(std::string_view node) override { note("connected", node); }
    void disconnected(std::string_view node, const failure& why) override {
        note("disconnected", node);
        EXPECT_THAT(why.text, HasSubstr(std::string(node)));
    }
    void connect_failed(std::string_view node, const failure& why,
                        std::chrono::nanoseconds pause) override {
        note("failed", node);
        EXPECT_EQ(why.code, errc::unreachable);
        EXPECT_GT(pause, 0ns);
    }
    void has_node(std::string_view) override {}
    void node_failed(std::string_view, const failure&) override {}
    void node_skipped(std::string_view, const failure&) override {}
    void node_back(std::string_view) override {}

    std::vector<std::string> words;
    std::string last_node;

private:
    void note(const char* word, std::string_view where) {
        words.emplace_back(word);
        last_node = where;
    }
};

/// One user of the store, with a context and connections of its own.
class lock_user {
public:
    explicit lock_user(const std::string& url, store_observer* watch = nullptr)
        : environment{context.get_executor(), time, random, {}, watch},
          store(std::make_unique<mysql::mysql_lock_store>(
              environment, mysql::read_settings(url, mysql::url_use::store).value())) {}
    ~lock_user() {
        store->stop();
        context.poll();
    }
    lock_user(const lock_user&) = delete;
    lock_user& operator=(const lock_user&) = delete;

    result<grant> acquire(const claim& wanted, attempt which = attempt::first,
                          boot_clock::duration limit = 20s) {
        return run(context, store->acquire(wanted, which, range_user::in(limit)));
    }
    result<void> release(const claim& held) {
        return run(context, store->release(held.name, held.value, range_user::in(20s)));
    }

    asio::io_context context{1};
    system_timeline time{context.get_executor()};
    system_entropy random;
    store_environment environment;
    std::unique_ptr<mysql::mysql_lock_store> store;
};

claim claim_on(const std::string& name, const std::string& value) {
    return {.name = name, .value = value, .ttl = 30s};
}

class mysql_locks : public mysql_ranges {
protected:
    std::unique_ptr<lock_user> behind(const tcp_cutter& line) {
        return std::make_unique<lock_user>(
            "mysql://app:app%20pw@127.0.0.1:" + std::to_string(line.port()) + "/" + database_);
    }
    lock_user user_{url()};
    lock_user other_{url()};
};

// Why: the server does not end a statement because its connection ends, so a release behind a
// cancellation overtook the acquisition. How: its new row waits for a gap that is locked, where a
// release finds nothing to wait for.
TEST_F(mysql_locks, a_cancelled_acquisition_that_is_released_leaves_nothing_behind) {
    const claim wanted = claim_on("name", "the-value");
    ASSERT_TRUE(ok(user_.acquire(claim_on("warm", "x"))));
    sql_session other(server(), database_);
    other.ask("START TRANSACTION");
    other.ask("SELECT * FROM holdfast_lock WHERE name = 'name' FOR UPDATE");
    asio::cancellation_signal stop;
    const auto waits =
        start(user_.context, user_.store->acquire(wanted, attempt::first, range_user::in(60s)),
              [&](auto handler) {
                  return asio::bind_cancellation_slot(stop.slot(), std::move(handler));
              });
    ASSERT_TRUE(drive_until(user_.context, [&] { return server_waits_for_a_row(); }));
    cancel(user_.context, stop);
    ASSERT_TRUE(drive_until(user_.context, [&] { return waits->ended(); }));
    EXPECT_TRUE(fails_with(*waits->answer, errc::cancelled));
    const auto released =
        start(user_.context, user_.store->release("name", "the-value", range_user::in(patience)));
    EXPECT_FALSE(drive_until(
        user_.context, [&] { return released->ended(); }, 20ms));
    other.ask("COMMIT");
    ASSERT_TRUE(drive_until(user_.context, [&] { return released->ended(); }));
    EXPECT_TRUE(ok(*released->answer)) << "what it took late was there to be released";
    EXPECT_EQ(sql_->value("SELECT COUNT(*) FROM holdfast_lock WHERE value = 'the-value'"), "0");
}

TEST_F(mysql_locks, a_lost_answer_is_in_doubt_and_a_repeated_attempt_settles_it) {
    ASSERT_TRUE(ok(user_.acquire(claim_on("warm", "x"))));
    for (const cut when : {cut::before_it_is_heard, cut::after_it_is_heard}) {
        const bool heard = when == cut::after_it_is_heard;
        const claim wanted = claim_on(heard ? "heard" : "unheard", "the-value");
        tcp_cutter line(server().socket_path(), "the-value", when);
        const auto cut_off = behind(line);
        EXPECT_TRUE(fails_with(cut_off->acquire(wanted), errc::in_doubt));
        EXPECT_EQ(line.cuts(), 1);
        result<grant> again = failure{};
        ASSERT_TRUE(poll_until([&] {  // The server may still be at the first one.
            again = cut_off->acquire(wanted, attempt::repeated);
            return again.has_value();
        }));
        EXPECT_EQ(again->taken_earlier, heard);
        EXPECT_GT(again->fencing_token, 0U);
        EXPECT_TRUE(ok(other_.release(wanted)));
    }
}

TEST_F(mysql_locks, tell_of_connections_that_come_end_and_fail) {
    ASSERT_TRUE(ok(user_.acquire(claim_on("warm", "x"))));
    noted heard;
    tcp_cutter line(server().socket_path(), "the-value", cut::before_it_is_heard);
    lock_user cut_off(
        "mysql://app:app%20pw@127.0.0.1:" + std::to_string(line.port()) + "/" + database_, &heard);
    EXPECT_TRUE(fails_with(cut_off.acquire(claim_on("job", "the-value")), errc::in_doubt));
    EXPECT_TRUE(ok(cut_off.acquire(claim_on("job", "another"))));
    EXPECT_THAT(heard.words, ElementsAre("connected", "disconnected", "connected"));
    EXPECT_EQ(heard.last_node, cut_off.store->address());
    EXPECT_THAT(heard.last_node, testing::Not(HasSubstr("pw")));
    noted none;
    lock_user lost("mysql://app@127.0.0.1:1/locks", &none);
    EXPECT_TRUE(fails_with(lost.acquire(claim_on("job", "x")), errc::unreachable));
    EXPECT_THAT(none.words, ElementsAre("failed"));
}

TEST_F(mysql_locks, a_stalled_server_gives_a_name_to_one) {
    mariadb_server own;
    lock_user user(own.url());
    lock_user other(own.url());
    ASSERT_TRUE(ok(user.acquire(claim_on("warm", "x"))));
    own.signal(SIGSTOP);
    const claim wanted = claim_on("job", "mine");
    EXPECT_TRUE(fails_with(user.acquire(wanted, attempt::first, 300ms), errc::in_doubt));
    own.signal(SIGCONT);
    EXPECT_TRUE(ok(user.acquire(wanted, attempt::repeated)));
    EXPECT_TRUE(fails_with(other.acquire(claim_on("job", "theirs")), errc::contended));
}

TEST_F(mysql_locks, connections_killed_all_the_time_give_no_name_twice) {
    constexpr int users = 4;
    constexpr int rounds = 60;
    std::atomic<bool> done{false};
    std::atomic<int> kills{0};
    std::atomic<int> inside{0};
    std::atomic<int> together{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < users; ++i)
        threads.emplace_back([&, i] {
            lock_user mine(url());
            std::uint64_t last = 0;
            for (int round = 0; round < rounds;) {
                claim wanted = claim_on("job", std::to_string(i) + "-" + std::to_string(round));
                wanted.ttl = 10min;
                auto which = attempt::first;
                result<grant> how = failure{};
                for (;;) {
                    how = mine.acquire(wanted, which);
                    if (how) break;
                    if (how.error().code == errc::in_doubt) which = attempt::repeated;
                }
                together += inside++ == 0 ? 0 : 1;
                if (how->fencing_token <= last) ADD_FAILURE() << "tokens fell";
                last = how->fencing_token;
                --inside;
                result<void> released = failure{};
                do released = mine.release(wanted);
                while (!released && released.error().code != errc::lost);
                ++round;
            }
        });
    std::thread killer([&] {
        sql_session root(server(), "");
        while (!done) {
            for (const auto& row :
                 root.ask("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"))
                if (root.try_ask("KILL " + row[0]) == 0) ++kills;
            root.ask("DO SLEEP(0.002)");
        }
    });
    for (std::thread& one : threads) one.join();
    done = true;
    killer.join();
    EXPECT_GT(kills, 20);
    EXPECT_EQ(together, 0);
}

TEST_F(mysql_locks, many_take_turns_and_tokens_rise_over_all_of_them) {
    std::mutex one_at_a_time;
    std::uint64_t last = 0;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&, i] {
            lock_user mine(url());
            for (int round = 0; round < 20; ++round) {
                const claim wanted = claim_on("job", std::to_string(i * 1000 + round));
                result<grant> how = failure{};
                while (!(how = mine.acquire(wanted)))
                    if (how.error().code != errc::contended) ++wrong;
                {
                    const std::unique_lock alone(one_at_a_time, std::try_to_lock);
                    if (!alone || how->fencing_token <= last) ++wrong;
                    if (alone) last = how->fencing_token;
                }
                if (!mine.release(wanted)) ++wrong;
            }
        });
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(wrong, 0);
}

// How: freed rows are made old by hand.
TEST_F(mysql_locks, rows_of_names_that_nobody_holds_go_and_tokens_rise_all_the_same) {
    const claim first = claim_on("first", "x");
    const auto granted = user_.acquire(first);
    ASSERT_TRUE(ok(user_.release(first)));
    const claim raised = claim_on("raised", "x");
    ASSERT_TRUE(ok(user_.acquire(raised)));
    ASSERT_TRUE(
        ok(run(user_.context, user_.store->raise_token("raised", {}, 1'000'000'000'000'000'000,
                                                       range_user::in(20s)))));
    ASSERT_TRUE(ok(user_.release(raised)));
    sql_->ask("UPDATE holdfast_lock SET expires = expires - 120000000");
    for (int i = 0; i < 64; ++i)
        ASSERT_TRUE(ok(user_.acquire(claim_on("job " + std::to_string(i), "x"))));
    EXPECT_EQ(sql_->value("SELECT COUNT(*) FROM holdfast_lock WHERE name = 'first'"), "0");
    EXPECT_EQ(sql_->value("SELECT COUNT(*) FROM holdfast_lock WHERE name = 'raised'"), "1");
    const auto next = user_.acquire(first);
    ASSERT_TRUE(ok(next));
    EXPECT_GT(next->fencing_token, granted->fencing_token);
}

TEST_F(mysql_locks, a_table_that_was_lost_is_made_anew_and_tokens_rise) {
    const claim mine = claim_on("job", "x");
    const auto first = user_.acquire(mine);
    ASSERT_TRUE(ok(first));
    sql_->ask("DROP TABLE holdfast_lock");
    EXPECT_TRUE(fails_with(user_.release(mine), errc::lost));
    const auto next = user_.acquire(mine);
    ASSERT_TRUE(ok(next));
    EXPECT_GT(next->fencing_token, first->fencing_token);
}

TEST_F(mysql_locks, a_restart_forgets_nothing) {
    mariadb_server own;
    lock_user user(own.url());
    const auto first = user.acquire(claim_on("job", "x"));
    ASSERT_TRUE(ok(first));
    own.restart();
    result<grant> refused = failure{};
    ASSERT_TRUE(poll_until([&] {
        refused = user.acquire(claim_on("job", "y"));
        return !refused && refused.error().code == errc::contended;
    })) << refused.error().message();
    EXPECT_TRUE(ok(user.release(claim_on("job", "x"))));
    EXPECT_GT(user.acquire(claim_on("job", "z"))->fencing_token, first->fencing_token);
}

TEST_F(mysql_locks, who_may_not_create_is_told_so_and_may_use_what_is_there) {
    sql_session root(server(), "");
    root.ask("CREATE USER locksmith@localhost IDENTIFIED BY 'app pw'");
    root.ask("GRANT SELECT, INSERT, UPDATE, DELETE ON " + database_ + ".* TO locksmith@localhost");
    std::string theirs = url();
    lock_user user(theirs.replace(theirs.find("app:"), 4, "locksmith:"));
    const auto denied = user.acquire(claim_on("job", "x"));
    ASSERT_TRUE(fails_with(denied, errc::denied));
    EXPECT_THAT(denied.error().text, HasSubstr("CREATE"));
    ASSERT_TRUE(ok(user_.acquire(claim_on("other", "x"))));
    EXPECT_TRUE(ok(user.acquire(claim_on("job", "x"))));
    EXPECT_TRUE(ok(user.release(claim_on("job", "x"))));
}

}  // namespace
}  // namespace holdfast::test
