// SPDX-License-Identifier: BSL-1.0
//
// What it is: `holdfast run` with --shared, --permits and --fair, and what others see of it.
#include "cli_process.hpp"
#include "support/poll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace holdfast::test {
namespace {

using testing::HasSubstr;

/// Programs that run under a lock until they are told to end.
class crowd {
public:
    /// Starts one more with `options`, and waits until its command runs.
    cli_process& add(const words& options) {
        const auto ran = store_.path("ran-" + std::to_string(all_.size()));
        words arguments{"run", "job"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        arguments.insert(arguments.end(), {"--", "sh", "-c",
                                           "touch " + ran + "; while [ ! -e " + store_.path("go") +
                                               " ]; do sleep 0.02; done"});
        all_.push_back(std::make_unique<cli_process>(store_.options(arguments)));
        EXPECT_TRUE(poll_until([&] { return file_exists(ran); })) << all_.back()->err();
        return *all_.back();
    }
    /// Ends all of them, with code 0.
    void end() {
        ::close(::creat(store_.path("go").c_str(), 0600));
        for (const auto& each : all_) EXPECT_EQ(each->wait().code, 0) << each->err();
    }
    /// @return The code of an attempt beside them.
    [[nodiscard]] int attempt(const words& options) const {
        words arguments{"run", "job", "-n"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        arguments.insert(arguments.end(), {"--", "true"});
        return store_.run(arguments).code;
    }
    [[nodiscard]] const cli_store& store() const noexcept { return store_; }

private:
    cli_store store_;
    std::vector<std::unique_ptr<cli_process>> all_;
};

TEST(run_shared, runs_beside_others_that_share_and_keeps_the_rest_out) {
    crowd readers;
    readers.add({"--shared"});
    readers.add({"--shared"});
    EXPECT_EQ(readers.attempt({"--permits", "5"}), 75);
    EXPECT_EQ(readers.attempt({"--shared"}), 0);
    EXPECT_EQ(readers.attempt({}), 75);
    const auto shown = parse_fields(readers.store().run({"show", "job"}).out);
    EXPECT_EQ(shown.at("mode"), "shared");
    EXPECT_EQ(shown.at("holders"), "2");
    const auto json = readers.store().run({"--json", "list"}).out;
    EXPECT_THAT(json, HasSubstr(R"("mode":"shared","holders":2,"waiters":0})"));
    readers.end();
    EXPECT_EQ(readers.attempt({}), 0);
}

TEST(run_shared, waits_for_who_holds_it_alone) {
    const cli_store store;
    const auto taken = store.acquire("job");
    EXPECT_EQ(store.run({"run", "job", "-n", "--shared", "--", "true"}).code, 75);
    cli_process reader{store.options({"run", "job", "--shared", "--wait", "20s", "--", "true"})};
    ASSERT_EQ(store.run({"release", "job", taken.at("id")}).code, 0);
    EXPECT_EQ(reader.wait().code, 0);
}

TEST(run_shared, keeps_its_share_of_a_command_that_outlives_the_ttl) {
    const cli_store store;
    cli_process reader{
        store.options({"run", "job", "--shared", "--ttl", "1s", "--", "sleep", "2.5"})};
    ASSERT_TRUE(poll_until([&] { return store.held("job"); }));
    const auto writer = store.run({"run", "job", "-w", "20", "--", "true"});
    EXPECT_EQ(writer.code, 0) << writer.err;
    EXPECT_GT(writer.took, std::chrono::seconds{2});
    EXPECT_EQ(reader.wait().code, 0);
}

TEST(run_permits, lets_as_many_run_as_there_are_permits) {
    crowd workers;
    workers.add({"--permits", "2"});
    EXPECT_EQ(workers.attempt({"--permits", "2"}), 0);
    workers.add({"--permits", "2"});
    EXPECT_EQ(workers.attempt({"--permits", "2"}), 75);
    EXPECT_EQ(workers.attempt({"--shared"}), 75);
    EXPECT_EQ(workers.attempt({}), 75);
    const auto shown = parse_fields(workers.store().run({"show", "job"}).out);
    EXPECT_EQ(shown.at("mode"), "counted");
    EXPECT_EQ(shown.at("holders"), "2");
    const auto listed = workers.store().run({"list"}).out;
    EXPECT_THAT(listed, HasSubstr("counted  2        0\n"));
    workers.end();
}

TEST(run_fair, runs_on_a_store_that_keeps_a_line) {
    const auto result =
        holdfast_cli({"--store", "memory:", "run", "job", "--fair", "--", "echo", "hi"}, {});
    EXPECT_EQ(result.out, "hi\n") << result.err;
    EXPECT_EQ(result.code, 0);
}

TEST(run_fair, says_that_a_file_keeps_no_line) {
    const cli_store store;
    const auto result = store.run({"run", "job", "--fair", "--", "true"});
    EXPECT_EQ(result.code, 64);
    EXPECT_THAT(result.err, HasSubstr("keeps no line"));
    EXPECT_FALSE(store.held("job"));
}

}  // namespace
}  // namespace holdfast::test
