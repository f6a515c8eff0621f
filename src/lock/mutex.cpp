// SPDX-License-Identifier: BSL-1.0
#include <holdfast/mutex.hpp>

#include "lock/option_rules.hpp"

#include <utility>

namespace holdfast {

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
    auto held = where_->acquire(name_, options);
    if (held) {
        keep(std::move(*held));
        return true;
    }
    const failure why = held.error();
    if (why.code == errc::contended || why.code == errc::timed_out) return false;
    throw lock_error(why);
}

void mutex::keep(guard held) {
    const std::scoped_lock lock(mutex_);
    // By thread: somebody who lost the lock and unlocks late must not release the next holder's.
    held_.insert_or_assign(std::this_thread::get_id(), std::move(held));
}

void mutex::unlock() noexcept {
    guard held;
    {
        const std::scoped_lock lock(mutex_);
        const auto place = held_.find(std::this_thread::get_id());
        if (place == held_.end()) return;
        held = std::move(place->second);
        held_.erase(place);
    }
    // The guard's destructor starts the release.
}

std::stop_token mutex::lost() const {
    const std::scoped_lock lock(mutex_);
    const auto place = held_.find(std::this_thread::get_id());
    return place == held_.end() ? guard().lost() : place->second.lost();
}

std::uint64_t mutex::fencing_token() const {
    const std::scoped_lock lock(mutex_);
    const auto place = held_.find(std::this_thread::get_id());
    return place == held_.end() ? 0 : place->second.fencing_token();
}

std::chrono::milliseconds mutex::remaining() const {
    const std::scoped_lock lock(mutex_);
    const auto place = held_.find(std::this_thread::get_id());
    return place == held_.end() ? std::chrono::milliseconds{0} : place->second.remaining();
}

}  // namespace holdfast
