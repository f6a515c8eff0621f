// SPDX-License-Identifier: BSL-1.0
//
// What it is: the fixture of the suite: a place, stores on it, and the verbs as plain calls.
// Thread safety: none.
#pragma once

#include <holdfast/store.hpp>

#include "conformance/store_kinds.hpp"
#include "port/system_entropy.hpp"
#include "port/system_timeline.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;

/// Longer than any test.
inline constexpr std::chrono::milliseconds long_ttl = 10min;
/// Short enough to wait for, long enough to be seen held on a slow machine.
inline constexpr std::chrono::milliseconds short_ttl = 300ms;

/// For leases that are to run out. On a slow machine a store may need a while for its first grant.
inline constexpr std::chrono::milliseconds brief_ttl = 300ms;

/// Far below the leases that are waited for, far above what a busy machine needs.
inline constexpr std::chrono::seconds promptly{5};

/// Two clients, on two stores in the same place.
class store_contract : public testing::TestWithParam<store_kind> {
protected:
    store_contract();
    ~store_contract() override;

    /// @return Another store in the same place.
    [[nodiscard]] std::shared_ptr<store> open();
    /// @return A holder's value that no other test has.
    [[nodiscard]] std::string value(std::string_view owner = "test");
    [[nodiscard]] time_point soon() const { return time_.now() + 10s; }

    template <class T>
    T run(asio::awaitable<T> work) {
        return test::run(context_, std::move(work));
    }
    void run(asio::awaitable<void> work) { test::run(context_, std::move(work)); }

    /// @return A claim on `name` with a value of its own.
    [[nodiscard]] claim alone(std::string_view name, std::chrono::milliseconds ttl = long_ttl);
    [[nodiscard]] claim shared(std::string_view name, std::chrono::milliseconds ttl = long_ttl);
    [[nodiscard]] claim counted(std::string_view name, std::uint32_t permits,
                                std::chrono::milliseconds ttl = long_ttl);

    result<grant> acquire(store& where, const claim& wanted, attempt which = attempt::first);
    result<grant> acquire(store& where, std::string_view name, std::string_view value,
                          std::chrono::milliseconds ttl = long_ttl, attempt which = attempt::first,
                          bool fence = true);
    result<void> renew(store& where, std::string_view name, std::string_view value,
                       std::chrono::milliseconds ttl = long_ttl);
    result<void> release(store& where, std::string_view name, std::string_view value);
    /// Releases what `held` holds.
    result<void> release(store& where, const claim& held);
    result<void> renew(store& where, const claim& held);
    std::optional<lock_info> inspect(store& where, std::string_view name, std::string_view id = {});
    std::vector<lock_info> list(store& where, std::string_view prefix);
    std::optional<lock_info> take_away(store& where, std::string_view name);
    /// Drives the executor until nobody holds `name`. @return How long that took.
    std::chrono::nanoseconds wait_until_free(store& where, std::string_view name);
    /// Drives the executor until the share of `held` has run out, while others hold the name.
    void wait_until_gone(store& where, const claim& held);
    /// Drives the executor for `length`.
    void pass(std::chrono::nanoseconds length) {
        static_cast<void>(run(sleep_until(time_, time_.now() + length)));
    }

    asio::io_context context_;
    system_timeline time_{context_.get_executor()};
    system_entropy random_;
    std::unique_ptr<store_place> place_;
    std::vector<std::shared_ptr<store>> stores_;
    std::shared_ptr<store> first_;
    std::shared_ptr<store> second_;
};

/// @return The id at the beginning of a value that `store_contract` made.
[[nodiscard]] std::string id_of(const claim& held);

/// @return Success, or what is wrong, for EXPECT_TRUE.
testing::AssertionResult is_lost(const result<void>& outcome, lost_reason why);
template <class T>
testing::AssertionResult is_contended(const result<T>& answer) {
    if (answer) return testing::AssertionFailure() << "it was granted";
    if (answer.error().code == errc::contended) return testing::AssertionSuccess();
    return testing::AssertionFailure() << answer.error().message();
}

}  // namespace holdfast::test
