// SPDX-License-Identifier: BSL-1.0
//
// Why: what is said in place of a grant goes other ways than a grant, and compilers have been wrong
// about those: GCC 12 about `co_await` behind `?` (tools/layers.toml). How: cancelled waits, waits
// that end and errors, many in a row, in the build that users have.
#include <holdfast/holdfast.hpp>

#include "conformance/store_kinds.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <stop_token>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

constexpr int often = 5;

struct refusals : testing::TestWithParam<store_kind> {
    std::unique_ptr<store_place> place{GetParam().make_place()};
};

/// Refuses what `wanted(options)` asks `second` for in each way that a wait can end: by its stop
/// token, by its limit, and without one.
template <class Options, class Locker, class Wanted>
void expect_refusals(Locker& second, Wanted wanted) {
    for (int i = 0; i < often; ++i) {
        std::stop_source stop;
        failure why;
        const std::uint64_t before = second.statistics().refusals;
        std::jthread waiting([&] {
            Options how;
            how.wait = 30s;
            how.stop = stop.get_token();
            if (const auto given = wanted(how); !given) why = given.error();
        });
        EXPECT_TRUE(poll_until([&] { return second.statistics().refusals > before; }));
        stop.request_stop();
        waiting.join();
        EXPECT_EQ(why.code, errc::cancelled) << why.message();
        Options how;
        EXPECT_EQ(wanted(how).error().code, errc::contended);
        how.wait = 20ms;
        const auto in_vain = wanted(how);
        ASSERT_FALSE(in_vain);
        EXPECT_EQ(in_vain.error().code, errc::timed_out) << in_vain.error().message();
    }
}

TEST_P(refusals, of_ranges_are_told_as_they_are) {
    range_locker first{place->url()};
    range_locker second{place->url()};
    const auto held = first.hold("room", 0, 10);
    ASSERT_TRUE(held) << held.error().message();
    expect_refusals<range_options>(
        second, [&](const range_options& how) { return second.hold("room", 5, 15, how); });
    EXPECT_TRUE(second.hold("room", 10, 15));
}

TEST_P(refusals, of_locks_are_told_as_they_are) {
    locker first{place->url()};
    locker second{place->url()};
    const auto held = first.acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    expect_refusals<acquire_options>(
        second, [&](const acquire_options& how) { return second.acquire("job", how); });
    EXPECT_TRUE(second.acquire("other"));
}

INSTANTIATE_TEST_SUITE_P(every_store, refusals, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
