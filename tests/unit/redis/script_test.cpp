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
        {"ask", scripts().ask, "8670295450f66ba368dbae8fcc565ba4e8d6436f",
         "20839c485955fe713d9b14cf0ff6f544bfc842d4"},
        {"guard", scripts().guard, "64bfdd5ee20a84e495f0781439166a0937563551",
         "bc72dc1f918dc495740c01b10fd54c13400931bc"},
        {"line", scripts().line, "8670295450f66ba368dbae8fcc565ba4e8d6436f",
         "017b7d8f7aa76baf843ac02541ed397caf104c75"},
        {"look", scripts().look, "8e5cc2f6dc61ad832b4872df59255fd934dde8f2",
         "931e25f36e955bb3432ce87f627a61b560fc3d8d"},
        {"raise_token", scripts().raise_token, "4ad06b35bd8eaa4263cae49ca7499b5e302f9bb2",
         "674e151d8eb5734667bb9129758ab947b0adb429"},
        {"range_capacity", scripts().range_capacity, "e3514460eafacde6dec20c26826eddddfaedfa91",
         "02a9742682769424c28c2d3050306ee7061a4047"},
        {"range_confirm", scripts().range_confirm, "f9ec771c3a035045e02f9450cc56a47bd793c675",
         "a3052373bc34c047128d070af386e51ab83a01f9"},
        {"range_get", scripts().range_get, "518688b48266a5c2fdbb1d92f4667ebe0cbafe1c",
         "b43f8412618ef959410354cea735b336bb098077"},
        {"range_hold", scripts().range_hold, "79dd07058df690c39a315166b30dac3bfdc958ea",
         "ac4f72f51dd7fb9fe8befa39ba810d9157044a99"},
        {"range_list", scripts().range_list, "cd6a49a4be5bdccccca899722e65532ca7d17ce8",
         "bed8795058b250f92ff5afd5462e70e5e3cd35d5"},
        {"range_look", scripts().range_look, "322e55b998eaba8c96a8c14b332694983fc09d3d",
         "2058a818669b0282c89108d209ee20f3f1a57bc3"},
        {"range_move", scripts().range_move, "7368fa081353fb044c0fcb1561234d1bd55cd96c",
         "bb6de6635ee3c6f9296489019120d0a260f14ec1"},
        {"range_release", scripts().range_release, "4c3821bd53185e9a1ee6f240eef6498e769bcda5",
         "d779ea59aa4db5b8a3bbeb20f16afe928f0ba000"},
        {"range_renew", scripts().range_renew, "e68f41fe794fc3b685a6d82ce22c3db25b669ed9",
         "81b137c7c5b27fbf4b1526e0cdc0ffbfcb9f292e"},
        {"range_sweep", scripts().range_sweep, "a445fbbb401e6cc4643b2d88618fc9447d592b48",
         "28d8eaef970e6907b111cf71da85025be793bdc5"},
        {"release", scripts().release, "0dbc3a37507ff0de83919153933efa4adf27af81",
         "6e0f150a9651a3df24041c5f1a5a59fd441875cc"},
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
        // Those of the dialects.
        {"break_hash", scripts().break_hash, "0e10d1d17b72235ce7834f5d8bc716fdab612011",
         "936b7fb0afdef914da8e17c4555dab478c0b7149"},
        {"break_keys", scripts().break_keys, "ae18b3995b4c41bbb534ee0fd99d1156daff5f61",
         "98d7dd24a5986d0243074c19c34701be69ee9c4b"},
        {"release_hash", scripts().release_hash, "31c1852639dd7b31950e553106d627780b0d0b76",
         "ae0b17a25972df4c9bd09482e464ae840b890e10"},
        {"release_keys", scripts().release_keys, "e599021ac2f240aa93eea9784822a833c9b65f9c",
         "bce985f0ed0ccf52b8ca9316e6ab40fd34dc454f"},
        {"renew_hash", scripts().renew_hash, "57dfc60c5bbd65889659a22370658390ab205158",
         "985a386acdedac1427b4e354e5b7c0f3e396ea46"},
        {"renew_keys", scripts().renew_keys, "4aa3167ae5a10721667226a82a8bd881d60522c4",
         "956c3d15a0af875acb175b675f9a10ffb0e70d38"},
        {"take_hash", scripts().take_hash, "7634afbee4b6bad9fab86f85613ce3ede11afa5a",
         "2ab42a2a0065b1b0515bb3b7f8a2b630e0158c24"},
        {"take_keys", scripts().take_keys, "ee57cee678f4319298a1782668aafd5eedbd59e0",
         "2a9705d359b5782078ac8d4b6257254ebbbe210e"},
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
