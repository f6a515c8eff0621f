// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/pool.hpp"

#include <holdfast/store_observer.hpp>

#include "core/backoff.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <new>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;

failure closed() { return {errc::cancelled, "the store was closed"}; }

}  // namespace

/// Leaves the line when the coroutine that waits in it ends, or is destroyed.
class pool::place_in_line {
public:
    place_in_line(pool& of, turn& mine) : of_(of), mine_(mine) { of_.line_up_.push_back(&mine_); }
    place_in_line(const place_in_line&) = delete;
    place_in_line& operator=(const place_in_line&) = delete;
    ~place_in_line() {
        std::erase(of_.line_up_, &mine_);
        if (!mine_.granted || used) return;
        --of_.lent_;
        of_.pass_turn_on();
    }
    bool used{false};

private:
    pool& of_;
    turn& mine_;
};

lent::~lent() {
    if (from_) from_->give_back(*this);
}

void lent::set_aside() noexcept {
    finished_ = true;
    if (aside_ || from_->aside_ >= from_->size_) return;
    aside_ = true;
    ++from_->aside_;
    --from_->lent_;
    from_->pass_turn_on();
}

pool::pool(const store_environment& environment, settings where, unsigned size)
    : env_(environment), where_(std::move(where)), size_(size) {}

asio::awaitable<result<lent>> pool::take(time_point deadline) {
    if (stopped_) co_return closed();
    if (deadline <= env_.time.now())
        co_return failure{errc::unreachable, where_.address + ": no time was left to ask"};
    if (lent_ < size_ && line_up_.empty()) {
        ++lent_;
    } else {
        auto granted = co_await wait_for_turn(deadline);
        if (!granted) co_return granted.error();
    }
    lent mine(shared_from_this());  // From here on the loan is given back by itself.
    while (!idle_.empty()) {
        mine.line_ = std::move(idle_.back());
        idle_.pop_back();
        if (mine.line_->silent()) {
            busy_.push_back(mine.line_.get());
            mine.opened_ = true;
            co_return std::move(mine);
        }
        mine.line_.reset();  // It hung up, or says that it is about to.
        tell_ended("the server has hung up");
    }
    if (env_.time.now() < back_off_until_) co_return last_failure_;
    auto connected = co_await connect(mine.line_, deadline);
    if (!connected) co_return connected.error();
    mine.opened_ = true;
    co_return std::move(mine);
}

asio::awaitable<result<void>> pool::wait_for_turn(time_point deadline) {
    turn mine{alarm(env_.time)};
    place_in_line place(*this, mine);
    const wake_reason why = co_await mine.bell.wait_until(deadline);
    if (stopped_) co_return closed();
    if (why == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
    if (!mine.granted)
        co_return failure{errc::unreachable,
                          where_.address + ": all connections were in use until the deadline"};
    place.used = true;
    co_return result<void>{};
}

asio::awaitable<result<void>> pool::connect(std::unique_ptr<connection>& into,
                                            time_point deadline) {
    into = std::make_unique<connection>(env_, where_);
    busy_.push_back(into.get());
    const time_point limit = std::min(deadline, env_.time.now() + where_.connect_timeout);
    auto opened = co_await into->open(limit);
    if (opened && !stopped_) {
        failures_ = 0;
        back_off_until_ = {};
        if (env_.observer) env_.observer->connected(where_.address);
        co_return opened;
    }
    if (stopped_) co_return closed();  // And the timeline may be gone.
    // A caller that had no time, or no interest, says nothing about the server.
    const time_point now = env_.time.now();
    if (opened.error().code == errc::cancelled || now >= deadline) co_return opened;
    ++failures_;
    last_failure_ = opened.error();
    back_off_until_ = now + core::backoff_pause(failures_, 10ms, 200ms, env_.random.jitter_bits());
    if (env_.observer)
        env_.observer->connect_failed(where_.address, last_failure_, back_off_until_ - now);
    co_return opened;
}

void pool::tell_ended(const char* why) noexcept {
    if (!env_.observer || stopped_) return;
    try {
        const failure ended(errc::unreachable, where_.address + ": " + why);
        env_.observer->disconnected(where_.address, ended);
    } catch (const std::bad_alloc&) {
        return;  // What it would have told of goes on without it.
    }
}

void pool::give_back(lent& mine) noexcept {
    std::unique_ptr<connection> line = std::move(mine.line_);
    std::erase(busy_, line.get());
    if (line && !stopped_ && !mine.finished_ && line->clean())
        idle_.push_back(std::move(line));
    else if (line && mine.opened_)
        tell_ended("a call on the connection did not end well");
    --(mine.aside_ ? aside_ : lent_);
    pass_turn_on();
}

void pool::pass_turn_on() noexcept {
    if (line_up_.empty() || lent_ >= size_) return;
    turn* const next = line_up_.front();
    line_up_.pop_front();
    ++lent_;
    next->granted = true;
    next->bell.wake();
}

void pool::stop() noexcept {
    stopped_ = true;
    idle_.clear();
    for (connection* line : busy_) line->abort();
    for (turn* waiting : line_up_) waiting->bell.wake();
}

}  // namespace holdfast::mysql
