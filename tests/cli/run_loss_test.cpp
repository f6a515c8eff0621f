// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast run` when things go wrong: whatever happens to the lock, the wrapper or the
// guardian, nothing that CMD started is alive when validity ends.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

// A command that ignores SIGTERM, with a descendant that does so too in a session of its own, whose
// parent is gone. `ready` in the store's directory says that both are there, `beat` when one of
// them last did anything: what was sent SIGKILL does nothing more, even if a busy machine takes a
// while to remove it, so that is when the work ended.
std::string stubborn_tree(const cli_store& store) {
    const auto beats = "; while :; do echo >" + store.path("beat") + "; sleep 0.01; done";
    return "trap '' TERM INT HUP; (setsid sh -c 'trap \"\" TERM; touch " + store.path("daemon") +
           beats + "' & ); while [ ! -e " + store.path("daemon") +
           " ]; do sleep 0.01; done; touch " + store.path("ready") + beats;
}

words run_words(const std::string& ttl, const std::string& script, words more = {}) {
    words all{"run", "job", "--ttl", ttl};
    all.insert(all.end(), more.begin(), more.end());
    all.insert(all.end(), {"--", "sh", "-c", script});
    return all;
}

bool is_ready(const cli_store& store) {
    return poll_until([&] { return file_exists(store.path("ready")); });
}

// @return How long after `since` nothing was left of what ran under the lock, or nothing if
// something is left after 20 s.
std::optional<std::chrono::nanoseconds> gone_after(std::chrono::nanoseconds since) {
    if (!poll_until([] { return processes_under("job").empty(); }, 20s)) return std::nullopt;
    return boot_now() - since;
}

pid_t guardian_of(const cli_process& wrapper) { return children_of(wrapper.pid()).at(0); }

TEST(loss, is_told_of_with_its_reason_where_that_is_asked_for) {
    const cli_store store;
    const auto script = "touch " + store.path("ready") + "; while :; do sleep 0.02; done";
    cli_process holder{store.options(run_words("1500ms", script, {"--verbose"}))};
    ASSERT_TRUE(is_ready(store));
    ASSERT_EQ(store.run({"break", "job"}).code, 0);
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 76);
    EXPECT_THAT(result.err, HasSubstr("holdfast: event: lost level=error name=\"job\""));
    EXPECT_THAT(result.err, HasSubstr("reason=deleted"));
}

TEST(loss, a_broken_lock_ends_the_command_soon_with_76) {
    const cli_store store;
    const auto script = "trap 'echo told; exit 0' TERM; touch " + store.path("ready") +
                        "; while :; do sleep 0.02; done";
    cli_process holder{store.options(run_words("1500ms", script))};
    ASSERT_TRUE(is_ready(store));
    const auto broken_at = boot_now();
    ASSERT_EQ(store.run({"break", "job"}).code, 0);
    const auto result = holder.wait();
    EXPECT_LT(boot_now() - broken_at, 1500ms / 3 + 1s);
    EXPECT_EQ(result.code, 76);
    EXPECT_EQ(result.out, "told\n") << "SIGTERM comes before SIGKILL";
    EXPECT_THAT(result.err,
                EndsWith("holdfast: run: \"job\" was lost while the command ran: deleted\n"));
}

TEST(loss, a_lock_that_somebody_else_has_taken_is_left_alone) {
    const cli_store store;
    // A renewal that came between the two would find nobody: there are two seconds between two.
    cli_process holder{store.options(run_words("6s", stubborn_tree(store)))};
    ASSERT_TRUE(is_ready(store));
    cli_process next{store.options({"acquire", "job", "--wait", "20s"})};
    ASSERT_EQ(store.run({"break", "job"}).code, 0);
    ASSERT_EQ(next.wait().code, 0);
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 76);
    EXPECT_THAT(result.err, HasSubstr("ran: taken\n"));
    EXPECT_TRUE(store.held("job"));
    EXPECT_TRUE(processes_under("job").empty());
}

TEST(loss, a_descendant_is_killed_even_when_the_command_itself_has_ended) {
    const cli_store store;
    const auto script = "setsid sh -c 'trap \"\" TERM; touch " + store.path("ready") +
                        "; while :; do sleep 0.05; done' & exit 0";
    cli_process holder{store.options(run_words("1s", script))};
    ASSERT_TRUE(is_ready(store));
    ASSERT_EQ(store.run({"break", "job"}).code, 0);
    EXPECT_EQ(holder.wait().code, 76);
    EXPECT_TRUE(processes_under("job").empty());
}

TEST(loss, max_hold_ends_the_command_and_frees_the_lock) {
    const cli_store store;
    cli_process holder{store.options(
        run_words("10s", stubborn_tree(store), {"--max-hold", "700ms", "--grace", "200ms"}))};
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 76);
    EXPECT_THAT(result.err, HasSubstr("ran: max_hold\n"));
    EXPECT_LT(result.took, 3s);
    EXPECT_TRUE(processes_under("job").empty());
    EXPECT_FALSE(store.held("job"));
}

TEST(wrapper_killed, takes_the_command_and_its_daemons_along_and_the_next_fence_is_higher) {
    const cli_store store;
    cli_process holder{store.options(run_words("2s", stubborn_tree(store)))};
    ASSERT_TRUE(is_ready(store));
    const auto fence = std::stoull(parse_fields(store.run({"show", "job"}).out).at("fence"));
    const auto killed_at = boot_now();
    holder.signal(SIGKILL);
    const auto gone = gone_after(killed_at);
    ASSERT_TRUE(gone) << describe_processes(processes_under("job"));
    EXPECT_LT(*gone, 1s);
    const auto next =
        store.run({"run", "job", "--wait", "10s", "--", "sh", "-c", "echo $HOLDFAST_FENCE"});
    EXPECT_LT(boot_now() - killed_at, 2s + 500ms) << "free no later than by the ttl";
    ASSERT_EQ(next.code, 0) << next.err;
    EXPECT_GT(std::stoull(next.out), fence);
}

TEST(wrapper_stopped, the_tree_is_dead_before_validity_ends_and_it_reports_76) {
    const cli_store store;
    cli_process holder{store.options(run_words("1500ms", stubborn_tree(store)))};
    ASSERT_TRUE(is_ready(store));
    const auto stopped_at = wall_now();
    holder.signal(SIGSTOP);
    ASSERT_TRUE(gone_after(boot_now())) << describe_processes(processes_under("job"));
    EXPECT_LT(written_at(store.path("beat")), stopped_at + 1500ms);
    EXPECT_EQ(store.run({"run", "job", "--wait", "5s", "--", "true"}).code, 0);
    holder.signal(SIGCONT);
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 76) << result.err;
    EXPECT_THAT(result.err, HasSubstr("\"job\" was lost while the command ran"));
}

TEST(guardian_killed, the_wrapper_kills_the_tree_itself_and_frees_the_lock) {
    const cli_store store;
    cli_process holder{store.options(run_words("20s", stubborn_tree(store)))};
    ASSERT_TRUE(is_ready(store));
    ::kill(guardian_of(holder), SIGKILL);
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 69);
    EXPECT_EQ(result.err, "holdfast: run: the guardian process died, so the command was killed\n");
    EXPECT_TRUE(processes_under("job").empty());
    EXPECT_FALSE(store.held("job"));
}

TEST(guardian_stopped, the_wrapper_kills_the_tree_before_validity_ends) {
    const cli_store store;
    cli_process holder{store.options(run_words("1500ms", stubborn_tree(store)))};
    ASSERT_TRUE(is_ready(store));
    ::kill(guardian_of(holder), SIGSTOP);
    ASSERT_EQ(store.run({"break", "job"}).code, 0);
    const auto broken_at = wall_now();
    const auto result = holder.wait();
    EXPECT_EQ(result.code, 76);
    EXPECT_LT(written_at(store.path("beat")), broken_at + 1500ms);
    EXPECT_TRUE(processes_under("job").empty());
}

// Why: whoever kills the wrapper's process group, as a terminal or an init system does, must not
// kill the one process that cleans up.
TEST(wrapper_killed, together_with_its_group_the_guardian_still_cleans_up) {
    const cli_store store;
    cli_process holder{store.options(run_words("20s", stubborn_tree(store)))};
    ASSERT_TRUE(is_ready(store));
    ::kill(-holder.pid(), SIGKILL);
    EXPECT_TRUE(gone_after(boot_now())) << describe_processes(processes_under("job"));
}

TEST(many_processes, a_tree_of_500_is_dead_before_validity_ends) {
    const cli_store store;
    // Five sessions of a hundred, all deaf to SIGTERM; some are in busy loops, though few enough
    // that other tests, which run at the same time, get their share.
    const auto script =
        "trap '' TERM; for s in 1 2 3 4 5; do setsid sh -c '"
        "for i in $(seq 98); do sleep 1000 & done; for i in 1 2; do (while :; do :; done) & done; "
        "touch " +
        store.path("session") + "$0; wait' $s & done; wait";
    cli_process holder{store.options(run_words("4s", script))};
    ASSERT_TRUE(poll_until([&] {
        for (const auto* s : {"1", "2", "3", "4", "5"}) {
            if (!file_exists(store.path("session") + s)) return false;
        }
        return true;
    }));
    const auto stopped_at = boot_now();
    EXPECT_GE(processes_under("job").size(), 500U);
    holder.signal(SIGSTOP);
    const auto gone = gone_after(stopped_at);
    ASSERT_TRUE(gone) << processes_under("job").size() << " left";
    EXPECT_LT(*gone, 4s);
    holder.signal(SIGCONT);
    EXPECT_EQ(holder.wait().code, 76);
}

// Why: a process that is gone before it can be signalled must not get away with a successor.
TEST(many_processes, that_hand_over_to_successors_all_the_time_are_all_killed) {
    const cli_store store;
    // Ten chains: each process starts one successor in a session of its own, and ends.
    const auto script = "trap '' TERM; echo 'setsid sh $0 &' >" + store.path("chain") +
                        "; for i in $(seq 10); do sh " + store.path("chain") + "; done; touch " +
                        store.path("ready") + "; while :; do sleep 0.05; done";
    cli_process holder{store.options(run_words("20s", script))};
    ASSERT_TRUE(is_ready(store));
    const pid_t guardian = guardian_of(holder);
    holder.signal(SIGKILL);
    // A walk through /proc may miss all of what moves; the guardian goes when it has no child left.
    const auto is_over = [&] { return state_of(guardian) == 0 || state_of(guardian) == 'Z'; };
    ASSERT_TRUE(poll_until(is_over, 20s)) << processes_under("job").size() << " left";
    const auto left = processes_under("job");
    EXPECT_TRUE(left.empty()) << describe_processes(left);
}

}  // namespace
}  // namespace holdfast::test
