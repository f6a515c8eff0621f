// SPDX-License-Identifier: BSL-1.0
//
// Why: what is said in place of a grant goes other ways than a grant, and compilers have been wrong
// about those: GCC 12 about `co_await` behind `?` (tools/layers.toml). How: cancelled waits, waits
// that end and errors, many in a row, in the build that users have.
#include <holdfast/holdfast.hpp>

#include "conformance/store_kinds.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stop_token>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

constexpr int often = 5;

struct refusals : testing::TestWithParam<store_kind> {
    std::unique_ptr<store_place> place{GetParam().make_place()};
};

/// Runs `ask` on a thread of its own, and stops it when it has been waiting for a moment.
/// @return Why it ended.
template <class Ask>
failure stopped(Ask ask) {
    std::stop_source stop;
    std::atomic<bool> over{false};
    failure why;
    std::jthread asking([&] {
        auto given = ask(stop.get_token());
        if (!given) why = given.error();
        over = true;
    });
    const time_point then = boot_clock::now() + 50ms;
    static_cast<void>(poll_until([&] { return over || boot_clock::now() > then; }));
    stop.request_stop();
    asking.join();
    return why;
}

TEST_P(refusals, of_ranges_are_told_as_they_are) {
    range_locker first{place->url()};
    range_locker second{place->url()};
    const auto held = first.hold("room", 0, 10);
    ASSERT_TRUE(held) << held.error().message();
    for (int i = 0; i < often; ++i) {
        const failure why = stopped([&](std::stop_token stop) {
            range_options wanted;
            wanted.wait = 30s;
            wanted.stop = std::move(stop);
            return second.hold("room", 5, 15, wanted);
        });
        EXPECT_EQ(why.code, errc::cancelled) << why.message();
        const auto in_vain = second.hold("room", 5, 15, {.wait = 20ms});
        ASSERT_FALSE(in_vain);
        EXPECT_EQ(in_vain.error().code, errc::timed_out) << in_vain.error().message();
        EXPECT_EQ(second.hold("room", 5, 15).error().code, errc::contended);
    }
    EXPECT_TRUE(second.hold("room", 10, 15));
}

TEST_P(refusals, of_locks_are_told_as_they_are) {
    locker first{place->url()};
    locker second{place->url()};
    const auto held = first.acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    for (int i = 0; i < often; ++i) {
        const failure why = stopped([&](std::stop_token stop) {
            acquire_options wanted;
            wanted.wait = 30s;
            wanted.stop = std::move(stop);
            return second.acquire("job", wanted);
        });
        EXPECT_EQ(why.code, errc::cancelled) << why.message();
        const auto in_vain = second.acquire("job", {.wait = 20ms});
        ASSERT_FALSE(in_vain);
        EXPECT_EQ(in_vain.error().code, errc::timed_out) << in_vain.error().message();
        EXPECT_EQ(second.acquire("job").error().code, errc::contended);
    }
    EXPECT_TRUE(second.acquire("other"));
}

INSTANTIATE_TEST_SUITE_P(every_store, refusals, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
