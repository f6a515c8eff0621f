// SPDX-License-Identifier: BSL-1.0
//
// The tidying of rows that ran out: every 30 s, so this takes that long.
#include "compat/range_lock_servers.hpp"

namespace holdfast::test {
namespace {

class range_lock_tidying : public on_two_servers {};

// D6. Why: the original removes by its own clock what others hold. How: ours tidies every 30 s.
TEST_F(range_lock_tidying, goes_by_the_databases_clock_and_leaves_live_locks) {
    const auto locks = open();
    ASSERT_TRUE(held(locks->set("k", 10, 20, "ours", 10min)));
    theirs_->insert("live", "k", "30", "40", in(600'000));
    theirs_->insert("just-over", "k", "50", "60", in(-1000));
    theirs_->insert("long-over", "k", "70", "80", in(-70'000));
    theirs_->insert("nonsense", "k", "a", "b", "NaN");
    EXPECT_TRUE(poll_until([&] { return rows() == "3"; }, 50s));
    EXPECT_EQ(sql().value("SELECT COUNT(*) FROM `lock` WHERE id IN ('live', 'just-over') OR "
                          "data = 'ours'"),
              "3")
        << "what ran out less than a minute ago may be live by an original's clock";
}

}  // namespace
}  // namespace holdfast::test
