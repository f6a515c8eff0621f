// SPDX-License-Identifier: BSL-1.0
#include <holdfast/locker.hpp>

#include "lock/session.hpp"
#include "lock/watch.hpp"

#include <utility>

namespace holdfast {
namespace {

std::shared_ptr<lock::session> open_or_throw(const store_factory& make,
                                             const locker_options& options) {
    return lock::session::open(make, options).value();
}

// A watch ends on the session's executor.
struct watch_end {
    watch_end(std::shared_ptr<lock::session> owner, std::shared_ptr<lock::lock_watch> what) noexcept
        : session(std::move(owner)), watch(std::move(what)) {}
    watch_end(const watch_end&) = delete;
    watch_end& operator=(const watch_end&) = delete;
    ~watch_end() {
        if (!session->at_home()) return;
        const auto ended =
            session->call([&](lock::engine& engine) { return engine.end_watch(std::move(watch)); });
        static_cast<void>(ended);
    }

    std::shared_ptr<lock::session> session;
    std::shared_ptr<lock::lock_watch> watch;
};

}  // namespace

locker::locker(std::string_view url, const locker_options& options)
    : session_(open_or_throw(lock::factory_for(url).value(), options)) {}

locker::locker(const store_factory& make, const locker_options& options)
    : session_(open_or_throw(make, options)) {}

locker::locker(std::shared_ptr<lock::session> opened) noexcept : session_(std::move(opened)) {}

result<locker> locker::open(std::string_view url, const locker_options& options) {
    const auto make = lock::factory_for(url);
    if (!make) return make.error();
    return open(*make, options);
}

result<locker> locker::open(const store_factory& make, const locker_options& options) {
    auto opened = lock::session::open(make, options);
    if (!opened) return opened.error();
    return locker(std::move(*opened));
}

locker::locker(locker&&) noexcept = default;
locker& locker::operator=(locker&&) noexcept = default;
locker::~locker() = default;

result<guard> locker::acquire(std::string_view name, const acquire_options& options) {
    auto held = session_->acquire(name, options);
    if (!held) return held.error();
    return guard(session_, std::move(*held));
}

result<guard> locker::try_acquire(std::string_view name, acquire_options options) {
    options.wait = std::chrono::milliseconds{0};
    return acquire(name, options);
}

result<std::vector<guard>> locker::acquire_all(const std::vector<std::string>& names,
                                               const acquire_options& options) {
    auto held =
        session_->call([&](lock::engine& engine) { return engine.acquire_all(names, options); });
    if (!held) return held.error();
    std::vector<guard> guards;
    for (auto& one : *held) guards.push_back(guard(session_, std::move(one)));
    return guards;
}

result<guard> locker::adopt(const lease& handed, const acquire_options& options) {
    auto held = session_->call([&](lock::engine& engine) { return engine.adopt(handed, options); });
    if (!held) return held.error();
    return guard(session_, std::move(*held));
}

result<std::chrono::milliseconds> locker::renew(const lease& known) {
    return session_->call([&](lock::engine& engine) { return engine.renew_known(known); });
}

result<void> locker::release(const lease& known) {
    return session_->call([&](lock::engine& engine) { return engine.release_known(known); });
}

result<std::optional<lock_info>> locker::inspect(std::string_view name) {
    return session_->call([&](lock::engine& engine) { return engine.inspect(std::string(name)); });
}

result<std::vector<lock_info>> locker::list(std::string_view prefix) {
    return session_->call([&](lock::engine& engine) { return engine.list(std::string(prefix)); });
}

result<std::optional<lock_info>> locker::break_lock(std::string_view name) {
    return session_->call(
        [&](lock::engine& engine) { return engine.break_lock(std::string(name)); });
}

result<void> locker::watch(std::string_view prefix,
                           const std::function<void(const lock_change&)>& tell,
                           std::stop_token stop) {
    auto started = session_->call(
        [&](lock::engine& engine) { return engine.start_watch(std::string(prefix)); });
    if (!started) return started.error();
    // The last that knows of it: it goes where it belongs, with the engine's turn.
    const watch_end last{session_, std::move(*started)};
    for (;;) {  // Ends with `stop`.
        const auto news = session_->call(
            [&](lock::engine& engine) { return engine.next_changes(last.watch, stop); });
        if (!news && news.error().code == errc::cancelled && stop.stop_requested()) return {};
        if (!news) return news.error();
        for (const lock_change& one : *news) tell(one);
    }
}

result<diagnosis> locker::diagnose() {
    return session_->call([](lock::engine& engine) { return engine.diagnose(); });
}

lock_statistics locker::statistics() const { return session_->statistics(); }

const std::string& locker::address() const noexcept { return session_->address(); }

}  // namespace holdfast
