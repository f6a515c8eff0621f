// SPDX-License-Identifier: BSL-1.0
//
// Why: whoever is woken at night by a number must be able to trust it. How: the real engine on a
// timeline that only the test moves, over a store that goes wrong by plan: what is counted, the
// durations too, is known exactly beforehand.
#include <holdfast/metrics.hpp>

#include "fault/faulty_store.hpp"
#include "fault/quorum_bench.hpp"
#include "lock/engine.hpp"
#include "support/prometheus_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::fault {
namespace {

using lock::held_ptr;
using test::prometheus_page;
using testing::ElementsAre;

/// One server, one client.
class counting : public testing::Test {
protected:
    counting() {
        bench_.options.on_event = [this](const event& what) { told_.push_back(what); };
        environment_.emplace(store_environment{bench_.context.get_executor(), *bench_.time, random_,
                                               bench_.options});
        where_ = std::make_shared<faulty_store>(*bench_.time, bench_.tables[0],
                                                [this](std::size_t) { return trouble_; });
        engine_ = std::make_shared<lock::engine>(
            lock::engine_parts{.executor = bench_.context.get_executor(),
                               .time = bench_.time,
                               .random = std::make_shared<test::seeded_entropy>(7),
                               .where = where_,
                               .options = bench_.options,
                               .host = "here",
                               .pid = 1,
                               .signal = [](std::stop_source lost) { lost.request_stop(); }});
    }
    ~counting() override {
        trouble_ = alive;
        asio::co_spawn(
            bench_.context, [e = engine_] { return e->wind_down(); }, asio::detached);
        bench_.pass(5s);
    }

    result<held_ptr> acquire(const acquire_options& options, const std::string& name = "job") {
        return bench_.run(engine_->acquire(name, options));
    }
    void release(const held_ptr& held) {
        const auto gone = bench_.run(engine_->release(held));
        EXPECT_TRUE(gone) << gone.error().message();
    }
    /// Somebody else takes the lock.
    void occupy(std::chrono::milliseconds ttl) { bench_.occupy(0, ttl); }
    void free_it() { static_cast<void>(where_->table.take_away("job", bench_.time->now())); }
    [[nodiscard]] lock_statistics now() const { return engine_->statistics(); }
    /// @return What was told of that kind.
    [[nodiscard]] std::vector<event> told_of(event_kind kind) const {
        std::vector<event> some;
        std::copy_if(told_.begin(), told_.end(), std::back_inserter(some),
                     [&](const event& one) { return one.kind == kind; });
        return some;
    }

    quorum_bench bench_{1};
    std::vector<event> told_;
    test::seeded_entropy random_{3};
    std::optional<store_environment> environment_;
    std::shared_ptr<faulty_store> where_;
    trouble trouble_{alive};
    std::shared_ptr<lock::engine> engine_;
};

acquire_options kept(std::chrono::milliseconds ttl) {
    acquire_options options;
    options.ttl = ttl;
    return options;
}

duration_histogram histogram_of(std::vector<std::chrono::nanoseconds> durations) {
    duration_histogram all;
    for (const auto one : durations) {
        std::size_t index = 0;
        while (index < all.bounds.size() && one > all.bounds[index]) ++index;
        ++all.counts[index];
        all.sum += one;
    }
    return all;
}

void expect_same(const duration_histogram& is, const duration_histogram& wanted) {
    EXPECT_EQ(is.counts, wanted.counts);
    EXPECT_EQ(is.sum, wanted.sum);
}

std::uint64_t sum_of(const auto& counts) {
    std::uint64_t sum = 0;
    for (const std::uint64_t one : counts) sum += one;
    return sum;
}

TEST_F(counting, begins_with_nothing_but_its_server) {
    const lock_statistics all = now();
    EXPECT_EQ(all.grants + all.attempts + all.releases + all.losses + all.held(), 0U);
    ASSERT_EQ(all.nodes.size(), 1U);
    EXPECT_EQ(all.nodes[0].address, "faulty:");
    EXPECT_EQ(sum_of(all.nodes[0].errors), 0U);
}

TEST_F(counting, has_each_grant_hold_and_release_with_its_duration) {
    for (const auto length : {3ms, 3ms, 700ms}) {
        const auto held = acquire(kept(30s));
        ASSERT_TRUE(held);
        EXPECT_EQ(now().held(), 1U);
        bench_.time->advance(length);
        release(*held);
    }
    const auto handed = acquire(kept(30s));
    ASSERT_TRUE(handed);
    bench_.time->advance(40ms);
    const auto lease = lock::engine::hand_over(*handed);
    ASSERT_TRUE(lease);
    engine_->let_go(*handed);
    const auto adopted = bench_.run(engine_->adopt(*lease, kept(30s)));
    ASSERT_TRUE(adopted) << adopted.error().message();
    bench_.time->advance(2s);
    release(*adopted);
    const lock_statistics all = now();
    EXPECT_EQ(all.attempts, 4U);
    EXPECT_EQ(all.grants, 5U);
    EXPECT_EQ(all.adoptions, 1U);
    EXPECT_EQ(all.releases, 4U);
    EXPECT_EQ(all.held(), 0U);
    expect_same(all.wait_time, histogram_of({0ns, 0ns, 0ns, 0ns}));
    expect_same(all.hold_time, histogram_of({3ms, 3ms, 700ms, 40ms, 2s}));
    EXPECT_EQ(all.refusals + all.losses + all.store_errors + sum_of(all.failures_by), 0U);
    EXPECT_TRUE(told_.empty());
}

TEST_F(counting, has_each_refusal_and_what_waiting_came_to) {
    occupy(60s);
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(acquire(kept(30s)));
    // It asks every 10 ms: at 0, 10, 20, 30 and at the end of its wait.
    acquire_options patient = kept(30s);
    patient.wait = 40ms;
    EXPECT_EQ(acquire(patient).error().code, errc::timed_out);
    free_it();
    occupy(25ms);
    const auto late = acquire(patient);  // At 0, 10, 20 in vain, at 30 not.
    ASSERT_TRUE(late) << late.error().message();
    const lock_statistics all = now();
    EXPECT_EQ(all.attempts, 4U + 5 + 4);
    EXPECT_EQ(all.refusals, 4U + 5 + 3);
    EXPECT_EQ(all.grants, 1U);
    EXPECT_EQ(count_of(all.failures_by, errc::contended), 4U);
    EXPECT_EQ(count_of(all.failures_by, errc::timed_out), 1U);
    EXPECT_EQ(sum_of(all.failures_by), 5U);
    expect_same(all.wait_time, histogram_of({30ms}));
    expect_same(all.vain_wait_time, histogram_of({0ns, 0ns, 0ns, 0ns, 40ms}));
    EXPECT_EQ(all.store_errors, 0U);
    release(*late);
}

TEST_F(counting, has_each_renewal_with_what_was_left) {
    const auto held = acquire(kept(300ms));
    ASSERT_TRUE(held);
    bench_.pass(250ms);
    // Each third of the ttl; of the 295 ms after drift 195 were left.
    lock_statistics all = now();
    EXPECT_EQ(all.renewals, 2U);
    expect_same(all.renewal_margin, histogram_of({195ms, 195ms}));
    EXPECT_TRUE(told_.empty());
    trouble_ = trouble::late_reply;  // A quarter of the ttl, less 1 ms.
    bench_.pass(150ms);
    trouble_ = alive;
    all = now();
    EXPECT_EQ(all.renewals, 3U);
    expect_same(all.renewal_margin, histogram_of({195ms, 195ms, 121ms}));
    EXPECT_EQ(all.renewal_failures, 0U);
    release(*held);
}

// Why: it is the last warning before a loss.
TEST_F(counting, tells_of_a_renewal_that_came_late) {
    const auto held = acquire(kept(300ms));
    ASSERT_TRUE(held);
    trouble_ = trouble::unreachable;
    bench_.pass(204ms);
    trouble_ = alive;
    bench_.pass(40ms);
    const lock_statistics all = now();
    EXPECT_EQ(all.renewals, 1U);
    EXPECT_GT(all.renewal_failures, 2U);
    EXPECT_EQ(count_of(all.errors_by, errc::unreachable), all.renewal_failures);
    const auto late = told_of(event_kind::renewal_late);
    ASSERT_EQ(late.size(), 1U);
    EXPECT_EQ(late[0].name, "job");
    EXPECT_EQ(late[0].id, (*held)->id.substr(0, 8));
    EXPECT_EQ(late[0].node, "faulty:");
    EXPECT_EQ(late[0].duration, all.renewal_margin.sum);
    EXPECT_LT(late[0].duration, 98ms) << "half of what is left when it begins in time";
    release(*held);
}

TEST_F(counting, has_each_loss_by_its_reason_and_tells_of_it) {
    auto held = acquire(kept(300ms));
    free_it();
    bench_.pass(110ms);  // The renewal finds nothing.
    EXPECT_EQ((*held)->why_lost(), lost_reason::deleted);
    held = acquire(kept(300ms));
    free_it();
    occupy(60s);
    bench_.pass(110ms);
    EXPECT_EQ((*held)->why_lost(), lost_reason::taken);
    free_it();
    acquire_options once = kept(300ms);
    once.auto_renew = false;
    held = acquire(once);
    bench_.pass(280ms);  // 295 ms of validity, less a tenth of the ttl to stop in.
    EXPECT_EQ((*held)->why_lost(), lost_reason::expired);
    bench_.pass(60ms);
    acquire_options brief = kept(300ms);
    brief.max_hold = 50ms;
    held = acquire(brief);
    ASSERT_TRUE(held) << held.error().message();
    bench_.pass(60ms);
    EXPECT_EQ((*held)->why_lost(), lost_reason::max_hold);
    free_it();
    held = acquire(kept(300ms));
    const auto before = where_->steps();
    trouble_ = trouble::unreachable;
    bench_.pass(280ms);
    EXPECT_EQ((*held)->why_lost(), lost_reason::unreachable);
    const auto tries = where_->steps() - before;
    trouble_ = alive;
    const lock_statistics all = now();
    for (const auto why : {lost_reason::deleted, lost_reason::taken, lost_reason::expired,
                           lost_reason::max_hold, lost_reason::unreachable})
        EXPECT_EQ(count_of(all.losses_by, why), 1U) << to_string(why);
    EXPECT_EQ(all.losses, 5U);
    EXPECT_EQ(all.held(), 0U);
    // What is due at an odd millisecond happens at the next even one.
    expect_same(all.hold_time, histogram_of({100ms, 100ms, 266ms, 50ms, 266ms}));
    EXPECT_EQ(all.renewal_failures, tries);
    EXPECT_EQ(count_of(all.errors_by, errc::unreachable), tries);
    EXPECT_EQ(all.store_errors, tries);
    EXPECT_EQ(count_of(all.nodes.at(0).errors, errc::unreachable), tries);
    const auto told = told_of(event_kind::lost);
    ASSERT_EQ(told.size(), 5U);
    EXPECT_EQ(told[2].reason, lost_reason::expired);
    EXPECT_EQ(told[2].level, event_level::error);
    EXPECT_EQ(told[2].duration, 266ms);
    EXPECT_EQ(told[2].name, "job");
}

// Why: a holder that sees for itself that it is too late releases next, and the keeper never looks.
TEST_F(counting, has_a_loss_that_the_holder_saw_first) {
    const auto held = acquire(kept(300ms));
    bench_.time->advance(280ms);
    (*held)->lose_if_over(bench_.time->now());
    EXPECT_FALSE(bench_.run(engine_->release(*held)));
    bench_.pass(100ms);
    const lock_statistics all = now();
    EXPECT_EQ(all.losses, 1U);
    EXPECT_EQ(count_of(all.losses_by, lost_reason::expired), 1U);
    expect_same(all.hold_time, histogram_of({280ms}));
    EXPECT_EQ(told_of(event_kind::lost).size(), 1U);
}

TEST_F(counting, has_a_loss_once_if_the_keeper_sees_it_after_the_holder) {
    const auto held = acquire(kept(300ms));
    bench_.time->advance(280ms);
    (*held)->lose_if_over(bench_.time->now());
    bench_.pass(100ms);
    EXPECT_FALSE(bench_.run(engine_->release(*held)));
    EXPECT_EQ(now().losses, 1U);
    EXPECT_EQ(now().held(), 0U);
    EXPECT_EQ(told_of(event_kind::lost).size(), 1U);
}

TEST_F(counting, has_a_release_in_doubt_and_tells_of_it) {
    const auto held = acquire(kept(30s));
    ASSERT_TRUE(held);
    trouble_ = trouble::frozen;
    bench_.time->advance(10ms);
    const auto before = where_->steps();
    const auto gone = bench_.run(engine_->release(*held));
    ASSERT_FALSE(gone);
    trouble_ = alive;
    const lock_statistics all = now();
    EXPECT_EQ(all.releases, 0U);
    EXPECT_EQ(all.releases_in_doubt, 1U);
    EXPECT_EQ(count_of(all.errors_by, errc::in_doubt), where_->steps() - before);
    expect_same(all.hold_time, histogram_of({10ms}));
    const auto told = told_of(event_kind::release_in_doubt);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].id, (*held)->id.substr(0, 8));
    EXPECT_EQ(told[0].code, errc::in_doubt);
    EXPECT_EQ(told[0].name, "job");
}

TEST_F(counting, tells_of_acquisitions_that_took_long) {
    acquire_options patient = kept(30s);
    patient.wait = 999ms;
    occupy(60s);
    EXPECT_FALSE(acquire(patient));
    EXPECT_TRUE(told_.empty());
    patient.wait = 1s;
    EXPECT_FALSE(acquire(patient));
    patient.wait = 10s;
    free_it();
    occupy(2495ms);
    const auto late = acquire(patient);
    ASSERT_TRUE(late);
    ASSERT_EQ(told_.size(), 2U);
    EXPECT_EQ(told_[0].kind, event_kind::slow_acquire);
    EXPECT_EQ(told_[0].code, errc::timed_out);
    EXPECT_EQ(told_[0].duration, 1s);
    EXPECT_EQ(told_[1].kind, event_kind::slow_acquire);
    EXPECT_EQ(told_[1].code, std::nullopt);
    EXPECT_EQ(told_[1].duration, 2500ms);
    EXPECT_EQ(told_[1].id, (*late)->id.substr(0, 8));
    release(*late);
}

// How: whatever goes wrong with whichever step, what is counted adds up.
TEST_F(counting, adds_up_whatever_goes_wrong) {
    constexpr std::array kinds{trouble::none,   trouble::unreachable, trouble::lost_reply,
                               trouble::frozen, trouble::denied,      trouble::lost_lock};
    std::uint64_t calls = 0;
    for (std::size_t i = 0; i < 60; ++i) {
        acquire_options options = kept(300ms);
        options.wait = i % 3 == 0 ? 50ms : 0ms;
        trouble_ = kinds[i % kinds.size()];
        ++calls;
        const auto held = acquire(options);
        trouble_ = kinds[i / kinds.size() % kinds.size()];
        if (!held) continue;
        bench_.pass(150ms);
        static_cast<void>(bench_.run(engine_->release(*held)));
    }
    trouble_ = alive;
    bench_.pass(2s);
    const lock_statistics all = now();
    EXPECT_EQ(all.wait_time.count() + all.vain_wait_time.count(), calls);
    EXPECT_EQ(all.vain_wait_time.count(), sum_of(all.failures_by));
    EXPECT_EQ(all.grants, all.wait_time.count());
    EXPECT_EQ(all.hold_time.count(), all.grants);
    EXPECT_EQ(all.held(), 0U);
    EXPECT_EQ(all.losses, told_of(event_kind::lost).size());
    EXPECT_EQ(all.releases_in_doubt, told_of(event_kind::release_in_doubt).size());
    EXPECT_GT(all.losses, 0U);
    EXPECT_GT(all.releases, 0U);
    EXPECT_EQ(all.nodes.at(0).errors, all.errors_by);
    const prometheus_page page(prometheus_text(all));
    EXPECT_EQ(page.at("holdfast_lock_hold_duration_seconds_count"), std::to_string(all.grants));
}

// Why: of three servers one is dead for weeks, and every call succeeds: only these numbers tell.
TEST(counting_a_quorum, has_the_errors_of_each_node_and_tells_when_one_is_skipped) {
    quorum_bench bench(3);
    std::vector<event> told;
    bench.options.on_event = [&](const event& what) { told.push_back(what); };
    lock::engine& engine = bench.add_client();
    bench.state[1] = trouble::unreachable;
    for (int i = 0; i < 20; ++i) {
        const auto held = bench.run(engine.acquire("job", kept(30s)));
        ASSERT_TRUE(held) << held.error().message();
        ASSERT_TRUE(bench.run(engine.release(*held)));
    }
    bench.pass(10ms);
    lock_statistics all = engine.statistics();
    EXPECT_EQ(all.grants, 20U);
    EXPECT_EQ(all.releases, 20U);
    EXPECT_EQ(all.store_errors, 0U) << "a majority answered each time";
    ASSERT_EQ(all.nodes.size(), 3U);
    EXPECT_EQ(all.nodes[1].address, "faulty:1");
    EXPECT_EQ(count_of(all.nodes[1].errors, errc::unreachable), bench.sent(1));
    EXPECT_EQ(sum_of(all.nodes[1].errors), bench.sent(1));
    EXPECT_EQ(bench.sent(1), 3U) << "then it is skipped";
    EXPECT_EQ(sum_of(all.nodes[0].errors) + sum_of(all.nodes[2].errors), 0U);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, event_kind::node_skipped);
    EXPECT_EQ(told[0].node, "faulty:1");
    bench.state[1] = alive;
    bench.pass(500ms);  // The pause of the breaker.
    const auto held = bench.run(engine.acquire("job", kept(30s)));
    ASSERT_TRUE(held);
    bench.pass(10ms);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1].kind, event_kind::node_back);
    bench.state[0] = bench.state[1] = trouble::denied;
    EXPECT_FALSE(bench.run(engine.acquire("other", kept(30s))));
    all = engine.statistics();
    EXPECT_EQ(count_of(all.errors_by, errc::denied), 1U);
    EXPECT_GE(count_of(all.nodes[0].errors, errc::denied), 1U);
    EXPECT_EQ(sum_of(all.nodes[2].errors), 0U);
    bench.state[0] = bench.state[1] = alive;
    ASSERT_TRUE(bench.run(engine.release(*held)));
}

}  // namespace
}  // namespace holdfast::fault
