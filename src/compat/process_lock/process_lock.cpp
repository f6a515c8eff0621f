// SPDX-License-Identifier: BSL-1.0
#include <holdfast/compat/process_lock.hpp>

#include "compat/session_use.hpp"

#include <cstdlib>

namespace holdfast::compat {
namespace {

std::string server_url(std::string_view given) {
    if (!given.empty()) return std::string(given);
    const char* set = std::getenv("REDIS_URL");  // NOLINT(concurrency-mt-unsafe)
    if (set == nullptr || *set == '\0')
        throw lock_error(failure{
            errc::misuse, "process_lock needs a url, or the environment variable REDIS_URL"});
    return set;
}

}  // namespace

std::string_view to_string(process_lock_state state) noexcept {
    return state == process_lock_state::open ? "open" : "locked";
}

/// What the verbs under way share. It belongs to the session's executor but for its constants.
struct process_lock::shared {
    std::string name;
    std::chrono::seconds timeout;
    session_ptr session;
    std::string id{};  ///< Of the lock that we have, or had; empty: none.
};

process_lock::process_lock(std::string_view name, std::chrono::seconds timeout,
                           std::string_view url) {
    using namespace std::chrono_literals;
    if (name.empty() || name.size() > name_bytes_max)
        throw lock_error(failure{errc::misuse, "a lock name has 1 to 512 bytes, this one has " +
                                                   std::to_string(name.size())});
    if (timeout < 1s || timeout > 24h)
        throw lock_error(failure{errc::misuse, "timeout is from 1 s to 24 h, not " +
                                                   std::to_string(timeout.count()) + " s"});
    const auto make = open_dialect(dialect::process_lock, server_url(url));
    state_ = std::make_shared<shared>(
        shared{.name = std::string(name), .timeout = timeout, .session = nullptr});
    state_->session = open_session(make.value(), {});
}

const session_ptr& process_lock::session() const noexcept { return state_->session; }

task<bool> process_lock::lock_task(shared_ptr mine) {
    lock::engine& engine = mine->session->engine_here();
    if (!mine->id.empty()) {
        auto found = co_await engine.inspect(mine->name);
        if (!found) co_return found.error();
        if (*found) co_return (*found)->id == mine->id;
        mine->id.clear();
    }
    const std::chrono::milliseconds no_time{0};
    auto plan = retrying(mine->timeout, 0, no_time, no_time);
    auto held = co_await engine.acquire(mine->name, std::move(plan));
    if (!held) {
        if (held.error().code != errc::contended) co_return held.error();
        // Another thread of ours may have been quicker: then the owner is this process lock.
        if (mine->id.empty()) co_return false;
        auto found = co_await engine.inspect(mine->name);
        if (!found) co_return found.error();
        co_return *found && (*found)->id == mine->id;
    }
    const auto lease = lock::engine::hand_over(*held);
    if (!lease) co_return lease.error();
    mine->id = lease->id;
    co_return true;
}

task<bool> process_lock::update_task(shared_ptr mine) {
    if (mine->id.empty()) co_return false;
    const std::string id = mine->id;
    co_return co_await renew_by_id(mine->session, mine->name, id, mine->timeout);
}

task<std::optional<bool>> process_lock::clear_task(shared_ptr mine, bool force) {
    lock::engine& engine = mine->session->engine_here();
    if (force) {
        auto broken = co_await engine.break_lock(mine->name);
        if (!broken) co_return broken.error();
        if (*broken) co_return std::optional<bool>(true);
        co_return std::optional<bool>();
    }
    if (!mine->id.empty()) {
        const std::string id = mine->id;
        auto gone = co_await release_by_id(mine->session, mine->name, id);
        if (!gone) co_return gone.error();
        if (mine->id == id) mine->id.clear();
        if (*gone) co_return std::optional<bool>(true);
    }
    auto found = co_await engine.inspect(mine->name);
    if (!found) co_return found.error();
    if (*found) co_return std::optional<bool>(false);
    co_return std::optional<bool>();
}

task<process_lock_state> process_lock::state_task(shared_ptr mine) {
    auto found = co_await mine->session->engine_here().inspect(mine->name);
    if (!found) co_return found.error();
    co_return *found ? process_lock_state::locked : process_lock_state::open;
}

result<bool> process_lock::lock() { return session()->run(lock_task(state_)); }
result<bool> process_lock::update() { return session()->run(update_task(state_)); }
result<std::optional<bool>> process_lock::clear(bool force) {
    return session()->run(clear_task(state_, force));
}
result<process_lock_state> process_lock::state() { return session()->run(state_task(state_)); }

}  // namespace holdfast::compat
