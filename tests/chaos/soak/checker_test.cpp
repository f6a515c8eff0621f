// SPDX-License-Identifier: BSL-1.0
//
// Why: a judge that never finds anybody guilty shows nothing. How: short histories, each with one
// thing that must not be, and the same without it.
#include "chaos/soak/checker.hpp"

#include <holdfast/errc.hpp>

#include "chaos/soak/history.hpp"
#include "support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace holdfast::soak {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::int64_t ms = 1'000'000;

// Two clients of two processes, times in milliseconds, one lock.
class soak_checker : public testing::Test {
protected:
    soak_checker() {
        all_.clients = {{.process = 0, .name = "a", .records = {}},
                        {.process = 1, .name = "b", .records = {}}};
        all_.call_ms = 10;
        all_.slack_ms = 50;
        all_.wake_ms = 100;
        all_.calm_from = 0;
    }
    record& add(std::size_t client, record what, std::int64_t from, std::int64_t to) {
        what.invoked = from * ms;
        what.completed = to * ms;
        what.deadline *= ms;
        all_.clients[client].records.push_back(what);
        return all_.clients[client].records.back();
    }
    record& acquire(std::size_t client, std::int64_t from, std::int64_t to, std::int64_t deadline,
                    std::uint64_t token) {
        return add(client,
                   {.deadline = deadline,
                    .token = token,
                    .holder = token,
                    .grant = static_cast<std::uint32_t>(token),
                    .ttl_ms = 30,
                    .what = action::acquire,
                    .how = outcome::ok},
                   from, to);
    }
    record& then(std::size_t client, action what, std::int64_t at, std::int64_t deadline,
                 std::uint64_t token, outcome how = outcome::ok) {
        return add(client,
                   {.deadline = deadline,
                    .grant = static_cast<std::uint32_t>(token),
                    .what = what,
                    .how = how},
                   at, at);
    }
    [[nodiscard]] std::vector<std::string> violations() const { return check(all_).violations; }

    case_file all_;
};

TEST_F(soak_checker, finds_nothing_where_one_comes_after_the_other) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::hold, 5, 100, 1);
    then(0, action::release, 10, 100, 1);
    acquire(1, 11, 12, 100, 2);
    then(1, action::release, 20, 100, 2);
    EXPECT_THAT(violations(), IsEmpty());
    EXPECT_EQ(check(all_).cycles, 2U);
}

TEST_F(soak_checker, finds_two_that_hold_at_once) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::release, 50, 100, 1);
    acquire(1, 11, 12, 100, 2);
    then(1, action::release, 20, 100, 2);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I1")));
    all_.deletions = {{.lock = 0, .holder = 1, .at = 5 * ms}};
    EXPECT_THAT(violations(), IsEmpty()) << "a stranger took it from the first";
}

TEST_F(soak_checker, takes_one_that_was_killed_for_a_holder_as_long_as_it_was_seen) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::hold, 30, 100, 1);
    acquire(1, 11, 12, 20, 2);
    then(1, action::release, 15, 20, 2);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I1")));
}

TEST_F(soak_checker, counts_nothing_past_the_end_of_validity) {
    acquire(0, 0, 1, 10, 1);
    then(0, action::lose, 30, 10, 1, outcome::lost);
    acquire(1, 11, 12, 100, 2);
    then(1, action::release, 20, 100, 2);
    EXPECT_THAT(violations(), IsEmpty());
}

TEST_F(soak_checker, finds_tokens_that_do_not_rise) {
    acquire(0, 0, 1, 100, 7);
    then(0, action::release, 2, 100, 7);
    acquire(1, 3, 4, 100, 7);
    then(1, action::release, 5, 100, 7);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I2")));
}

TEST_F(soak_checker, finds_a_loss_that_was_told_late_unless_the_process_stood_still) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::lose, 200, 100, 1, outcome::lost);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I3")));
    all_.standstills = {{.process = 1, .from = 90 * ms, .to = 190 * ms}};
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I3"))) << "another process";
    all_.standstills = {{.process = 0, .from = 90 * ms, .to = 190 * ms}};
    EXPECT_THAT(violations(), IsEmpty());
}

TEST_F(soak_checker, finds_a_holder_that_works_past_its_end) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::hold, 101, 100, 1);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I3")));
}

TEST_F(soak_checker, finds_a_holder_that_was_not_told_of_a_deletion) {
    acquire(0, 0, 1, 500, 1);
    then(0, action::release, 400, 500, 1);
    all_.deletions = {{.lock = 0, .holder = 1, .at = 100 * ms}};
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I3")));
}

TEST_F(soak_checker, finds_what_is_held_after_its_loss) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::lose, 50, 100, 1, outcome::lost);
    then(0, action::look_again, 51, 100, 1, outcome::lost);
    EXPECT_THAT(violations(), IsEmpty());
    then(0, action::look_again, 52, 100, 1, outcome::ok);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I4")));
}

TEST_F(soak_checker, finds_a_lock_that_was_taken_away_within_its_validity) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::lose, 50, 100, 1, outcome::lost).reason =
        static_cast<std::uint8_t>(lost_reason::deleted);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I5")));
    all_.deletions = {{.lock = 0, .holder = 1, .at = 45 * ms}};
    EXPECT_THAT(violations(), IsEmpty());
}

TEST_F(soak_checker, finds_a_second_release_that_succeeds) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::release, 5, 100, 1);
    then(0, action::release_again, 6, 100, 1, outcome::lost);
    EXPECT_THAT(violations(), IsEmpty());
    then(0, action::release_again, 7, 100, 1, outcome::ok);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I6")));
}

TEST_F(soak_checker, finds_a_waiter_that_waits_for_a_free_lock) {
    acquire(0, 0, 1, 100, 1);
    then(0, action::release, 50, 100, 1);
    record wait{.limit_ms = 400, .what = action::acquire, .how = outcome::busy};
    add(1, wait, 20, 190);
    EXPECT_THAT(violations(), IsEmpty());
    add(1, wait, 20, 420);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I8")));
    all_.calm_from = 30 * ms;
    EXPECT_THAT(violations(), IsEmpty()) << "something was done to somebody";
}

TEST_F(soak_checker, finds_a_call_that_takes_too_long) {
    all_.calm_from = INT64_MAX;  // Else it is a free lock, too, that was waited for.
    record wait{.limit_ms = 30, .what = action::acquire, .how = outcome::busy};
    add(0, wait, 0, 90);
    EXPECT_THAT(violations(), IsEmpty());
    add(0, wait, 100, 250);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I9")));
}

TEST_F(soak_checker, finds_what_a_process_has_left) {
    add(0, {.token = 1, .what = action::leave, .how = outcome::ok}, 0, 1);
    EXPECT_THAT(violations(), ElementsAre(StartsWith("I11")));
}

TEST(soak_history, tells_what_was_begun_by_whoever_was_killed) {
    const test::temp_dir place;
    const std::string path = place / "history";
    history_writer writer(path);
    history_writer::end(writer.begin({.token = 4, .what = action::acquire}), outcome::ok);
    static_cast<void>(writer.begin({.token = 5, .what = action::write}));
    const auto read = read_history(path);
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].token, 4U);
    EXPECT_EQ(read[0].how, outcome::ok);
    EXPECT_GE(read[0].completed, read[0].invoked);
    EXPECT_EQ(read[1].token, 5U);
    EXPECT_EQ(read[1].how, outcome::unknown);
    EXPECT_EQ(read[1].completed, 0);
}

// Why: a kill may fall between making the file and marking it; anything else is a mistake.
TEST(soak_history, is_empty_of_whoever_was_killed_before_it_began) {
    const test::temp_dir place;
    const std::string path = place / "history";
    std::ofstream(path).flush();
    EXPECT_THAT(read_history(path), IsEmpty());
    std::ofstream(path) << std::string(4096, '\0');
    EXPECT_THAT(read_history(path), IsEmpty());
    std::ofstream(path) << "something else than a history";
    EXPECT_THROW(static_cast<void>(read_history(path)), std::runtime_error);
    std::ofstream(path) << "short";
    EXPECT_THROW(static_cast<void>(read_history(path)), std::runtime_error);
}

}  // namespace
}  // namespace holdfast::soak
