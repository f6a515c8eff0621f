// SPDX-License-Identifier: BSL-1.0
#include <holdfast/mutex.hpp>

#include "lock/option_rules.hpp"
#include "lock/session.hpp"

#include <iterator>
#include <utility>

namespace holdfast {
namespace {

/// What this thread holds, and how often in a row it was refused one while it held another.
struct thread_state {
    unsigned held{0};
    unsigned in_vain{0};
    bool refused{false};  ///< Since it held nothing.
};
thread_local thread_state here;

}  // namespace

mutex::mutex(locker& where, std::string name, acquire_options options)
    : where_(&where), name_(std::move(name)), options_(std::move(options)) {
    options_.wait = std::chrono::milliseconds{0};
    options_.stop = {};
    if (auto wrong = lock::check_acquire(name_, options_)) throw lock_error(*wrong);
}

mutex::~mutex() = default;

void mutex::lock() { lock_as(options_.mode); }

bool mutex::try_lock() { return lock_within(options_.mode, std::chrono::milliseconds{0}); }

void mutex::lock_as(lock_mode mode) {
    if (!lock_within(mode, forever)) throw lock_error(failure{errc::timed_out});
}

bool mutex::lock_within(lock_mode mode, std::chrono::milliseconds limit) {
    acquire_options options = options_;
    options.mode = mode;
    options.wait = limit;
    const bool tries = limit.count() == 0;
    // std::lock waits for one, tries the others, and gives all back if it was in vain. A lock that
    // is handed from one to the next is never free, so several who do that could be in each
    // other's way for long: who has been in vain lets others go first for a while.
    if (!tries && here.held == 0 && here.in_vain > 0)
        static_cast<void>(where_->session_->call(
            [times = here.in_vain](lock::engine& engine) { return engine.give_way(times); }));
    auto held = where_->acquire(name_, options);
    if (held) {
        keep(std::move(*held));
        if (tries) here.in_vain = 0;
        return true;
    }
    const failure why = held.error();
    if (tries && here.held > 0) {
        ++here.in_vain;
        here.refused = true;
    }
    if (why.code == errc::contended || why.code == errc::timed_out) return false;
    throw lock_error(why);
}

void mutex::keep(guard held) {
    ++here.held;
    const std::scoped_lock lock(mutex_);
    // By thread: somebody who lost the lock and unlocks late must not release the next holder's.
    held_.emplace(std::this_thread::get_id(), std::move(held));
}

// With mutex_ held. @return The end, if it holds nothing.
mutex::holding mutex::last_of_this_thread() const {
    const auto [first, behind] = held_.equal_range(std::this_thread::get_id());
    return first == behind ? held_.end() : std::prev(behind);
}

void mutex::unlock() noexcept {
    guard held;
    {
        const std::scoped_lock lock(mutex_);
        const auto [first, behind] = held_.equal_range(std::this_thread::get_id());
        if (first == behind) return;
        const auto place = std::prev(behind);
        held = std::move(place->second);
        held_.erase(place);
    }
    if (here.held > 0) --here.held;
    if (here.held == 0) {
        if (!here.refused) here.in_vain = 0;
        here.refused = false;
    }
    // The guard's destructor starts the release.
}

std::stop_token mutex::lost() const {
    const std::scoped_lock lock(mutex_);
    const auto place = last_of_this_thread();
    return place == held_.end() ? guard().lost() : place->second.lost();
}

std::uint64_t mutex::fencing_token() const {
    const std::scoped_lock lock(mutex_);
    const auto place = last_of_this_thread();
    return place == held_.end() ? 0 : place->second.fencing_token();
}

std::chrono::milliseconds mutex::remaining() const {
    const std::scoped_lock lock(mutex_);
    const auto place = last_of_this_thread();
    return place == held_.end() ? std::chrono::milliseconds{0} : place->second.remaining();
}

}  // namespace holdfast
