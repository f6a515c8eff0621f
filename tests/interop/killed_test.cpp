// SPDX-License-Identifier: BSL-1.0
//
// A holder that is killed cannot release. Each test runs with either as the holder.
#include "interop/stage.hpp"
#include "support/child_process.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <signal.h>

namespace holdfast::test {
namespace {

using steady = std::chrono::steady_clock;

constexpr milliseconds ttl = 2s;
/// What a server's clock may differ from ours over a ttl: it counts in whole milliseconds.
constexpr milliseconds precision = 20ms;

class killed : public interop_test {
protected:
    /// Waits in the other's part until it has what the holder, who was killed, had since `taken`.
    void other_gets_it_after_the_ttl(steady::time_point taken) {
        const auto look = other().wait_for("a", 60s);
        ASSERT_TRUE(sees_more_attempts());
        std::optional<grip> got;
        ASSERT_TRUE(poll_until([&] { return (got = look()).has_value(); }));
        const auto waited = steady::now() - taken;
        EXPECT_GE(waited, ttl - precision);
        EXPECT_LT(waited, ttl + 10s);
        EXPECT_TRUE(got->release());
    }
};
INSTANTIATE_TEST_SUITE_P(interop, killed, testing::ValuesIn(all_settings()), name_of);

TEST_P(killed, holders_leave_the_lock_to_the_other_when_it_has_run_out) {
    const auto urls = stage_->urls();
    if (GetParam().node_holds) {
        pid_t victim = -1;
        auto doomed = make_node_party(GetParam().which, stage_->node_urls(), &victim);
        static_cast<void>(other());  // Ready before the time runs.
        const auto before = steady::now();
        ASSERT_TRUE(doomed->take({"a"}, ttl));
        ASSERT_EQ(::kill(victim, SIGKILL), 0);
        other_gets_it_after_the_ttl(before);
        return;
    }
    child_process doomed([&](const auto& parent) {
        const auto mine = make_cpp_party(GetParam().which, urls);
        parent.hear();
        parent.tell(mine->take({"a"}, ttl) ? 'y' : 'n');
        parent.hear();
        return 0;
    });
    static_cast<void>(other());
    const auto before = steady::now();
    doomed.parent_line().tell();
    ASSERT_EQ(doomed.parent_line().hear(), 'y');
    doomed.kill();
    other_gets_it_after_the_ttl(before);
}

}  // namespace
}  // namespace holdfast::test
