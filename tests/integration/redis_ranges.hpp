// SPDX-License-Identifier: BSL-1.0
//
// What it is: stores of holds on a test's own server, without an engine above them, and their verbs
// as plain calls on one key.
// Thread safety: none.
#pragma once

#include <holdfast/holdfast.hpp>
#include <holdfast/range_store.hpp>

#include "integration/redis_link.hpp"
#include "lock/session.hpp"
#include "port/system_entropy.hpp"
#include "port/system_timeline.hpp"
#include "redis/keys.hpp"
#include "support/poll.hpp"
#include "support/redis_server.hpp"
#include "support/run.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Far below the ends that are waited for, far above what a busy machine needs.
inline constexpr std::chrono::seconds promptly{5};
/// Longer than any test.
inline constexpr milliseconds long_ttl = 10min;
inline constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

/// See the top of the file.
class redis_ranges : public testing::Test {
protected:
    explicit redis_ranges(redis_options options = {}) : server_(std::move(options)) {}
    ~redis_ranges() override {
        for (const auto& each : stores_) each->stop();
        context_.poll();  // Lets what they had begun end before they go.
    }

    [[nodiscard]] std::shared_ptr<range_store> open(const std::string& url) {
        const auto make = lock::range_factory_for(url).value();
        const store_environment environment{
            context_.get_executor(), time_, random_, {.timeout = 2s}};
        stores_.push_back(make(environment).value());
        return stores_.back();
    }
    [[nodiscard]] std::shared_ptr<range_store> open() { return open(server_.url()); }

    template <class T>
    T run(asio::awaitable<T> work) {
        return test::run(context_, std::move(work));
    }
    void run(asio::awaitable<void> work) { test::run(context_, std::move(work)); }
    template <class Done>
    [[nodiscard]] bool comes(Done done, std::chrono::nanoseconds limit = promptly) {
        return drive_until(context_, done, limit);
    }
    /// Lets what is under way happen.
    void settle(std::chrono::nanoseconds pause = 20ms) {
        run(sleep_until(time_, time_.now() + pause));
    }
    [[nodiscard]] time_point soon() const { return time_.now() + 5s; }

    [[nodiscard]] static range_claim claim_of(std::string id, range extent,
                                              milliseconds ttl = long_ttl) {
        return {.key = "room",
                .id = std::move(id),
                .start = extent.start,
                .end = extent.end,
                .ttl = ttl};
    }
    result<std::uint64_t> hold(const range_claim& wanted) {
        const auto granted = run(store_->hold_all(std::span(&wanted, 1), soon()));
        if (!granted) return granted.error();
        return granted->front().fencing_token;
    }
    result<std::uint64_t> hold(const std::string& id, range extent, milliseconds ttl = long_ttl) {
        return hold(claim_of(id, extent, ttl));
    }
    result<std::vector<range_grant>> hold_all(const std::vector<range_claim>& wanted) {
        return run(store_->hold_all(wanted, soon()));
    }
    result<void> renew(std::string_view id, milliseconds ttl, std::string_view key = "room") {
        range_renewal ask{key, id, ttl};
        run(store_->renew(std::span(&ask, 1), soon()));
        return ask.outcome;
    }
    result<void> release(std::string_view id, std::string_view key = "room") {
        return run(store_->release(key, id, released_hold::any, soon()));
    }
    result<std::optional<range_hold>> get(std::string_view id, std::string_view key = "room") {
        return run(store_->get(key, id, soon()));
    }
    result<range_hold> confirm(std::string_view id) {
        return run(store_->confirm("room", id, 0, soon()));
    }
    result<range_hold> move(std::string_view id, range to) {
        return run(store_->move("room", id, 0, to, soon()));
    }
    result<range_page> list(range window = everything, std::size_t limit = 1000,
                            std::optional<range_cursor> after = {}, std::string_view key = "room") {
        return run(store_->list(key, window, after, limit, soon()));
    }
    result<void> set_capacity(std::uint32_t units, std::string_view key = "room") {
        return run(store_->set_capacity(key, units, soon()));
    }
    /// @return The ids of what is held, in order.
    [[nodiscard]] std::vector<std::string> ids(range window = everything) {
        std::vector<std::string> all;
        for (const range_hold& one : list(window).value().holds) all.push_back(one.id);
        return all;
    }

    redis::resp::reply ask(const std::vector<std::string>& words) const {
        redis_link link(server_.socket_path());
        return link.ask(words);
    }
    /// @return How many of the keys of "room" there are.
    [[nodiscard]] std::int64_t keys() const {
        return ask({"EXISTS", key_ + ":s", key_ + ":x", key_ + ":h", key_ + ":m"}).integer;
    }

    const std::string key_ = redis::range_key("room");
    redis_server server_;
    asio::io_context context_;
    system_timeline time_{context_.get_executor()};
    system_entropy random_;
    std::vector<std::shared_ptr<range_store>> stores_;
    std::shared_ptr<range_store> store_ = open();
};

}  // namespace holdfast::test
