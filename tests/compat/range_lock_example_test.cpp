// SPDX-License-Identifier: BSL-1.0
//
// The example of the range lock, run as a program on servers of the tests'.
#include "compat/range_lock_servers.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace holdfast::test {
namespace {

/// @return The exit code of the example; minus the signal that ended it.
int exit_code_of_example(std::string redis, std::string database) {
    std::string program = HOLDFAST_EXAMPLE;
    const std::array<char*, 4> arguments{program.data(), redis.data(), database.data(), nullptr};
    const pid_t child = ::fork();
    if (child == 0) {
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_F(range_lock_test, example_runs) {
    EXPECT_EQ(exit_code_of_example(redis().url(), url()), 0);
    EXPECT_EQ(rows(), "0");
    ASSERT_TRUE(held(set("my-key", 15, 25)));
    EXPECT_EQ(exit_code_of_example(redis().url(), url()), 75);
    EXPECT_EQ(rows(), "1");
}

}  // namespace
}  // namespace holdfast::test
