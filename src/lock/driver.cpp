// SPDX-License-Identifier: BSL-1.0
#include "lock/driver.hpp"

#include <holdfast/clock.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace holdfast::lock {
namespace {

/// How long callers may be away before the background thread drives the context. Long enough that
/// a caller in a loop never meets it; short against the margins of the shortest leases.
constexpr std::chrono::milliseconds absence{2};

/// How often a busy leader looks after what does not concern its store's replies.
constexpr std::chrono::milliseconds turn_distance{1};

}  // namespace

// std::atomic's own wait yields several times before it sleeps, which costs more than the sleep
// when more threads want to run than there are cores.
driver::news driver::waiter::wait_for_news() noexcept {
    for (;;) {  // Ends with the leader's word, or with its leaving.
        const news heard = told.load(std::memory_order_acquire);
        if (heard != news::none) return heard;
        ::syscall(SYS_futex, &told, FUTEX_WAIT_PRIVATE, news::none, nullptr, nullptr, 0);
    }
}

// Once it is stored the waiter may go away; the kernel only compares the address.
void driver::waiter::tell(news what) noexcept {
    std::atomic<news>* const address = &told;
    told.store(what, std::memory_order_release);
    ::syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void driver::queue::push(waiter& last) noexcept {
    last.next = nullptr;
    (first_ ? last_->next : first_) = &last;
    last_ = &last;
}

driver::waiter* driver::queue::pop() noexcept {
    waiter* const first = first_;
    if (first) first_ = first->next;
    return first;
}

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
    if (led_) follow(me);
    const bool leads = !std::exchange(led_, true);
    arrivals_.push(me);
    arrived_ = true;
    lock.unlock();
    if (!leads) {
        borrow_turn(me);
        if (me.wait_for_news() == news::answered) return;
    }
    lead(me);
    lock.lock();
    pass_on_lead();
}

void driver::lead(waiter& me) {
    const std::scoped_lock turn(turn_);
    leader_ = &me;
    start_arrivals();
    tell_answered();
    while (!me.finished) lead_one_turn();
    leader_ = nullptr;
}

// Starts what has come, by whoever brought it, if the leader only waits for replies: what it sends
// is with the server, or ready to go, before they are there. If not, the leader does it.
void driver::borrow_turn(const waiter& me) {
    while (arrived_ && me.told.load() == news::none) {
        const std::unique_lock turn(turn_, std::try_to_lock);
        if (!turn || !start_if_nothing_is_posted()) break;
        tell_answered();
    }
    if (!arrived_) return;
    {
        const std::scoped_lock lock(mutex_);
        if (arrivals_.empty() || std::exchange(start_posted_, true)) return;
    }
    // One post for all that come before it is done: it interrupts a leader that waits for events,
    // which is dear. The background thread, if it leads, sees its followers then.
    asio::post(context_, [this] { posted_start(); });
}

// With the turn, but not as the leader, who alone drives the context: its reader
// takes what the leader waits for.
bool driver::start_if_nothing_is_posted() {
    queue starting;
    {
        const std::scoped_lock lock(mutex_);
        if (posted_ > 0) return false;
        starting = take_arrivals();
    }
    start(starting);
    return true;
}

// With the turn.
void driver::lead_one_turn() {
    if (!poll_if_due()) {
        start_arrivals();
        tell_answered();
        if (leader_->finished) return;
        // Who borrows the turn meanwhile may bring about what the leader wants itself.
        if (!(attend_ && attend_(turn_)) && !leader_->finished) context_.run_one();
        start_arrivals();
    }
    tell_answered();
}

// With the turn. @return Whether there was something to do, or may have been.
bool driver::poll_if_due() {
    const auto now = boot_clock::now();
    const bool due = posted_ > 0 || now - last_turn_ >= turn_distance;
    // Coroutines begin and end on the context, and must not wait for the replies to others there.
    const bool wanted = spawned_ > 0 && under_way_ > 1;
    if (!due && !wanted) return false;
    last_turn_ = now;
    return context_.poll() > 0 || due;
}

// With mutex_ held.
void driver::follow(waiter& me) {
    me.place = followers_.size();
    followers_.push_back(&me);
}

// With mutex_ held.
void driver::unfollow(waiter& me) {
    waiter* const last = followers_.back();
    followers_[*me.place] = last;
    last->place = me.place;
    followers_.pop_back();
    me.place.reset();
}

// On the context.
void driver::posted_start() {
    {
        const std::scoped_lock lock(mutex_);
        start_posted_ = false;
    }
    start_arrivals();
}

// By the leader. What those who came have posted before goes first, such as the release of what
// they want.
void driver::start_arrivals() {
    if (!arrived_) return;
    queue starting;
    {
        const std::scoped_lock lock(mutex_);
        starting = take_arrivals();
    }
    if (posted_ > 0) context_.poll();
    start(starting);
}

// With mutex_ held.
driver::queue driver::take_arrivals() {
    arrived_ = false;
    return std::exchange(arrivals_, {});
}

// With the turn.
void driver::start(queue starting) {
    while (waiter* const next = starting.pop()) {
        ++under_way_;
        try {
            next->start(*this);
        } catch (...) {
            next->thrown = std::current_exception();
            finish(*next);
        }
    }
}

// With the turn.
void driver::needs_turns(waiter& coroutine) noexcept {
    if (!std::exchange(coroutine.spawned, true)) ++spawned_;
}

// With the turn.
void driver::finish(waiter& done) {
    done.finished = true;
    --under_way_;
    if (done.spawned) --spawned_;
    answered_.push(done);
}

// With the turn, after each turn of the context.
void driver::tell_answered() {
    if (answered_.empty()) return;
    queue telling;
    {
        const std::scoped_lock lock(mutex_);
        while (waiter* const done = answered_.pop()) {
            if (!done->place) continue;  // It leads, or is about to, and sees that it is finished.
            unfollow(*done);
            telling.push(*done);
        }
    }
    while (waiter* const next = telling.pop()) next->tell(news::answered);  // And may be gone.
}

// With mutex_ held, by the one who led or was promoted to lead.
void driver::pass_on_lead() {
    led_ = !followers_.empty();
    if (led_) {
        waiter& next = *followers_.back();
        unfollow(next);
        next.tell(news::promoted);
    } else if (asleep_) {
        background_turn_.notify_one();
    }
}

void driver::post(std::function<void()> work) {
    auto counted = [this, what = std::move(work)] {
        --posted_;
        what();
    };
    ++posted_;
    try {
        asio::post(context_, std::move(counted));
    } catch (...) {
        --posted_;
        throw;
    }
    if (context_.get_executor().running_in_this_thread()) return;
    std::unique_lock lock(mutex_);
    ++activity_;
    if (led_) return;  // Whoever leads is woken by the post itself.
    led_ = true;
    lock.unlock();
    {
        const std::scoped_lock turn(turn_);
        context_.poll();
        tell_answered();
    }
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
            {
                const std::scoped_lock turn(turn_);
                context_.run_one();
                tell_answered();
            }
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
