// SPDX-License-Identifier: BSL-1.0
#include "range/verbs.hpp"

#include "base/doubt.hpp"
#include "core/backoff.hpp"
#include "core/gap_finder.hpp"
#include "core/lease_math.hpp"
#include "lock/option_rules.hpp"
#include "range/range_rules.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace holdfast::ranges {
namespace {

using base::harmless;

constexpr std::size_t page_max = 1'000;
constexpr std::size_t list_max = 100'000;

/// What makes a hold another one than before.
auto face_of(const range_hold& one) {
    return std::tuple(one.fencing_token, one.start, one.end, one.units, one.permanent, one.id);
}

bool same_holds(const std::vector<range_hold>& a, const std::vector<range_hold>& b) {
    if (a.size() != b.size()) return false;
    std::vector<decltype(face_of(range_hold{}))> left, right;
    for (const range_hold& one : a) left.push_back(face_of(one));
    for (const range_hold& one : b) right.push_back(face_of(one));
    std::sort(left.begin(), left.end());
    std::sort(right.begin(), right.end());
    return left == right;
}

/// A refusal does not end the doubt about an earlier request: that one may arrive yet.
failure still_in_doubt(failure why) {
    if (why.code != errc::contended && why.code != errc::misuse) return why;
    why.code = errc::in_doubt;
    why.text += "; a request before this one was not answered, and may take effect yet";
    return why;
}

}  // namespace

asio::awaitable<bool> verbs::pause(unsigned failures, time_point until) {
    using namespace std::chrono_literals;
    const auto length = core::backoff_pause(failures, 10ms, 500ms, env_.random.jitter_bits());
    co_return co_await sleep_until(env_.time, std::min(now() + length, until));
}

// `ask` may be repeated: it finds what it did before. Its last answer tells; without one, the first
// cause does, before those of which nothing was sent: behind it often no more than time is short.
// @param in_doubt  Whether there was one, whatever the last answer is.
template <class Ask>
auto verbs::until_answered(Ask ask, bool& in_doubt) -> decltype(ask(time_point{})) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const time_point until = op_deadline();
    in_doubt = false;
    std::optional<failure> cause;
    for (unsigned failures = 1;; ++failures) {  // Ends at `until`.
        auto said = co_await ask(until);
        if (said) co_return said;
        failure why = said.error();
        const bool doubt = why.code == errc::in_doubt;
        if (!doubt && why.code != errc::unreachable) co_return why;
        if (!cause || (doubt && !in_doubt)) cause = std::move(why);
        in_doubt = in_doubt || doubt;
        const bool more = now() < until && co_await pause(failures, until);
        if (!more) co_return std::move(*cause);
    }
}

asio::awaitable<result<std::optional<range_hold>>> verbs::get(std::string key, std::string id) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_hold(key, id)) co_return *wrong;
    auto found = co_await where_->get(key, id, op_deadline());
    if (!found) co_return harmless(found.error());
    co_return found;
}

asio::awaitable<result<void>> verbs::release(std::string key, std::string id, std::uint64_t token) {
    if (auto wrong = check_hold(key, id)) co_return *wrong;
    const released_hold which{.permanent = true, .fencing_token = token};
    bool doubtful = false;
    auto ask = [&](time_point until) -> asio::awaitable<result<void>> {
        auto said = co_await where_->release(key, id, which, until);
        // What is gone after a release whose answer was lost was ended by that one.
        if (!said && said.error().code == errc::lost && doubtful) co_return result<void>{};
        doubtful = doubtful || (!said && said.error().code == errc::in_doubt);
        co_return said;
    };
    bool in_doubt = false;
    co_return co_await until_answered(ask, in_doubt);
}

asio::awaitable<result<range_hold>> verbs::confirm(std::string key, std::string id,
                                                   std::uint64_t token) {
    if (auto wrong = check_hold(key, id)) co_return *wrong;
    auto ask = [&](time_point until) { return where_->confirm(key, id, token, until); };
    bool in_doubt = false;
    co_return co_await until_answered(ask, in_doubt);
}

asio::awaitable<result<range_hold>> verbs::confirm_held(lock::held_ptr held, std::string key,
                                                        std::string id) {
    if (auto wrong = check_hold(key, id)) co_return *wrong;
    auto act = [&](std::uint64_t token, time_point until) {
        return where_->confirm(key, id, token, until);
    };
    auto ask = [&](time_point until) {
        return with_token(held->fencing_token, key, id, until, act);
    };
    bool in_doubt = false;
    co_return co_await until_answered(ask, in_doubt);
}

asio::awaitable<result<range_hold>> verbs::move(std::string key, std::string id,
                                                std::uint64_t token, range to) {
    if (auto wrong = check_hold(key, id)) co_return *wrong;
    if (auto wrong = check_range(to)) co_return *wrong;
    bool in_doubt = false;
    auto ask = [&](time_point until) { return where_->move(key, id, token, to, until); };
    auto moved = co_await until_answered(ask, in_doubt);
    if (!moved && in_doubt) co_return still_in_doubt(moved.error());
    co_return moved;
}

// It has another token afterwards. As a renewal may reach the store before the move or behind it,
// those that are sent until the move was answered go by the id alone.
asio::awaitable<result<range_hold>> verbs::move_held(lock::held_ptr held, std::string key,
                                                     std::string id, range to) {
    if (auto wrong = check_hold(key, id)) co_return *wrong;
    if (auto wrong = check_range(to)) co_return *wrong;
    const std::uint64_t former = std::exchange(held->fencing_token, 0);
    bool in_doubt = false;
    auto act = [&](std::uint64_t token, time_point until) {
        return where_->move(key, id, token, to, until);
    };
    auto ask = [&](time_point until) { return with_token(former, key, id, until, act); };
    auto moved = co_await until_answered(ask, in_doubt);
    if (moved)
        held->fencing_token = moved->fencing_token;
    else if (!in_doubt && moved.error().code != errc::cancelled)
        held->fencing_token = former;
    if (!moved && in_doubt) co_return still_in_doubt(moved.error());
    co_return moved;
}

// After a move that is in doubt the token of a guard's hold is not known. It is looked up, so that
// what this request leaves behind can be shut out by the next one, as one with a token can be.
template <class Act>
asio::awaitable<result<range_hold>> verbs::with_token(std::uint64_t token, std::string key,
                                                      std::string id, time_point until, Act act) {
    const bool known = token != 0;
    if (!known) {
        auto there = co_await where_->get(key, id, until);
        if (!there) co_return harmless(there.error());
        if (!*there) co_return failure(lost_reason::deleted, "no such hold, or it has run out");
        token = (*there)->fencing_token;
    }
    auto said = co_await act(token, until);
    const bool overtaken = !known && !said && said.error().code == errc::lost &&
                           said.error().reason == lost_reason::taken;
    if (overtaken)
        co_return failure(errc::unreachable, "a move that was in doubt has come in between");
    co_return said;
}

asio::awaitable<result<std::vector<range_hold>>> verbs::list(std::string key, range window,
                                                             std::size_t limit) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_key(key)) co_return *wrong;
    if (auto wrong = check_range(window)) co_return *wrong;
    if (limit < 1 || limit > list_max)
        co_return failure{errc::misuse,
                          "the limit of a list is from 1 to 100000, not " + std::to_string(limit)};
    co_return co_await read(key, window, limit);
}

// A store may give less at once than it was asked for.
asio::awaitable<result<std::vector<range_hold>>> verbs::read(const std::string& key, range window,
                                                             std::size_t limit) {
    const time_point until = op_deadline();
    std::vector<range_hold> all;
    std::optional<range_cursor> after;
    for (bool more = true; more && all.size() < limit;) {
        const std::size_t some = std::min(page_max, limit - all.size());
        auto page = co_await where_->list(key, window, after, some, until);
        if (!page) co_return harmless(page.error());
        for (range_hold& one : page->holds) all.push_back(std::move(one));
        more = page->more && !page->holds.empty();
        if (more) after = range_cursor{all.back().start, all.back().fencing_token};
    }
    co_return all;
}

asio::awaitable<result<std::optional<range>>> verbs::free_gap(std::string key, std::int64_t length,
                                                              range window, std::uint32_t units) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_key(key)) co_return *wrong;
    if (auto wrong = check_range(window)) co_return *wrong;
    if (auto wrong = check_units("units", units)) co_return *wrong;
    if (length < 1)
        co_return failure{errc::misuse,
                          "the length of a gap must be above 0, not " + std::to_string(length)};
    const time_point until = op_deadline();
    std::optional<core::gap_finder> finder;
    std::optional<range_cursor> after;
    for (bool more = true; more;) {
        auto page = co_await where_->list(key, window, after, page_max, until);
        if (!page) co_return harmless(page.error());
        if (!finder) finder.emplace(window, length, units, page->capacity);
        for (const range_hold& one : page->holds)
            if (auto found = finder->before({one.start, one.end}, one.units)) co_return found;
        more = page->more && !page->holds.empty();
        if (more) after = range_cursor{page->holds.back().start, page->holds.back().fencing_token};
    }
    co_return finder->at_end();
}

asio::awaitable<result<void>> verbs::set_capacity(std::string key, std::uint32_t units) {
    if (auto wrong = check_key(key)) co_return *wrong;
    if (auto wrong = check_units("capacity", units)) co_return *wrong;
    auto ask = [&](time_point until) { return where_->set_capacity(key, units, until); };
    bool in_doubt = false;
    co_return co_await until_answered(ask, in_doubt);
}

asio::awaitable<result<std::uint32_t>> verbs::capacity(std::string key) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_key(key)) co_return *wrong;
    auto page = co_await where_->list(key, everything, std::nullopt, 1, op_deadline());
    if (!page) co_return harmless(page.error());
    co_return page->capacity;
}

asio::awaitable<result<std::vector<range_hold>>> verbs::watch(std::string key, range window,
                                                              std::vector<range_hold> known,
                                                              std::chrono::milliseconds wait,
                                                              std::stop_token stop) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_key(key)) co_return *wrong;
    if (auto wrong = check_range(window)) co_return *wrong;
    if (auto wrong = lock::check_wait(wait)) co_return *wrong;
    if (known.size() > page_max)
        co_return failure{errc::misuse,
                          "at most 1000 holds can be watched, not " + std::to_string(known.size())};
    const time_point until = core::saturating_add(now(), wait);
    range_claim seen;
    seen.key = key;
    seen.start = window.start;
    seen.end = window.end;
    for (;;) {  // Ends with the wait.
        auto there = co_await read(key, window, page_max);
        if (!there) co_return there.error();
        if (!same_holds(*there, known)) co_return there;
        const auto state = co_await asio::this_coro::cancellation_state;
        if (stop.stop_requested() || state.cancelled() != asio::cancellation_type::none)
            co_return failure{errc::cancelled, "the wait for a change was ended"};
        if (now() >= until) co_return failure{errc::timed_out, "nothing has changed"};
        time_point look_at = std::min(until, now() + std::chrono::seconds(1));
        for (const range_hold& one : *there)
            if (!one.permanent) look_at = std::min(look_at, now() + one.remaining);
        co_await where_->await_change(seen, range_change::any, look_at);
    }
}

}  // namespace holdfast::ranges
