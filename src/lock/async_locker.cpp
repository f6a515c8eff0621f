// SPDX-License-Identifier: BSL-1.0
#include <holdfast/async_locker.hpp>

#include "lock/observe.hpp"
#include "lock/session.hpp"

#include <utility>

namespace holdfast {
async_guard::async_guard(std::shared_ptr<lock::session> owner,
                         std::shared_ptr<lock::held_lease> state) noexcept
    : session_(std::move(owner)), state_(std::move(state)) {}

async_guard::async_guard(guard&& other) noexcept
    : session_(std::move(other.session_)), state_(std::move(other.state_)) {}

async_guard::async_guard(async_guard&& other) noexcept
    : session_(std::move(other.session_)), state_(std::move(other.state_)) {}

async_guard& async_guard::operator=(async_guard&& other) noexcept {
    if (this == &other) return *this;
    drop();
    session_ = std::move(other.session_);
    state_ = std::move(other.state_);
    return *this;
}

async_guard::~async_guard() { drop(); }

void async_guard::drop() noexcept {
    if (state_) session_->drop(state_);
    state_.reset();
    session_.reset();
}

const std::string& async_guard::name() const noexcept { return lock::name_of(state_); }
const std::string& async_guard::id() const noexcept { return lock::id_of(state_); }
std::uint64_t async_guard::fencing_token() const noexcept { return lock::token_of(state_); }
time_point async_guard::valid_until() const noexcept { return lock::valid_until_of(state_); }
std::chrono::milliseconds async_guard::remaining() const noexcept {
    return lock::remaining_of(session_, state_);
}
std::stop_token async_guard::lost() const noexcept { return lock::lost_of(session_, state_); }
lost_reason async_guard::why_lost() const noexcept { return lock::why_lost_of(session_, state_); }
bool async_guard::held() const noexcept { return remaining().count() > 0; }

asio::awaitable<result<void>> async_guard::renew(std::chrono::milliseconds ttl) {
    if (!state_) co_return lock::empty_guard();
    const auto session = session_;
    auto verb = [state = state_, ttl](lock::engine& engine) { return engine.renew(state, ttl); };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<void>> async_guard::release() { return lock::session::release_async(*this); }

result<lease> async_guard::hand_over() {
    if (!state_) return lock::empty_guard();
    const auto session = std::exchange(session_, nullptr);
    return lock::hand_over(session, std::exchange(state_, nullptr));
}

guard async_guard::to_blocking() && noexcept { return {std::move(session_), std::move(state_)}; }

async_locker::async_locker(const asio::any_io_executor& executor, std::string_view url,
                           const locker_options& options)
    : async_locker(executor, lock::factory_for(url).value(), options) {}

async_locker::async_locker(const asio::any_io_executor& executor, const store_factory& make,
                           const locker_options& options)
    : session_(lock::session::open_on(executor, make, options).value()) {}

async_locker::async_locker(async_locker&&) noexcept = default;
async_locker& async_locker::operator=(async_locker&&) noexcept = default;
async_locker::~async_locker() = default;

asio::awaitable<result<async_guard>> async_locker::acquire(std::string name) {
    return acquire(std::move(name), acquire_options());
}

asio::awaitable<result<async_guard>> async_locker::try_acquire(std::string name) {
    return try_acquire(std::move(name), acquire_options());
}

asio::awaitable<result<std::vector<async_guard>>> async_locker::acquire_all(
    std::vector<std::string> names) {
    return acquire_all(std::move(names), acquire_options());
}

asio::awaitable<result<async_guard>> async_locker::adopt(lease handed) {
    return adopt(std::move(handed), acquire_options());
}

asio::awaitable<result<async_guard>> async_locker::acquire(std::string name,
                                                           acquire_options options) {
    // The session lives on if the locker does not.
    return lock::session::acquire_async(session_, std::move(name), std::move(options));
}

asio::awaitable<result<async_guard>> async_locker::try_acquire(std::string name,
                                                               acquire_options options) {
    options.wait = std::chrono::milliseconds{0};
    return acquire(std::move(name), std::move(options));
}

asio::awaitable<result<std::vector<async_guard>>> async_locker::acquire_all(
    std::vector<std::string> names, acquire_options options) {
    const auto session = session_;
    auto verb = [names = std::move(names), options = std::move(options)](lock::engine& engine) {
        return engine.acquire_all(names, options);
    };
    auto held = co_await session->call_async(std::move(verb));
    if (!held) co_return held.error();
    std::vector<async_guard> guards;
    for (auto& one : *held) guards.push_back(async_guard(session, std::move(one)));
    co_return guards;
}

asio::awaitable<result<async_guard>> async_locker::adopt(lease handed, acquire_options options) {
    const auto session = session_;
    auto verb = [handed = std::move(handed), options = std::move(options)](lock::engine& engine) {
        return engine.adopt(handed, options);
    };
    auto held = co_await session->call_async(std::move(verb));
    if (!held) co_return held.error();
    co_return async_guard(session, std::move(*held));
}

asio::awaitable<result<std::chrono::milliseconds>> async_locker::renew(lease known) {
    const auto session = session_;
    auto verb = [known = std::move(known)](lock::engine& engine) {
        return engine.renew_known(known);
    };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<void>> async_locker::release(lease known) {
    const auto session = session_;
    auto verb = [known = std::move(known)](lock::engine& engine) {
        return engine.release_known(known);
    };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<std::optional<lock_info>>> async_locker::inspect(std::string name) {
    const auto session = session_;
    auto verb = [name = std::move(name)](lock::engine& engine) { return engine.inspect(name); };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<std::vector<lock_info>>> async_locker::list(std::string prefix) {
    const auto session = session_;
    auto verb = [prefix = std::move(prefix)](lock::engine& engine) { return engine.list(prefix); };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<std::optional<lock_info>>> async_locker::break_lock(std::string name) {
    const auto session = session_;
    auto verb = [name = std::move(name)](lock::engine& engine) { return engine.break_lock(name); };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<void>> async_locker::watch(std::string prefix,
                                                  std::function<void(const lock_change&)> tell) {
    const auto session = session_;
    auto verb = [prefix = std::move(prefix), tell = std::move(tell)](lock::engine& engine) {
        return engine.watch(prefix, tell);
    };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<diagnosis>> async_locker::diagnose() {
    const auto session = session_;
    auto verb = [](lock::engine& engine) { return engine.diagnose(); };
    co_return co_await session->call_async(std::move(verb));
}

lock_statistics async_locker::statistics() const { return session_->statistics(); }
const std::string& async_locker::address() const noexcept { return session_->address(); }
asio::any_io_executor async_locker::get_executor() const noexcept { return session_->executor(); }

}  // namespace holdfast
