// SPDX-License-Identifier: BSL-1.0
#include "redis/script.hpp"

#include "redis/scripts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using redis::script;
using redis::scripts;

struct golden_script {
    const char* file;
    std::string_view text;
    const script& made;
    std::string_view plain_sha1;
    std::string_view flagged_sha1;
};

// Why: a script that changes is another script on every server, and its contract may have changed
// with it. Whoever changes one looks at docs/internals/redis.md and puts the new hashes here.
TEST(each_script, is_the_one_that_was_reviewed) {
    namespace lua = redis::lua;
    const golden_script golden[] = {
        {"acquire_again.lua", lua::acquire_again, scripts().acquire_again,
         "828c4c0b2307df8ad19778a981d514a221923dcb", "d2d99f844ae71696be95ecec58d8c84c0b846a3e"},
        {"release.lua", lua::release, scripts().release, "f669035538ed4e431048f477d828fe4ba5bab4b5",
         "8e243a1177ca47e13ef4ffcd890f185651a554cd"},
        {"renew.lua", lua::renew, scripts().renew, "d09f3e9ab8dd501b5bcb9563fb1709efe70f9bf6",
         "5e5ae3e5e005296ef0fbac13edfbd92e95184a86"},
        {"seed_fence.lua", lua::seed_fence, scripts().seed_fence,
         "220f252eaa09fdef50cd68064a89e38d3365da3a", "1fed28e39e7b0a44ed543ed641e12b4f1c1c87de"},
        {"take_away.lua", lua::take_away, scripts().take_away,
         "0245f7ae884ffb86176a82b475cf39ea4db0462a", "28b2573264079eb34a7fca05ac9b4ebbfaff19d0"},
    };
    for (const golden_script& one : golden) {
        EXPECT_EQ(one.made.text(6), one.text) << one.file;
        EXPECT_EQ(one.made.sha1(6), one.plain_sha1) << one.file;
        EXPECT_EQ(one.made.sha1(7), one.flagged_sha1) << one.file;
    }
    EXPECT_EQ(lua::acquire_again_sha1, golden[0].plain_sha1);
    EXPECT_EQ(lua::release_sha1, golden[1].plain_sha1);
    EXPECT_EQ(lua::renew_sha1, golden[2].plain_sha1);
    EXPECT_EQ(lua::seed_fence_sha1, golden[3].plain_sha1);
    EXPECT_EQ(lua::take_away_sha1, golden[4].plain_sha1);
}

TEST(a_script, has_its_flags_for_servers_that_know_them_only) {
    const script one("return 1");
    EXPECT_EQ(one.text(0), "return 1");
    EXPECT_EQ(one.text(6), "return 1");
    EXPECT_EQ(one.text(7), "#!lua flags=allow-oom\nreturn 1");
    EXPECT_EQ(one.text(8), one.text(7));
    EXPECT_EQ(one.sha1(0), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");  // As SCRIPT LOAD says.
    EXPECT_NE(one.sha1(7), one.sha1(0));
}

// Why: text that is built by gluing values together makes every call a new script.
TEST(each_script, takes_what_varies_as_arguments) {
    for (const script* one : {&scripts().renew, &scripts().release, &scripts().take_away,
                              &scripts().seed_fence, &scripts().acquire_again}) {
        EXPECT_NE(one->text(0).find("KEYS[1]"), std::string_view::npos);
        EXPECT_EQ(one->text(0).find("hf:"), std::string_view::npos);
    }
}

}  // namespace
}  // namespace holdfast::test
