// SPDX-License-Identifier: BSL-1.0
//
// Why: the bugs of lock libraries lie where a reply is lost or late. How: each operation is run
// again and again, with its first, second, third ... conversation going wrong in each way; what is
// then reported must be true of the store, and nothing may stay behind.
#include "fault/faulty_store.hpp"
#include "lock/engine.hpp"
#include "support/manual_timeline.hpp"
#include "support/seeded_entropy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>

namespace holdfast::fault {
namespace {

using namespace std::chrono_literals;

constexpr std::array all_troubles{trouble::unreachable, trouble::lost_request, trouble::lost_reply,
                                  trouble::late_reply,  trouble::frozen,       trouble::denied,
                                  trouble::garbage,     trouble::lost_lock};

/// An engine over a store whose step `bad_step` goes wrong.
struct bench {
    bench(std::size_t bad_step, trouble how)
        : time(std::make_shared<test::manual_timeline>()),
          where(std::make_shared<faulty_store>(*time, bad_step, how)) {
        engine = std::make_shared<lock::engine>(
            lock::engine_parts{.executor = context.get_executor(),
                               .time = time,
                               .random = std::make_shared<test::seeded_entropy>(7),
                               .where = where,
                               .options = {.timeout = 1s},
                               .host = "here",
                               .pid = 1,
                               .signal = [](std::stop_source lost) { lost.request_stop(); }});
    }
    ~bench() {
        asio::co_spawn(
            context, [e = engine] { return e->wind_down(); }, asio::detached);
        pass(5s);
    }
    /// Lets time pass in small steps, and everything happen that is due.
    void pass(std::chrono::milliseconds length) {
        for (auto passed = 0ms; passed <= length; passed += 2ms) {
            context.restart();
            context.poll();
            time->advance(2ms);
        }
    }
    template <class T>
    T run(asio::awaitable<T> work) {
        std::optional<T> answer;
        asio::co_spawn(context, std::move(work), [&](const std::exception_ptr&, T value) {
            answer.emplace(std::move(value));
        });
        for (int i = 0; i < 20'000 && !answer; ++i) {
            context.restart();
            context.poll();
            if (!answer) time->advance(1ms);
        }
        EXPECT_TRUE(answer) << "the operation never ended";
        if (!answer) std::abort();
        return std::move(*answer);
    }
    [[nodiscard]] bool on_server(const lock::held_ptr& held) {
        const auto found = where->table.inspect(held->name, time->now());
        return found && found->value == held->value;
    }

    asio::io_context context;
    std::shared_ptr<test::manual_timeline> time;
    std::shared_ptr<faulty_store> where;
    std::shared_ptr<lock::engine> engine;
};

std::string where_it_was(std::size_t step, trouble how) {
    return "step " + std::to_string(step) + ", trouble " + std::to_string(static_cast<int>(how));
}

/// Runs `scenario` for each step and trouble, until a run has no such step any more.
void for_each_step(const std::function<void(bench&)>& scenario) {
    for (const trouble how : all_troubles) {
        for (std::size_t step = 0; step < 50; ++step) {
            SCOPED_TRACE(where_it_was(step, how));
            bench b(step, how);
            scenario(b);
            if (b.where->steps() <= step) break;
            EXPECT_LT(step, 49U) << "the scenario has no end";
        }
    }
}

acquire_options brief(std::chrono::milliseconds wait = 0ms) {
    acquire_options options;
    options.ttl = 500ms;
    options.wait = wait;
    return options;
}

TEST(each_step, an_acquire_reports_what_is_true_of_the_store) {
    for (const auto wait : {0ms, 800ms}) {
        for_each_step([&](bench& b) {
            auto held = b.run(b.engine->acquire("job", brief(wait)));
            if (held) {
                EXPECT_TRUE((*held)->held());
                EXPECT_TRUE(b.on_server(*held));
                EXPECT_GT((*held)->fencing_token, 0U);
                EXPECT_LE((*held)->valid_until.load(), b.time->now() + 500ms);
                b.engine->drop(*held);
            }
            // Whatever became of it: nothing is left after a ttl.
            b.pass(2500ms);
            EXPECT_FALSE(b.where->table.inspect("job", b.time->now()));
        });
    }
}

TEST(each_step, a_refused_acquire_touches_nothing_of_the_holder) {
    for_each_step([](bench& b) {
        claim foreign{.name = "job", .value = "other|1@there|", .ttl = 60s};
        ASSERT_TRUE(b.where->table.acquire(foreign, attempt::first, b.time->now()));
        const auto held = b.run(b.engine->acquire("job", brief()));
        if (held) {
            b.engine->drop(*held);  // Only if the trouble deleted the foreign lock.
            return;
        }
        b.pass(2500ms);
        const auto found = b.where->table.inspect("job", b.time->now());
        EXPECT_TRUE(!found || found->value == foreign.value);
    });
}

// A hold is renewed over and over while one step goes wrong: it must survive, or say that it is
// lost before its validity ends.
TEST(each_step, a_renewal_that_goes_wrong_is_made_up_for_or_signalled) {
    std::set<lost_reason> reasons;
    for_each_step([&](bench& b) {
        auto held = b.run(b.engine->acquire("job", brief(3s)));
        if (!held) return;
        for (int i = 0; i < 1500 && (*held)->held(); ++i) {
            b.context.restart();
            b.context.poll();
            const bool valid = b.time->now() < (*held)->valid_until.load();
            EXPECT_TRUE(valid || !(*held)->held()) << "not told in time";
            if ((*held)->held() && b.where->steps() > 12) break;
            b.time->advance(1ms);
        }
        if ((*held)->held()) {
            EXPECT_TRUE(b.on_server(*held));
        } else {
            EXPECT_TRUE((*held)->lost_signal().stop_requested());
            reasons.insert((*held)->why_lost());
        }
        b.engine->drop(*held);
        b.pass(2500ms);
        EXPECT_FALSE(b.where->table.inspect("job", b.time->now()));
    });
    EXPECT_TRUE(reasons.contains(lost_reason::deleted));
    EXPECT_FALSE(reasons.contains(lost_reason::unreachable))
        << "one failed renewal must not cost the lock";
}

TEST(each_step, a_release_says_released_lost_or_in_doubt_and_is_right) {
    for_each_step([](bench& b) {
        auto held = b.run(b.engine->acquire("job", brief(3s)));
        if (!held) return;
        const auto gone = b.run(b.engine->release(*held));
        if (gone || gone.error().code == errc::lost) {
            EXPECT_FALSE(b.on_server(*held));
        }
        EXPECT_FALSE((*held)->held());
        b.pass(2500ms);
        EXPECT_FALSE(b.where->table.inspect("job", b.time->now()));
    });
}

TEST(each_step, a_manual_renewal_never_promises_more_than_the_store_keeps) {
    for (const auto ttl : {200ms, 2000ms}) {
        for_each_step([&](bench& b) {
            auto held = b.run(b.engine->acquire("job", brief(3s)));
            if (!held) return;
            b.pass(100ms);
            const auto renewed = b.run(b.engine->renew(*held, ttl));
            const auto found = b.where->table.inspect("job", b.time->now());
            if (renewed) {
                EXPECT_TRUE((*held)->held());
            }
            if ((*held)->held() && b.time->now() < (*held)->valid_until.load() && found) {
                EXPECT_LE((*held)->valid_until.load(), b.time->now() + found->holder.remaining);
            }
            b.engine->drop(*held);
            b.pass(4500ms);
            EXPECT_FALSE(b.where->table.inspect("job", b.time->now()));
        });
    }
}

// Why: attempts that are counted may lie hours apart, or nowhere, but an unknown outcome is asked
// about soon, with pauses, and not for longer than one conversation may take.
TEST(each_step, a_doubt_is_asked_about_with_pauses_whatever_the_distance_of_attempts) {
    for (const auto delay : {0ms, 3'600'000ms}) {
        bench b(0, trouble::none);
        const auto lost = [](std::size_t) { return trouble::lost_request; };
        const auto store =
            std::make_shared<faulty_store>(*b.time, std::make_shared<memory::lock_table>(), lost);
        lock::engine_parts parts{.executor = b.context.get_executor(),
                                 .time = b.time,
                                 .random = std::make_shared<test::seeded_entropy>(7),
                                 .where = store,
                                 .options = {.timeout = 1s},
                                 .host = "here",
                                 .pid = 1,
                                 .signal = [](std::stop_source) {}};
        b.engine = std::make_shared<lock::engine>(std::move(parts));
        lock::acquire_plan plan(brief());
        plan.retry = core::retry_rule{.attempts_max = 1, .delay = delay};
        const time_point before = b.time->now();
        const auto held = b.run(b.engine->acquire("job", std::move(plan)));
        ASSERT_FALSE(held);
        EXPECT_EQ(held.error().code, errc::in_doubt);
        EXPECT_LE(b.time->now() - before, 2s);
        EXPECT_GT(store->steps(), 2U);
        EXPECT_LT(store->steps(), 60U) << "asked without a pause";
    }
}

TEST(each_step, an_adoption_holds_only_what_its_first_renewal_confirmed) {
    for_each_step([](bench& b) {
        auto held = b.run(b.engine->acquire("job", brief(3s)));
        if (!held) return;
        auto handed = lock::engine::hand_over(*held);
        if (!handed) return;
        auto adopted = b.run(b.engine->adopt(*handed, brief()));
        if (adopted) {
            EXPECT_TRUE(b.on_server(*adopted));
            EXPECT_EQ((*adopted)->fencing_token, (*held)->fencing_token);
            b.engine->drop(*adopted);
        }
        b.pass(2500ms);
        EXPECT_FALSE(b.where->table.inspect("job", b.time->now()));
    });
}

TEST(each_step, the_verbs_by_lease_and_the_questions_end_with_a_clear_answer) {
    for_each_step([](bench& b) {
        claim mine{.name = "job", .value = "me|1@here|", .ttl = 5s};
        ASSERT_TRUE(b.where->table.acquire(mine, attempt::first, b.time->now()));
        const lease known{.name = "job", .id = "me", .ttl = 1s};
        const lease wrong{.name = "job", .id = "you", .ttl = 1s};
        static_cast<void>(b.run(b.engine->inspect("job")));
        static_cast<void>(b.run(b.engine->list("")));
        static_cast<void>(b.run(b.engine->renew_known(known)));
        EXPECT_FALSE(b.run(b.engine->release_known(wrong)));
        const auto gone = b.run(b.engine->release_known(known));
        if (gone) {
            EXPECT_FALSE(b.where->table.inspect("job", b.time->now()));
        }
        static_cast<void>(b.run(b.engine->break_lock("job")));
    });
}

}  // namespace
}  // namespace holdfast::fault
