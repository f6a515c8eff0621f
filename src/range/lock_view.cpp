// SPDX-License-Identifier: BSL-1.0
#include "range/lock_view.hpp"

#include "base/holder_record.hpp"
#include "range/wish.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace holdfast::ranges {
namespace {

void to_range_claim(const claim& wanted, range_claim& into) {
    from_wish(wanted.name, into);
    into.id = wanted.value;
    into.ttl = wanted.ttl;
}

range_claim to_range_claim(const claim& wanted) {
    range_claim all;
    to_range_claim(wanted, all);
    return all;
}

/// The engine waits for a wish, and knows the holds in the way by it.
failure without_name(failure why) {
    why.name.clear();
    return why;
}

failure no_such_verb() { return {errc::misuse, "ranges have no such verb"}; }

/// A shortcut to holds, seen as one to locks.
class view_shortcut final : public shortcut {
public:
    explicit view_shortcut(std::unique_ptr<range_shortcut> way) : way_(std::move(way)) {}

    bool start_acquire(const claim& wanted, time_point deadline, caller& tell) override {
        to_range_claim(wanted, wanted_);
        return way_->start_hold(wanted_, deadline, tell);
    }
    std::optional<grant> granted() override {
        const auto given = way_->granted();
        if (!given) return std::nullopt;
        return grant{.fencing_token = given->fencing_token};
    }
    asio::awaitable<result<grant>> conclude_acquire(const claim& /*wanted*/,
                                                    time_point deadline) override {
        co_await asio::this_coro::throw_if_cancelled(false);
        auto given = co_await way_->conclude_hold(wanted_, deadline);
        if (!given) co_return without_name(given.error());
        co_return grant{.fencing_token = given->fencing_token};
    }

    bool start_release(std::string_view name, std::string_view value, std::uint64_t fencing_token,
                       time_point deadline, caller& tell) override {
        const auto which = released_hold::granted(fencing_token);
        return way_->start_release(key_of(name), value, which, deadline, tell);
    }
    bool released() override { return way_->released(); }
    asio::awaitable<result<void>> conclude_release(std::string_view name, std::string_view value,
                                                   std::uint64_t fencing_token,
                                                   time_point deadline) override {
        const auto which = released_hold::granted(fencing_token);
        return way_->conclude_release(key_of(name), value, which, deadline);
    }

private:
    std::unique_ptr<range_shortcut> way_;
    range_claim wanted_;  // Kept for its room.
};

}  // namespace

std::unique_ptr<shortcut> lock_view::make_shortcut() {
    auto way = where_->make_shortcut();
    if (!way) return nullptr;
    return std::make_unique<view_shortcut>(std::move(way));
}

void lock_view::draw_identity(entropy& random, const claimant& /*who*/, identity& into) const {
    base::write_hex(random.id_bits(), into.id);
    into.value = into.id;
}

std::optional<std::string> lock_view::value_of(std::string_view id) const {
    return std::string(id);
}

std::string_view lock_view::shown_name(std::string_view name) const noexcept {
    return key_of(name);
}

std::size_t lock_view::name_limit() const noexcept { return wish_bytes_max; }

asio::awaitable<result<grant>> lock_view::acquire(const claim& wanted, attempt /*which*/,
                                                  time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const range_claim asked = to_range_claim(wanted);
    auto given = co_await where_->hold_all(std::span(&asked, 1), deadline);
    if (!given) co_return without_name(given.error());
    co_return grant{.fencing_token = given->front().fencing_token};
}

asio::awaitable<result<std::vector<grant>>> lock_view::acquire_all(std::span<const claim> wanted,
                                                                   attempt /*which*/,
                                                                   time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::vector<range_claim> asked;
    for (const claim& one : wanted) asked.push_back(to_range_claim(one));
    auto given = co_await where_->hold_all(asked, deadline);
    if (!given) {
        failure why = given.error();
        // The engine waits for the one that was refused.
        why.name = wanted[std::min(why.index, wanted.size() - 1)].name;
        co_return why;
    }
    std::vector<grant> all;
    for (const range_grant& one : *given) all.push_back({.fencing_token = one.fencing_token});
    co_return all;
}

asio::awaitable<void> lock_view::renew(std::span<renewal> batch, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::vector<range_renewal> asks;
    asks.reserve(batch.size());
    for (const renewal& one : batch)
        asks.push_back({.key = key_of(one.name),
                        .id = one.value,
                        .ttl = one.ttl,
                        .fencing_token = one.fencing_token});
    co_await where_->renew(asks, deadline);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        batch[i].outcome = std::move(asks[i].outcome);
        if (batch[i].outcome) continue;
        batch[i].outcome = without_name(batch[i].outcome.error());
    }
}

asio::awaitable<result<void>> lock_view::release(std::string_view name, std::string_view value,
                                                 time_point deadline) {
    return where_->release(key_of(name), value, released_hold::passing, deadline);
}

asio::awaitable<result<void>> lock_view::release_granted(std::string_view name,
                                                         std::string_view value,
                                                         std::uint64_t fencing_token,
                                                         time_point deadline) {
    const auto which = released_hold::granted(fencing_token);
    return where_->release(key_of(name), value, which, deadline);
}

asio::awaitable<result<std::optional<lock_info>>> lock_view::inspect(std::string_view,
                                                                     std::string_view, time_point) {
    co_return no_such_verb();
}

asio::awaitable<result<std::vector<lock_info>>> lock_view::list(std::string_view, time_point) {
    co_return no_such_verb();
}

asio::awaitable<result<std::optional<lock_info>>> lock_view::take_away(std::string_view,
                                                                       time_point) {
    co_return no_such_verb();
}

asio::awaitable<void> lock_view::await_change(std::string_view name, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    range_claim wanted = from_wish(name);
    wanted.id = id_of(name);  // What is held by this id already is not waited for.
    co_await where_->await_change(wanted, range_change::freed, until);
}

}  // namespace holdfast::ranges
