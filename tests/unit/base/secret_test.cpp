// SPDX-License-Identifier: BSL-1.0
#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <ostream>
#include <type_traits>

namespace holdfast::test {
namespace {

using base::secret;

template <class T>
concept printable = requires(std::ostream& out, const T& value) {
    out << value;
};

static_assert(printable<std::string>);
static_assert(!printable<secret>, "a password must not be printable");
static_assert(!std::is_convertible_v<secret, std::string>);
static_assert(!std::is_convertible_v<secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, secret>);
static_assert(std::is_nothrow_move_constructible_v<secret>);

TEST(a_secret, reveals_what_it_was_given_and_nothing_once_moved_from) {
    secret first(std::string("correct horse"));
    EXPECT_EQ(first.reveal(), "correct horse");
    secret second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is asked.
    EXPECT_EQ(first.reveal(), "");
    EXPECT_EQ(second.reveal(), "correct horse");
    const secret copy = second;
    first = std::move(second);
    EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(first.reveal(), "correct horse");
    EXPECT_EQ(copy.reveal(), "correct horse");
}

TEST(a_secret, survives_being_assigned_to_itself) {
    secret one(std::string("pw"));
    const secret& same = one;
    one = same;
    EXPECT_EQ(one.reveal(), "pw");
}

// Why: a core dump must not hold old passwords. How: a short one stands within the object, whose
// memory is ours and can be looked at when the object has gone.
TEST(a_secret, is_wiped_from_its_memory_when_it_goes) {
    alignas(secret) unsigned char memory[sizeof(secret)] = {};
    auto* const one = ::new (memory) secret(std::string("hunter2"));
    const auto* const text = reinterpret_cast<const unsigned char*>(one->reveal().data());
    ASSERT_GE(text, memory);
    ASSERT_LT(text, memory + sizeof memory) << "not within the object: this library differs";
    const auto at = static_cast<std::size_t>(text - memory);
    ASSERT_EQ(std::memcmp(memory + at, "hunter2", 7), 0);
    one->~secret();
    EXPECT_NE(std::memcmp(memory + at, "hunter2", 7), 0);
}

}  // namespace
}  // namespace holdfast::test
