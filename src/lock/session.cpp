// SPDX-License-Identifier: BSL-1.0
#include "lock/session.hpp"

#include "lock/option_rules.hpp"
#include "port/system_entropy.hpp"
#include "port/system_timeline.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <unistd.h>

#include <array>

namespace holdfast::lock {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

// A strand on the bare executor fits into an `any_io_executor`; one on a wrapped one is allocated
// anew at each use.
asio::any_io_executor strand_on(const asio::any_io_executor& executor) {
    if (const auto* bare = executor.target<asio::io_context::executor_type>())
        return asio::make_strand(*bare);
    return asio::make_strand(executor);
}

}  // namespace

// The last owner may be a callback on the session's own thread, which cannot wait for itself.
std::shared_ptr<session> session::make_shared_session() {
    return {new session, [](session* last) {
                const bool inside =
                    last->driver_ && last->at_home() && last->driver_->on_own_thread();
                if (inside)
                    std::thread([last] { delete last; }).detach();
                else
                    delete last;
            }};
}

result<std::shared_ptr<session>> session::open(const store_factory& make,
                                               const locker_options& options) {
    if (auto wrong = check_locker(options)) return *wrong;
    auto opened = make_shared_session();
    opened->driver_ = std::make_unique<driver>();
    if (auto started = opened->start(opened->driver_->executor(), make, options); !started)
        return started.error();
    return opened;
}

result<std::shared_ptr<session>> session::open_on(const asio::any_io_executor& executor,
                                                  const store_factory& make,
                                                  const locker_options& options) {
    if (auto wrong = check_locker(options)) return *wrong;
    auto opened = make_shared_session();
    auto started = opened->start(strand_on(executor), make, options);
    if (!started) return started.error();
    return opened;
}

result<void> session::start(const asio::any_io_executor& executor, const store_factory& make,
                            const locker_options& options) {
    if (!make) return failure{errc::misuse, "the store_factory is empty"};
    executor_ = executor;
    engine_parts parts{.executor = executor,
                       .time = std::make_shared<system_timeline>(executor),
                       .random = std::make_shared<system_entropy>(),
                       .watch = nullptr,
                       .where = nullptr,
                       .options = options,
                       .host = host_name(),
                       .pid = ::getpid(),
                       .signal = [](std::stop_source lost) { lost.request_stop(); }};
    if (driver_) parts.signal = [this](std::stop_source lost) { driver_->signal(std::move(lost)); };
    monitor_ = std::make_shared<monitor>(*parts.time, options, delivery());
    parts.watch = monitor_;
    parts.options.on_event = nullptr;  // The monitor has it; copies would keep what it refers to.
    const store_environment environment{.executor = executor,
                                        .time = *parts.time,
                                        .random = *parts.random,
                                        .options = parts.options,
                                        .observer = monitor_.get()};
    auto made = make(environment);
    if (!made) return made.error();
    parts.where = std::move(*made);
    engine_ = std::make_shared<engine>(std::move(parts));
    if (driver_)
        driver_->attend_with([this](std::mutex& turn) { return engine_ && engine_->attend(turn); });
    address_ = engine_->address();
    return {};
}

// Where users' code may run: see `locker_options::on_event`.
std::function<void(monitor::work)> session::delivery() {
    if (driver_)
        return
            [this](monitor::work work) { asio::post(driver_->user_executor(), std::move(work)); };
    return [executor = executor_](monitor::work work) { asio::post(executor, std::move(work)); };
}

session::~session() {
    if (!at_home()) {
        // The threads are not here, and the descriptors are the parent's: leave all as it is.
        static_cast<void>(driver_.release());
        static_cast<void>(new std::shared_ptr<engine>(std::move(engine_)));
        static_cast<void>(new asio::any_io_executor(std::move(executor_)));
        return;
    }
    if (!engine_) return;
    auto wind_down = [](std::shared_ptr<engine> last) -> asio::awaitable<bool> {
        co_await last->wind_down();
        co_return true;
    };
    if (driver_)
        driver_->run(wind_down(engine_));
    else
        asio::co_spawn(executor_, wind_down(engine_), asio::detached);
    if (driver_) monitor_->close();  // What was told so far is still delivered.
    engine_.reset();
}

result<held_ptr> session::acquire(std::string_view name, const acquire_options& options) {
    if (!at_home()) return foreign();
    if (!driver_) return run(engine_->acquire(std::string(name), options));
    return driver_->run_told<held_ptr>(
        [&](receiver<held_ptr>& to) { engine_->start_acquire(name, options, to); });
}

result<held_ptr> session::acquire(std::string_view name, const acquire_plan& plan) {
    if (!at_home()) return foreign();
    if (!driver_) return run(engine_->acquire(std::string(name), plan));
    return driver_->run_told<held_ptr>(
        [&](receiver<held_ptr>& to) { engine_->start_acquire(name, plan, to); });
}

result<void> session::release(const held_ptr& held) {
    if (!at_home()) return foreign();
    if (!driver_) return run(engine_->release(held));
    return driver_->run_told<void>([&](receiver<void>& to) { engine_->start_release(held, to); });
}

asio::any_io_executor session::user_executor() {
    return driver_ && at_home() ? driver_->user_executor() : executor_;
}

void session::post(std::function<void()> work) {
    if (driver_)
        driver_->post(std::move(work));
    else
        asio::post(executor_, std::move(work));
}

void session::let_go(const held_ptr& held) {
    post([owner = engine_, held] { owner->let_go(held); });
}

void session::drop(const held_ptr& held) noexcept {
    if (!at_home()) return;
    try {
        post([owner = engine_, held] { owner->drop(held); });
    } catch (...) {
        // Out of memory: the lease ends by its ttl.
        held->give_up();
    }
}

lock_statistics session::statistics() const {
    return at_home() ? engine_->statistics() : lock_statistics{};
}

failure session::foreign() {
    return {errc::misuse,
            "this locker was made by another process: make one of your own after fork()"};
}

}  // namespace holdfast::lock
