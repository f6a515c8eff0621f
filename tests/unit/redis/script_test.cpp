// SPDX-License-Identifier: BSL-1.0
#include "redis/script.hpp"

#include "core/fence_rule.hpp"
#include "redis/script_call.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using redis::on_server;
using redis::script;
using redis::scripts;

struct golden_script {
    const char* name;
    const script& made;
    std::string_view plain_sha1;
    std::string_view flagged_sha1;
};

// Why: a script that changes is another script on every server, and its contract may have changed
// with it. Whoever changes one looks at docs/internals/redis.md and puts the new hashes here.
TEST(each_script, is_the_one_that_was_reviewed) {
    const golden_script golden[] = {
        {"acquire_again", scripts().acquire_again, "25de587d607e658e90afe169adb07e82ebe5e365",
         "cb205f7cb3dc23dcac414d385599e0aaa3822110"},
        {"ask", scripts().ask, "c828fd9c179d556d9df009cc4b78f73410906781",
         "dc397347a91c4ea44eac34aaedf5a34abbb25391"},
        {"guard", scripts().guard, "64bfdd5ee20a84e495f0781439166a0937563551",
         "bc72dc1f918dc495740c01b10fd54c13400931bc"},
        {"line", scripts().line, "c828fd9c179d556d9df009cc4b78f73410906781",
         "d8e22e41a00f2df7d9052f79ad5f34ac5bcebf35"},
        {"look", scripts().look, "8e5cc2f6dc61ad832b4872df59255fd934dde8f2",
         "931e25f36e955bb3432ce87f627a61b560fc3d8d"},
        {"raise_token", scripts().raise_token, "4ad06b35bd8eaa4263cae49ca7499b5e302f9bb2",
         "674e151d8eb5734667bb9129758ab947b0adb429"},
        {"range_capacity", scripts().range_capacity, "cdfba3da01b82f2c31b5158c7dfbb9df991ee4c8",
         "92b568318556e8202eeb376f1738115a5ac290ba"},
        {"range_confirm", scripts().range_confirm, "cbc1a830115e049b6afdbe52ea5a176a5d5f65a3",
         "19da05e5754ae274ce46d734677b5ed61944a674"},
        {"range_get", scripts().range_get, "518688b48266a5c2fdbb1d92f4667ebe0cbafe1c",
         "b43f8412618ef959410354cea735b336bb098077"},
        {"range_hold", scripts().range_hold, "9b95687019fe128fbad33cb42d3c5de23f156ba2",
         "ea06ab39b535b9d6acc6801fad0821461e4c56fb"},
        {"range_list", scripts().range_list, "9e84e71f092df1e5b03674efae1a3fa68877168b",
         "6f5b9c7a972983694e722abbeb3d9ab4d3ea9d7e"},
        {"range_look", scripts().range_look, "699ab3c4d6bc447bd66151e970d8d1750d6468ca",
         "44780a298fccf08ce974de536d2a64e1c53f4b8c"},
        {"range_move", scripts().range_move, "7c1ef5c753de40f44c231e9e76dabec9c7098fa0",
         "cf0351d1b5b0cf015ea9ab8733c2545af83b1f31"},
        {"range_release", scripts().range_release, "ed889d2c42ed8431970d424398557777e158cb19",
         "be94dc703f2be6b897518ca53d278afefdcefb0b"},
        {"range_renew", scripts().range_renew, "fc5cf451db2d4a9bbd45019a5b07a685ad26fa36",
         "71953a0e3d407668409499548be3d89d2c89bd69"},
        {"range_sweep", scripts().range_sweep, "c8ee32cfeee0af6240dad140fa1ff694fa2f901f",
         "7dd532a78761ed67c9970c7a19862e1abd652ed4"},
        {"release", scripts().release, "5eea26005e2a79191be080073adb7f7e1a732510",
         "786aeb89cbc00371a244f872c3b375ee5adcf340"},
        {"renew", scripts().renew, "07438f4b409ce9a8f37a6f6e29728bcca3dca23f",
         "682e0b5297b3cb2f7e5d103b35edc54058082388"},
        {"seed_fence", scripts().seed_fence, "18f08c5fe9d9852de510c9950a19ecb742bc3543",
         "2bef1b615c1bbc8c8b4a0636c7b27a887801dacd"},
        {"take_all", scripts().take_all, "4bc91d43bc21f4cbee132aa3eede6a16626c5e3e",
         "2e3f7091cfa3a17d989d4b732df3392c8cd9407a"},
        {"take_away", scripts().take_away, "edc991764b38ff594f96d40b67fab626d86cd328",
         "d6ade8ba76947faee2b923eb809e71266ad60247"},
        {"take_share", scripts().take_share, "039297950736b9dc04e2f70fb1d177473a165064",
         "903dd11a655a5bb7c517b357888a7d746d182557"},
    };
    for (const golden_script& one : golden) {
        EXPECT_EQ(one.made.sha1(6), one.plain_sha1) << one.name;
        EXPECT_EQ(one.made.sha1(7), one.flagged_sha1) << one.name;
    }
}

TEST(a_script, has_its_flags_for_servers_that_know_them_only) {
    const script one(on_server::frees, {"return ", "1"});
    EXPECT_EQ(one.text(0), "return 1");
    EXPECT_EQ(one.text(6), "return 1");
    EXPECT_EQ(one.text(7), "#!lua flags=allow-oom\nreturn 1");
    EXPECT_EQ(one.text(8), one.text(7));
    EXPECT_EQ(one.sha1(0), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");  // As SCRIPT LOAD says.
    EXPECT_NE(one.sha1(7), one.sha1(0));
    EXPECT_EQ(script(on_server::takes, {"return 1"}).text(7), "#!lua\nreturn 1");
    EXPECT_EQ(script(on_server::reads, {"return 1"}).text(7), "#!lua flags=no-writes\nreturn 1");
}

// Why: what takes a lock is not sent to a server in quarantine; what keeps or ends one is.
TEST(each_script, that_takes_locks_is_known_for_it) {
    for (const script* one : {&scripts().acquire_again, &scripts().take_share, &scripts().take_all,
                              &scripts().ask, &scripts().range_hold, &scripts().range_move})
        EXPECT_TRUE(one->grants());
    for (const script* one :
         {&scripts().renew, &scripts().release, &scripts().take_away, &scripts().seed_fence,
          &scripts().raise_token, &scripts().look, &scripts().guard, &scripts().line,
          &scripts().range_renew, &scripts().range_release, &scripts().range_confirm})
        EXPECT_FALSE(one->grants());
}

// Why: those are called in few words, so they have constants of their own.
TEST(the_releases_and_the_line, have_the_constants_that_others_are_called_with) {
    for (const script* one : {&scripts().release, &scripts().line, &scripts().ask}) {
        const std::string text(one->text(0));
        EXPECT_NE(text.find("floor, seconds = " + std::to_string(core::fence_floor) + ", '" +
                            std::to_string(redis::fence_seconds) + "'"),
                  std::string::npos);
    }
}

// Why: text that is built by gluing values together makes every call a new script.
TEST(each_script, takes_what_varies_as_arguments) {
    for (const script* one :
         {&scripts().renew,         &scripts().release,       &scripts().take_away,
          &scripts().seed_fence,    &scripts().acquire_again, &scripts().take_share,
          &scripts().take_all,      &scripts().look,          &scripts().ask,
          &scripts().guard,         &scripts().line,          &scripts().raise_token,
          &scripts().range_hold,    &scripts().range_renew,   &scripts().range_release,
          &scripts().range_get,     &scripts().range_confirm, &scripts().range_move,
          &scripts().range_list,    &scripts().range_look,    &scripts().range_sweep,
          &scripts().range_capacity}) {
        EXPECT_NE(one->text(0).find("KEYS["), std::string_view::npos);
        EXPECT_EQ(one->text(0).find("hf:"), std::string_view::npos);
    }
}

}  // namespace
}  // namespace holdfast::test
