// SPDX-License-Identifier: BSL-1.0
//
// What it is: stores on a test's own server, without an engine above them, and their verbs as plain
// calls.
// Thread safety: none.
#pragma once

#include <holdfast/holdfast.hpp>
#include <holdfast/store.hpp>

#include "base/holder_record.hpp"
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

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Far below the leases that are waited for, far above what a busy machine needs.
inline constexpr std::chrono::seconds promptly{5};
/// Longer than any test.
inline constexpr milliseconds long_ttl = 10min;

/// What somebody wants who may wait for it.
struct wish {
    lock_mode mode{lock_mode::exclusive};
    std::uint32_t permits{0};
    milliseconds ttl{long_ttl};
    line_terms terms{.lease = long_ttl};
    std::string_view name{"job"};
};

/// See the top of the file.
class redis_stores : public testing::Test {
protected:
    using turn = std::shared_ptr<started<std::optional<grant>>>;

    explicit redis_stores(redis_options options = {}) : server_(std::move(options)) {}
    ~redis_stores() override {
        for (const auto& each : stores_) each->stop();
        context_.poll();  // Lets what they had begun end before they go.
    }

    [[nodiscard]] std::shared_ptr<store> open(const std::string& url) {
        const auto make = lock::factory_for(url).value();
        const store_environment environment{
            context_.get_executor(), time_, random_, {.timeout = 2s}};
        stores_.push_back(make(environment).value());
        return stores_.back();
    }
    [[nodiscard]] std::shared_ptr<store> open() { return open(server_.url()); }

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

    /// @return A holder's value that nobody has used.
    [[nodiscard]] std::string value(const std::string& owner = "test") {
        return base::write_holder_record(std::to_string(++values_), 4711, "a-host", owner);
    }
    static claim claim_of(const std::string& value, const wish& how = {}) {
        return {.name = std::string(how.name),
                .value = value,
                .ttl = how.ttl,
                .mode = how.mode,
                .permits = how.permits};
    }

    result<grant> acquire(store& where, const std::string& value, const wish& how = {},
                          attempt which = attempt::first) {
        const claim wanted = claim_of(value, how);
        return run(where.acquire(wanted, which, soon()));
    }
    result<void> release(store& where, const std::string& value, std::string_view name = "job") {
        return run(where.release(name, value, soon()));
    }
    result<void> renew(store& where, const std::string& value, milliseconds ttl = long_ttl) {
        renewal ask{"job", value, ttl};
        run(where.renew(std::span(&ask, 1), soon()));
        return ask.outcome;
    }
    lock_info inspect(store& where, std::string_view id = {}) {
        return run(where.inspect("job", id, soon())).value().value_or(lock_info{});
    }
    result<grant> ask(seat& place, const std::string& value, const wish& how = {}) {
        const claim wanted = claim_of(value, how);
        return run(place.ask(wanted, how.terms, soon()));
    }
    result<std::optional<grant>> pass_on(seat& place, const std::string& held,
                                         const std::string& value, const wish& how = {}) {
        const claim wanted = claim_of(value, how);
        return run(place.pass_on(held, wanted, how.terms, soon()));
    }
    result<void> leave(seat& place, const std::string& value) {
        return run(place.leave(value, soon()));
    }
    [[nodiscard]] turn await_turn(seat& place) {
        return start(context_, place.await_turn(time_.now() + 10min));
    }
    [[nodiscard]] turn await_turn(seat& place, asio::cancellation_signal& signal) {
        return start(context_, place.await_turn(time_.now() + 10min), [&](auto handler) {
            return asio::bind_cancellation_slot(signal.slot(), handler);
        });
    }
    /// Waits until it has the lock, asking again as often as it is told to and has to.
    std::optional<grant> get(seat& place, const std::string& value, const wish& how = {},
                             std::chrono::nanoseconds limit = promptly) {
        const time_point end = time_.now() + limit;
        while (time_.now() < end) {
            if (auto given = ask(place, value, how)) return *given;
            const time_point again = time_.now() + how.terms.lease / 3;
            if (auto given = run(place.await_turn(std::min(again, end)))) return given;
        }
        return std::nullopt;
    }

    [[nodiscard]] std::string text_of(const std::string& key) const {
        redis_link link(server_.socket_path());
        return link.ask({"GET", key}).text;
    }
    [[nodiscard]] bool exists(const std::string& key) const {
        return server_.command({"EXISTS", key}) == ":1\r\n";
    }
    void command(const std::vector<std::string>& words) const {
        const std::string reply = server_.command(words);
        ASSERT_FALSE(reply.starts_with("-")) << words.front() << ": " << reply;
    }
    /// @return The holder's value, and at its end the length of the line.
    [[nodiscard]] std::size_t waiting() const {
        redis_link link(server_.socket_path());
        return static_cast<std::size_t>(link.ask({"ZCARD", key_ + ":q"}).integer);
    }
    /// @return How many connections with this flag the server has: "P" has subscribed, "N" has not.
    [[nodiscard]] int connections(const std::string& flag) const {
        redis_link link(server_.socket_path());
        const std::string list = link.ask({"CLIENT", "LIST"}).text;
        int found = 0;
        for (std::size_t at = 0; (at = list.find("name=holdfast", at)) != std::string::npos; ++at) {
            const std::string line = list.substr(at, list.find('\n', at) - at);
            const std::size_t flags = line.find("flags=");
            const std::string present = line.substr(flags, line.find(' ', flags) - flags);
            if ((present.find('P') != std::string::npos) == (flag == "P")) ++found;
        }
        return found;
    }

    const std::string key_ = redis::lock_key("job");
    redis_server server_;
    asio::io_context context_;
    system_timeline time_{context_.get_executor()};
    system_entropy random_;
    std::vector<std::shared_ptr<store>> stores_;
    int values_{0};
};

}  // namespace holdfast::test
