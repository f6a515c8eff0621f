// SPDX-License-Identifier: BSL-1.0
//
// Waits at the end of a test program for the facades' threads: where a callback is the last owner
// of a session, a thread of its own winds it down, which must not meet the end of the process.
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

namespace holdfast::test {
namespace {

auto count_threads() {
    const std::filesystem::directory_iterator all("/proc/self/task");
    return std::distance(begin(all), end(all));
}

class last_threads : public testing::Environment {
public:
    void SetUp() override { before_ = count_threads(); }
    void TearDown() override {
        EXPECT_TRUE(poll_until([this] { return count_threads() <= before_; }))
            << "a thread of a facade has not ended";
    }

private:
    std::ptrdiff_t before_{0};
};

[[maybe_unused]] const testing::Environment* const registered =
    testing::AddGlobalTestEnvironment(new last_threads);

}  // namespace
}  // namespace holdfast::test
