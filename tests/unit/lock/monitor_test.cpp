// SPDX-License-Identifier: BSL-1.0
//
// Why: a log that is flooded while a server is down is a second outage; one that says nothing is
// none. How: the monitor alone, on a timeline of the test's.
#include "lock/monitor.hpp"

#include "support/manual_timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace holdfast::lock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class monitor_test : public testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> kinds() {
        std::vector<std::string> all;
        for (const event& one : told_) all.emplace_back(to_string(one.kind));
        return all;
    }
    test::manual_timeline time_;
    std::vector<event> told_;
    locker_options options_{.on_event = [this](const event& what) { told_.push_back(what); }};
    std::shared_ptr<monitor> watch_ = std::make_shared<monitor>(time_, options_);
    const failure refused_{errc::unreachable, "there: connection refused"};
};

TEST_F(monitor_test, tells_of_a_server_that_goes_away_and_comes_back) {
    watch_->connected("there");
    watch_->connected("there");  // Another connection to the same.
    time_.advance(5s);
    watch_->disconnected("there", {errc::unreachable, "there: end of file"});
    watch_->disconnected("there", {errc::unreachable, "there: end of file"});
    watch_->connect_failed("there", refused_, 20ms);
    watch_->connected("there");
    ASSERT_THAT(kinds(), ElementsAre("connected", "disconnected", "connect-failed", "connected"));
    EXPECT_EQ(told_[0].level, event_level::info);
    EXPECT_EQ(told_[0].node, "there");
    EXPECT_EQ(told_[0].at, time_.now() - 5s);
    EXPECT_EQ(told_[1].text, "there: end of file");
    EXPECT_EQ(told_[2].level, event_level::warning);
    EXPECT_EQ(told_[2].code, errc::unreachable);
    EXPECT_EQ(told_[2].duration, 20ms);
}

TEST_F(monitor_test, tells_once_a_minute_of_a_server_that_stays_away) {
    for (int i = 0; i < 1500; ++i) {
        watch_->connect_failed("there", refused_, 100ms);
        time_.advance(100ms);
    }
    EXPECT_THAT(kinds(), ElementsAre("connect-failed", "connect-failed", "connect-failed"));
    EXPECT_EQ(told_[0].suppressed, 0U);
    EXPECT_EQ(told_[1].suppressed, 599U);
    watch_->connected("there");
    EXPECT_EQ(told_.back().kind, event_kind::connected);
    EXPECT_EQ(told_.back().suppressed, 299U);
}

TEST_F(monitor_test, tells_less_and_less_of_a_server_that_comes_and_goes) {
    for (int i = 0; i < 3000; ++i) {
        watch_->connected("there");
        watch_->disconnected("there", refused_);
        time_.advance(20ms);
    }
    // 20 at once, and one each 10 s of the minute.
    EXPECT_GE(told_.size(), 25U);
    EXPECT_LE(told_.size(), 27U);
    std::uint64_t all = told_.size();
    for (const event& one : told_) all += one.suppressed;
    time_.advance(1h);
    watch_->connected("there");
    EXPECT_EQ(all + told_.back().suppressed, 6000U) << "each is told or counted";
}

TEST_F(monitor_test, keeps_the_servers_apart) {
    watch_->connect_failed("one", refused_, 1ms);
    watch_->connect_failed("two", refused_, 1ms);
    EXPECT_EQ(told_.size(), 2U);
    watch_->has_node("three");
    watch_->node_failed("two", {errc::denied, "no"});
    watch_->node_failed("two", {errc::denied, "no"});
    const auto nodes = watch_->nodes();
    // A server that is only connected to, such as one that carries notices, is none of the store's.
    ASSERT_EQ(nodes.size(), 2U);
    EXPECT_EQ(nodes[0].address, "two");
    EXPECT_EQ(count_of(nodes[0].errors, errc::denied), 2U);
    EXPECT_EQ(nodes[1].address, "three");
    EXPECT_EQ(count_of(nodes[1].errors, errc::denied), 0U);
}

TEST_F(monitor_test, knows_a_bounded_number_of_servers) {
    for (int i = 0; i < 200; ++i)
        watch_->node_failed("server" + std::to_string(i), {errc::denied, "no"});
    const auto nodes = watch_->nodes();
    ASSERT_EQ(nodes.size(), 65U);
    EXPECT_EQ(nodes.back().address, "other");
    EXPECT_EQ(count_of(nodes.back().errors, errc::denied), 136U);
}

TEST_F(monitor_test, tells_of_a_quarantine_once_a_minute) {
    for (int i = 0; i < 90; ++i) {
        watch_->node_failed("there", {errc::quarantined, "there: quarantine, 5 ms left"});
        time_.advance(1s);
    }
    ASSERT_THAT(kinds(), ElementsAre("quarantined", "quarantined"));
    EXPECT_EQ(told_[1].suppressed, 59U);
    EXPECT_EQ(told_[1].node, "there");
}

TEST_F(monitor_test, counts_what_the_sink_throws_and_goes_on) {
    options_.on_event = [](const event&) { throw std::runtime_error("the disk is full"); };
    const auto watch = std::make_shared<monitor>(time_, options_);
    watch->node_back("there");
    watch->node_back("there");
    EXPECT_EQ(watch->refused(), 2U);
}

// How: the sink's thread is stuck; what waits for it is bounded.
TEST_F(monitor_test, drops_what_a_stuck_sink_does_not_take_and_counts_it) {
    std::vector<monitor::work> stuck;
    const auto watch = std::make_shared<monitor>(
        time_, options_, [&](monitor::work work) { stuck.push_back(std::move(work)); });
    for (int i = 0; i < 300; ++i) watch->tell({.kind = event_kind::lost});
    EXPECT_EQ(stuck.size(), 256U);
    EXPECT_EQ(watch->dropped(), 44U);
    EXPECT_TRUE(told_.empty());
    for (const auto& work : stuck) work();
    EXPECT_EQ(told_.size(), 256U);
    watch->tell({.kind = event_kind::lost});
    EXPECT_EQ(stuck.size(), 257U);
    EXPECT_EQ(watch->dropped(), 44U);
}

TEST_F(monitor_test, drops_what_cannot_be_delivered) {
    const auto watch = std::make_shared<monitor>(
        time_, options_, [](const monitor::work&) { throw std::bad_alloc(); });
    EXPECT_NO_THROW(watch->tell({.kind = event_kind::lost}));
    EXPECT_EQ(watch->dropped(), 1U);
    watch->close();
    watch->tell({.kind = event_kind::lost});
    EXPECT_EQ(watch->dropped(), 1U);
}

TEST(an_id, is_shown_in_part_only) {
    EXPECT_EQ(shown_id("0123456789abcdef0123456789abcdef"), "01234567");
    EXPECT_EQ(shown_id("booking-17"), "booki");
    EXPECT_EQ(shown_id("abc"), "a");
    EXPECT_EQ(shown_id("a"), "");
    EXPECT_EQ(shown_id(""), "");
}

}  // namespace
}  // namespace holdfast::lock
