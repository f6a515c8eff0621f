// SPDX-License-Identifier: BSL-1.0
#include <holdfast/compat/range_lock.hpp>

#include "compat/range_lock/place.hpp"
#include "compat/session_use.hpp"
#include "mysql/seed_cells.hpp"

namespace holdfast::compat {
namespace {

using std::chrono::milliseconds;

// The original's mutex lives for a second and is waited for at most two. The original looks every
// 100 ms; looking oftener within the same two seconds is what makes ours a hundred times as fast.
constexpr milliseconds mutex_ttl{1000};
constexpr std::int64_t mutex_attempts = 200;
constexpr milliseconds mutex_delay{10};
constexpr milliseconds mutex_jitter{5};

}  // namespace

namespace detail {

/// What a range lock and its locks share.
struct range_lock_state {
    session_ptr session;
    range_place* place{nullptr};  // The session's store.

    static range_lock_lock wrap(const range_lock_ptr& state, mysql::seed_row row) {
        range_lock_lock lock;
        lock.state_ = state;
        lock.id_ = std::move(row.id);
        lock.key_ = std::move(row.key);
        lock.from_ = row.from;
        lock.to_ = row.to;
        lock.expiry_ = row.expiry_ms;
        lock.data_ = std::move(row.data);
        return lock;
    }
};

const session_ptr& session_of(const range_lock_ptr& state) noexcept {
    static const session_ptr none;
    return state ? state->session : none;
}

}  // namespace detail

namespace {

using state_ptr = detail::range_lock_ptr;

task<lock::held_ptr> hold_mutex(state_ptr state, std::string key) {
    auto plan = retrying(mutex_ttl, mutex_attempts - 1, mutex_delay, mutex_jitter);
    plan.options.wait = milliseconds{2'000};
    auto held = co_await state->session->engine_here().acquire(key, std::move(plan));
    if (held) co_return held;
    failure why = held.error();
    if (why.code == errc::timed_out)
        why.text = "unable to obtain lock: the mutex of \"" + shown(key) + "\" was taken for 2 s";
    co_return why;
}

/// Gives the mutex back, without waiting: what is asked of Redis next comes after it.
struct mutex_return {
    detail::session_ptr session;
    lock::held_ptr held;
    ~mutex_return() { session->drop(held); }
};

// Runs `verb(table, mutex valid until)` while the mutex of `key` is held.
template <class Answer, class Verb>
task<Answer> under_mutex(state_ptr state, std::string key, Verb verb) {
    if (auto wrong = mysql::check_text("key", key)) co_return *wrong;
    auto table = co_await state->place->ready_table(state->place->deadline());
    if (!table) co_return table.error();
    auto held = co_await hold_mutex(state, key);
    if (!held) co_return held.error();
    const mutex_return back{state->session, *held};
    co_return co_await verb(**table, (*held)->valid_until.load());
}

task<range_lock_answer> set_under_mutex(state_ptr state, mysql::seed_table& table,
                                        mysql::seed_wish wanted, time_point mutex_until) {
    auto id = co_await table.new_id(state->place->deadline());
    if (!id) co_return id.error();
    wanted.id = std::move(*id);
    auto done = co_await table.set(wanted, mutex_until, state->place->deadline());
    if (!done) co_return done.error();
    using detail::range_lock_state;
    range_lock_answer told;
    told.success = !done->blocker;
    if (done->blocker) {
        told.lock = range_lock_state::wrap(state, std::move(*done->blocker));
        co_return told;
    }
    mysql::seed_row row{.id = std::move(wanted.id),
                        .key = std::move(wanted.key),
                        .from = wanted.from,
                        .to = wanted.to,
                        .expiry_ms = done->expiry_ms,
                        .data = std::move(wanted.data)};
    told.lock = range_lock_state::wrap(state, std::move(row));
    co_return told;
}

}  // namespace

namespace detail {

asio::awaitable<result<bool>> clear_range(range_lock_ptr state, std::string key, std::string id) {
    if (auto wrong = mysql::check_text("id", id)) co_return *wrong;
    const auto verb = [&](mysql::seed_table& table, time_point) {
        return table.clear(key, id, state->place->deadline());
    };
    co_return co_await under_mutex<bool>(state, key, verb);
}

}  // namespace detail

result<bool> range_lock_lock::release() {
    if (!state_) return detail::nowhere_to_run(nullptr);
    return state_->session->run(detail::clear_range(state_, key_, id_));
}

range_lock::range_lock(std::string_view redis_url, std::string_view mysql_url, const options& how) {
    const auto mutexes = redis::read_dialect_settings(redis_url).value();
    const auto table = mysql::read_settings(mysql_url).value();
    state_ = std::make_shared<detail::range_lock_state>();
    const auto make = [this, mutexes, table](const store_environment& environment) {
        auto place = std::make_shared<range_place>(environment, mutexes, table);
        state_->place = place.get();
        return result<std::shared_ptr<store>>(std::move(place));
    };
    state_->session = open_session(make, {.timeout = how.timeout});
}

task<range_lock_answer> range_lock::set_task(state_ptr state, std::string key, std::int64_t from,
                                             std::int64_t to, std::optional<std::string> data,
                                             milliseconds ttl) {
    mysql::seed_wish wanted{
        .id = "-", .key = key, .from = from, .to = to, .ttl = ttl, .data = std::move(data)};
    if (auto wrong = mysql::check_wish(wanted)) co_return *wrong;
    const auto verb = [&](mysql::seed_table& table, time_point mutex_until) {
        return set_under_mutex(state, table, wanted, mutex_until);
    };
    co_return co_await under_mutex<range_lock_answer>(state, key, verb);
}

task<std::optional<range_lock_lock>> range_lock::get_task(state_ptr state, std::string key,
                                                          std::string id) {
    if (auto wrong = mysql::check_text("id", id)) co_return *wrong;
    const auto verb = [&](mysql::seed_table& table, time_point) {
        return table.get(key, id, state->place->deadline());
    };
    auto found = co_await under_mutex<std::optional<mysql::seed_row>>(state, key, verb);
    if (!found) co_return found.error();
    if (!*found) co_return std::nullopt;
    co_return detail::range_lock_state::wrap(state, std::move(**found));
}

task<void> range_lock::guard_task(state_ptr state, bool install) {
    auto table = co_await state->place->ready_table(state->place->deadline());
    if (!table) co_return table.error();
    const time_point until = state->place->deadline();
    if (install) co_return co_await (*table)->install_guard(until);
    co_return co_await (*table)->remove_guard(until);
}

result<range_lock_answer> range_lock::set(std::string_view key, std::int64_t from, std::int64_t to,
                                          std::optional<std::string> data, milliseconds ttl) {
    return session()->run(set_task(state_, std::string(key), from, to, std::move(data), ttl));
}

result<std::optional<range_lock_lock>> range_lock::get(std::string_view key, std::string_view id) {
    return session()->run(get_task(state_, std::string(key), std::string(id)));
}

result<bool> range_lock::clear(std::string_view key, std::string_view id) {
    return session()->run(detail::clear_range(state_, std::string(key), std::string(id)));
}

result<void> range_lock::install_guard() { return session()->run(guard_task(state_, true)); }
result<void> range_lock::remove_guard() { return session()->run(guard_task(state_, false)); }

}  // namespace holdfast::compat
