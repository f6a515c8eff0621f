// SPDX-License-Identifier: BSL-1.0
#include <holdfast/compat/process_lock.hpp>

#include "compat/session_use.hpp"

#include <cstdlib>
#include <utility>

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
    std::string id{};          ///< Of the lock that we have, or had; empty: none.
    std::uint64_t changes{0};  ///< How often `id` has changed.
    int locking{0};            ///< Verbs that may have been granted a lock and not know it yet.

    void set_id(std::string now) {
        id = std::move(now);
        ++changes;
    }
};

/// Counts for as long as it lives, however the verb ends.
class process_lock::counted {
public:
    explicit counted(int& of) noexcept : of_(of) { ++of_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --of_; }

private:
    int& of_;
};

/// Tells a refusal by somebody else from one by another thread of the same owner, which has locked
/// or cleared meanwhile: then the verb is tried again. It ends: a try that is repeated means that
/// another verb of ours has got on, or may be getting on, which is waited for once.
class process_lock::turns {
public:
    explicit turns(const shared& mine) : mine_(mine) {}
    void begin() noexcept { before_ = mine_.changes; }
    /// @param ours  It was refused by a lock of ours.
    /// @return Whether to try again what was refused since `begin`.
    [[nodiscard]] bool again(bool ours = false) noexcept {
        if (++tries_ >= tries_max) return false;
        if (ours || mine_.changes != before_) return true;
        return mine_.locking > 0 && !std::exchange(waited_, true);
    }

private:
    static constexpr int tries_max = 100;
    const shared& mine_;
    std::uint64_t before_{0};
    int tries_{0};
    bool waited_{false};
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

task<bool> process_lock::lock_once(shared_ptr mine) {
    lock::engine& engine = mine->session->engine_here();
    if (const std::string id = mine->id; !id.empty()) {
        auto found = co_await engine.inspect(mine->name);
        if (!found) co_return found.error();
        if (*found) co_return (*found)->id == mine->id;
        if (mine->id == id) mine->set_id({});
    }
    const std::chrono::milliseconds no_time{0};
    auto plan = retrying(mine->timeout, 0, no_time, no_time);
    const counted under_way(mine->locking);
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
    mine->set_id(lease->id);
    co_return true;
}

task<bool> process_lock::lock_task(shared_ptr mine) {
    turns left(*mine);
    for (;;) {  // Ends with `left`.
        left.begin();
        auto owner = co_await lock_once(mine);
        if (!owner || *owner || !left.again()) co_return owner;
    }
}

task<bool> process_lock::update_task(shared_ptr mine) {
    turns left(*mine);
    while (!mine->id.empty()) {  // Ends with `left`.
        left.begin();
        const std::string id = mine->id;
        auto renewed = co_await renew_by_id(mine->session, mine->name, id, mine->timeout);
        if (!renewed || *renewed || !left.again()) co_return renewed;
    }
    co_return false;
}

task<std::optional<bool>> process_lock::clear_by_force(shared_ptr mine) {
    auto broken = co_await mine->session->engine_here().break_lock(mine->name);
    if (!broken) co_return broken.error();
    if (*broken) co_return std::optional<bool>(true);
    co_return std::optional<bool>();
}

task<std::optional<bool>> process_lock::clear_task(shared_ptr mine, bool force) {
    if (force) co_return co_await clear_by_force(mine);
    lock::engine& engine = mine->session->engine_here();
    turns left(*mine);
    for (;;) {  // Ends with `left`.
        if (const std::string id = mine->id; !id.empty()) {
            auto gone = co_await release_by_id(mine->session, mine->name, id);
            if (!gone) co_return gone.error();
            if (mine->id == id) mine->set_id({});
            if (*gone) co_return std::optional<bool>(true);
        }
        const std::string id = mine->id;
        left.begin();
        auto found = co_await engine.inspect(mine->name);
        if (!found) co_return found.error();
        if (!*found) co_return std::optional<bool>();
        const bool ours = !id.empty() && (*found)->id == id;
        if (!left.again(ours)) co_return std::optional<bool>(false);
    }
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
