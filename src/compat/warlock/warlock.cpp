// SPDX-License-Identifier: BSL-1.0
#include <holdfast/compat/warlock.hpp>

#include "compat/session_use.hpp"

#include <algorithm>

namespace holdfast::compat {
namespace {

using std::chrono::milliseconds;

std::string with_suffix(std::string_view key) { return std::string(key) + ":lock"; }

}  // namespace

result<int> warlock_unlock::operator()() const {
    if (!session_) return detail::nowhere_to_run(session_);
    return session_->run(task(session_, key_, id_));
}

asio::awaitable<result<int>> warlock_unlock::task(session_ptr where, std::string key,
                                                  std::string id) {
    auto gone = co_await release_by_id(std::move(where), std::move(key), std::move(id));
    if (!gone) co_return gone.error();
    co_return *gone ? 1 : 0;
}

warlock::warlock(std::string_view url, options how)
    : make_key_(how.make_key ? std::move(how.make_key) : key_function(with_suffix)) {
    const auto make = open_dialect(dialect::warlock, url, make_key_);
    session_ = open_session(make.value(), {.timeout = how.timeout});
}

asio::awaitable<result<warlock_answer>> warlock::optimistic_task(session_ptr where, std::string key,
                                                                 milliseconds ttl,
                                                                 std::int64_t max_attempts,
                                                                 milliseconds wait) {
    if (wait < milliseconds{0} || wait > wait_max)
        co_return failure{errc::misuse,
                          "wait is from 0 to 24 h, not " + std::to_string(wait.count()) + " ms"};
    const std::int64_t retries = std::max<std::int64_t>(max_attempts, 1) - 1;
    auto plan = retrying(ttl, retries, wait, milliseconds{0});
    auto held = co_await where->engine_here().acquire(key, std::move(plan));
    if (!held) {
        failure why = held.error();
        if (why.code == errc::timed_out || why.code == errc::contended)
            why.text = "unable to obtain lock: max attempts " + std::to_string(max_attempts) +
                       ", key \"" + shown(key) + "\", ttl " + std::to_string(ttl.count()) +
                       " ms, wait " + std::to_string(wait.count()) + " ms";
        co_return why;
    }
    // It is known by its id from now on: any process may unlock it.
    const auto lease = lock::engine::hand_over(*held);
    if (!lease) co_return lease.error();
    warlock_answer got;
    got.id = lease->id;
    got.unlock.session_ = std::move(where);
    got.unlock.key_ = std::move(key);
    got.unlock.id_ = lease->id;
    co_return got;
}

asio::awaitable<result<warlock_answer>> warlock::lock_task(session_ptr where, std::string key,
                                                           milliseconds ttl) {
    auto got = co_await optimistic_task(std::move(where), std::move(key), ttl, 1, milliseconds{0});
    if (!got && got.error().code == errc::contended) co_return warlock_answer{};
    co_return got;
}

asio::awaitable<result<bool>> warlock::touch_task(session_ptr where, std::string key,
                                                  std::string id, milliseconds ttl) {
    return renew_by_id(std::move(where), std::move(key), std::move(id), ttl);
}

result<warlock_answer> warlock::lock(std::string_view key, milliseconds ttl) {
    return session_->run(lock_task(session_, std::string(key), ttl));
}

result<warlock_answer> warlock::optimistic(std::string_view key, milliseconds ttl,
                                           std::int64_t max_attempts, milliseconds wait) {
    return session_->run(optimistic_task(session_, std::string(key), ttl, max_attempts, wait));
}

result<int> warlock::unlock(std::string_view key, std::string_view id) {
    return session_->run(warlock_unlock::task(session_, std::string(key), std::string(id)));
}

result<bool> warlock::touch(std::string_view key, std::string_view id, milliseconds ttl) {
    return session_->run(touch_task(session_, std::string(key), std::string(id), ttl));
}

}  // namespace holdfast::compat
