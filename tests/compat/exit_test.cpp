// SPDX-License-Identifier: BSL-1.0
//
// What becomes of what a program holds when it ends by exit().
#include <holdfast/compat/warlock.hpp>
#include <holdfast/locker.hpp>

#include "compat/on_server.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

// Destroyed after whatever is made in main() or later.
std::optional<locker> of_the_program;
std::optional<guard> held_to_the_end;
std::optional<compat::warlock> facade_of_the_program;

/// @return The exit code of a child that does `work` and then exits; minus the signal it died of.
template <class Work>
int exit_code_after(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            work();
        } catch (...) {
            ::_exit(2);
        }
        std::exit(0);  // NOLINT(concurrency-mt-unsafe): the child has no other thread of ours.
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(at_exit, a_guard_of_static_storage_gives_its_lock_back) {
    const redis_server server;
    EXPECT_EQ(exit_code_after([&] {
                  of_the_program.emplace(server.url());
                  held_to_the_end = of_the_program->acquire("job", {.fence = false}).value();
              }),
              0);
    EXPECT_EQ(on_server(server).keys(), 0);
}

// Why: the scripts were a static of their own that had been destroyed by then, so that memory was
// read that had been freed, and locks stayed behind.
TEST(at_exit, a_call_under_way_of_a_facade_of_static_storage_is_harmless) {
    const redis_server server;
    on_server(server).put("job:lock", "somebody else");
    EXPECT_EQ(exit_code_after([&] {
                  facade_of_the_program.emplace(server.url());
                  using answer = result<compat::warlock::answer>;
                  facade_of_the_program->optimistic("job", 60s, 1'000'000, 1ms, [](answer) {});
                  for (int i = 0; i < 3; ++i)
                      if (facade_of_the_program->lock("job", 60s).value()) ::_exit(3);
              }),
              0);
    EXPECT_EQ(on_server(server).text("job:lock"), "somebody else");
}

}  // namespace
}  // namespace holdfast::test
