// SPDX-License-Identifier: BSL-1.0
//
// The examples of the facades, each run as a program on servers of its own.
#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace holdfast::test {
namespace {

/// @return The exit code of the example `name`; minus the signal that ended it.
int exit_code_of(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(HOLDFAST_EXAMPLES) + "/example_" + name);
    std::vector<char*> words;
    for (std::string& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::execv(words[0], words.data());
        ::_exit(127);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(compat_examples, redlock_runs_on_three_servers) {
    const std::array<redis_server, 3> servers;
    EXPECT_EQ(exit_code_of("08_redlock", {servers[0].url(), servers[1].url(), servers[2].url()}),
              0);
    EXPECT_EQ(exit_code_of("08_redlock", {}), 64);
    on_server(servers[0]).put("locks:account:322456", "somebody else");
    on_server(servers[1]).put("locks:account:322456", "somebody else");
    EXPECT_EQ(exit_code_of("08_redlock", {servers[0].url(), servers[1].url(), servers[2].url()}),
              1);
}

TEST(compat_examples, warlock_runs) {
    const redis_server server;
    EXPECT_EQ(exit_code_of("09_warlock", {server.url()}), 0);
    EXPECT_EQ(on_server(server).keys(), 0);
}

TEST(compat_examples, dist_lock_runs) {
    const redis_server server;
    EXPECT_EQ(exit_code_of("10_dist_lock", {server.url()}), 0);
    EXPECT_EQ(on_server(server).keys(), 0);
}

TEST(compat_examples, migrating_runs_and_gives_both_locks_back) {
    const redis_server server;
    EXPECT_EQ(exit_code_of("17_migrating", {server.url()}), 0);
    EXPECT_FALSE(on_server(server).has("invoices:lock"));
}

TEST(compat_examples, process_lock_runs) {
    const redis_server server;
    ::setenv("REDIS_URL", server.url().c_str(), 1);
    EXPECT_EQ(exit_code_of("11_process_lock", {}), 0);
    on_server(server).put("lock_name", "somebody else");
    EXPECT_EQ(exit_code_of("11_process_lock", {}), 75);
    ::unsetenv("REDIS_URL");
}

}  // namespace
}  // namespace holdfast::test
