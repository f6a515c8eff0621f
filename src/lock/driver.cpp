// SPDX-License-Identifier: BSL-1.0
#include "lock/driver.hpp"

#include <chrono>

namespace holdfast::lock {
namespace {

/// How long callers may be away before the background thread drives the context. Long enough that
/// a caller in a loop never meets it; short against the margins of the shortest leases.
constexpr std::chrono::milliseconds absence{2};

}  // namespace

driver::driver() : background_([this] { lead_in_background(); }) {}

driver::~driver() {
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
        background_turn_.notify_one();
    }
    asio::post(context_, [] {});  // Ends the background thread's wait for events.
    background_.join();
    work_.reset();
    context_.poll();
    signals_.finish();  // What users were promised to be told is still told.
    users_.finish();
}

bool driver::on_own_thread() const noexcept {
    return std::this_thread::get_id() == background_.get_id() || users_.is_this() ||
           signals_.is_this();
}

void driver::drive(waiter& me) {
    std::unique_lock lock(mutex_);
    ++activity_;
    if (led_) {
        followers_.push_back(&me);
        // The background thread looks for followers after each thing that it does; our work, just
        // posted, is such a thing.
        me.turn.wait(lock, [&] { return me.done || me.promoted; });
        if (me.done) {
            if (me.promoted) pass_on_lead();
            std::erase(followers_, &me);
            return;
        }
    }
    led_ = true;
    me.leading = true;
    const bool done = me.done;
    lock.unlock();
    if (!done) lead(me);
    lock.lock();
    pass_on_lead();
}

void driver::lead(waiter& me) {
    while (!me.done) context_.run_one();
}

// Runs on the leader's thread.
void driver::finish(waiter& me) {
    if (me.leading) {
        me.done = true;
        return;
    }
    const std::scoped_lock lock(mutex_);
    me.done = true;
    me.turn.notify_one();
}

// With mutex_ held, by the one who led or was promoted to lead.
void driver::pass_on_lead() {
    led_ = false;
    for (waiter* next : followers_) {
        if (next->done) continue;
        led_ = true;
        next->promoted = true;
        std::erase(followers_, next);
        next->turn.notify_one();
        return;
    }
    if (asleep_) background_turn_.notify_one();
}

void driver::post(std::function<void()> work) {
    asio::post(context_, std::move(work));
    if (context_.get_executor().running_in_this_thread()) return;
    std::unique_lock lock(mutex_);
    ++activity_;
    if (led_) return;  // Whoever leads is woken by the post itself.
    led_ = true;
    lock.unlock();
    context_.poll();
    lock.lock();
    pass_on_lead();
}

void driver::lead_in_background() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
        const std::uint64_t before = activity_;
        background_turn_.wait_for(lock, absence, [&] { return closing_; });
        if (closing_) break;
        if (led_ && activity_ == before) {
            // One long call: until it ends there is nothing to look for.
            asleep_ = true;
            background_turn_.wait(lock, [&] { return closing_ || !led_; });
            asleep_ = false;
            continue;
        }
        if (led_ || activity_ != before) continue;
        led_ = true;
        while (!closing_ && followers_.empty()) {
            lock.unlock();
            context_.run_one();
            lock.lock();
        }
        pass_on_lead();
    }
}

void driver::signal(std::stop_source source) {
    asio::post(signals_.executor(),
               [source = std::move(source)]() mutable { source.request_stop(); });
}

asio::any_io_executor lazy_thread::executor() {
    const std::scoped_lock lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { context_.run(); });
    return context_.get_executor();
}

void lazy_thread::finish() {
    work_.reset();
    if (thread_.joinable()) thread_.join();
}

}  // namespace holdfast::lock
