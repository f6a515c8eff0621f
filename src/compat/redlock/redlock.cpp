// SPDX-License-Identifier: BSL-1.0
#include <holdfast/compat/redlock.hpp>
#include <holdfast/quorum.hpp>

#include "compat/session_use.hpp"

namespace holdfast::compat {
namespace {

using std::chrono::milliseconds;

std::string names_text(const std::vector<std::string>& resources) {
    std::string text;
    for (const std::string& resource : resources)
        text.append(text.empty() ? "" : ",") += shown(resource);
    return text;
}

failure given_up(failure why, const redlock_options& how,
                 const std::vector<std::string>& resources) {
    const bool tried_in_vain = why.code == errc::contended || why.code == errc::timed_out ||
                               why.code == errc::no_quorum || why.code == errc::unreachable;
    if (!tried_in_vain) return why;
    why.text = "Exceeded " + std::to_string(how.retry_count) + " attempts to lock the resource \"" +
               names_text(resources) + "\". (" + why.text + ")";
    return why;
}

session_ptr open_nodes(const std::vector<std::string>& urls, const redlock_options& how) {
    std::vector<store_factory> nodes;
    for (const std::string& url : urls)
        nodes.push_back(open_dialect(dialect::redlock, url).value());
    return open_session(quorum_of(std::move(nodes)),
                        {.timeout = how.timeout, .drift_factor = how.drift_factor});
}

failure check_options(const redlock_options& how) {
    const auto whole_day = std::chrono::hours(24);
    if (how.retry_count < -1)
        return {errc::misuse, "retry_count is -1 or more, not " + std::to_string(how.retry_count)};
    for (const auto& [name, length] :
         {std::pair("retry_delay", how.retry_delay), std::pair("retry_jitter", how.retry_jitter),
          std::pair("automatic_extension_threshold", how.automatic_extension_threshold)})
        if (length < milliseconds{0} || length > whole_day)
            return {errc::misuse, std::string(name) + " is from 0 to 24 h, not " +
                                      std::to_string(length.count()) + " ms"};
    return {errc::cancelled, {}};
}

// Releases what is ours of a lock, also if it was lost or given up before.
task<void> release_all(session_ptr where, lock::held_ptr held) {
    lock::engine& engine = where->engine_here();
    const bool given_up = !held->held() && held->why_lost() == lost_reason::none;
    // Of several resources, those that nobody took may still be ours.
    const bool known_gone =
        held->why_lost() == lost_reason::taken || held->why_lost() == lost_reason::deleted;
    auto gone = co_await engine.release(held);
    if (given_up || known_gone) {  // The servers are asked again: the last time may have failed.
        lease known{.name = held->name, .id = held->id};
        gone = co_await engine.release_known(std::move(known));
    }
    // There is nothing to release of a lock that has ended.
    if (!gone && gone.error().code == errc::lost) co_return result<void>{};
    co_return gone;
}

}  // namespace

/// What copies of a lock share.
struct redlock_lock::state {
    lock::held_ptr held;
    std::vector<std::string> resources;
};

const std::vector<std::string>& redlock_lock::resources() const noexcept {
    static const std::vector<std::string> none;
    return state_ ? state_->resources : none;
}

const std::string& redlock_lock::value() const noexcept {
    static const std::string none;
    return state_ ? state_->held->value : none;
}

time_point redlock_lock::expiration() const noexcept {
    return state_ && state_->held->held() ? state_->held->valid_until.load() : time_point{};
}

std::uint64_t redlock_lock::attempts() const noexcept {
    return state_ ? state_->held->attempts : 0;
}

result<void> redlock_lock::unlock() {
    if (!state_) return detail::nowhere_to_run(session_);
    return session_->run(unlock_task(*this));
}

result<redlock_lock> redlock_lock::extend(milliseconds ttl) {
    if (!state_) return detail::nowhere_to_run(session_);
    return session_->run(extend_task(*this, ttl));
}

asio::awaitable<result<void>> redlock_lock::unlock_task(redlock_lock which) {
    co_return co_await release_all(which.session_, which.state_->held);
}

asio::awaitable<result<redlock_lock>> redlock_lock::extend_task(redlock_lock which,
                                                                milliseconds ttl) {
    const lock::held_ptr held = which.state_->held;
    auto renewed = co_await which.session_->engine_here().renew(held, ttl);
    if (renewed) co_return which;
    failure why = renewed.error();
    why.text =
        "cannot extend the lock on \"" + names_text(which.state_->resources) + "\": " + why.text;
    co_return why;
}

// Looks by itself: whoever fires the token may be waiting for the thread that asks.
bool redlock_signal::aborted() const noexcept { return reason() != lost_reason::none; }

lost_reason redlock_signal::reason() const noexcept {
    if (!held_) return lost_reason::none;
    held_->lose_if_over(boot_clock::now());
    return held_->why_lost();
}

redlock::redlock(const std::vector<std::string>& urls, const options& how) : how_(how) {
    if (urls.empty())
        throw lock_error(failure{errc::misuse, "redlock needs at least one Redis server"});
    if (failure wrong = check_options(how); wrong.code == errc::misuse) throw lock_error(wrong);
    session_ = open_nodes(urls, how);
}

asio::awaitable<result<redlock_lock>> redlock::lock_task(session_ptr where, options how,
                                                         std::vector<std::string> resources,
                                                         milliseconds ttl) {
    auto name = join_names(resources);
    if (!name) co_return name.error();
    lock::acquire_plan plan = retrying(ttl, how.retry_count, how.retry_delay, how.retry_jitter);
    plan.retry->errors_end = false;  // Servers that do not answer are votes.
    auto held = co_await where->engine_here().acquire(std::move(*name), std::move(plan));
    if (!held) co_return given_up(held.error(), how, resources);
    redlock_lock mine;
    mine.session_ = std::move(where);
    mine.state_ = std::make_shared<redlock_lock::state>();
    mine.state_->held = std::move(*held);
    mine.state_->resources = std::move(resources);
    co_return mine;
}

result<redlock_lock> redlock::lock(const std::vector<std::string>& resources, milliseconds ttl) {
    return session_->run(lock_task(session_, how_, resources, ttl));
}

result<redlock_lock> redlock::lock(std::string_view resource, milliseconds ttl) {
    return lock(std::vector<std::string>{std::string(resource)}, ttl);
}

asio::awaitable<result<redlock_signal>> redlock::begin_task(session_ptr where, options how,
                                                            std::vector<std::string> resources,
                                                            milliseconds ttl) {
    const milliseconds ahead = how.automatic_extension_threshold;
    if (ttl < ahead + milliseconds(100))
        co_return failure{errc::misuse, "a ttl of " + std::to_string(ttl.count()) +
                                            " ms is less than 100 ms longer than the "
                                            "automatic_extension_threshold of " +
                                            std::to_string(ahead.count()) + " ms"};
    auto name = join_names(resources);
    if (!name) co_return name.error();
    lock::acquire_plan plan = retrying(ttl, how.retry_count, how.retry_delay, how.retry_jitter);
    plan.retry->errors_end = false;
    plan.options.auto_renew = true;
    plan.options.stop_margin.reset();
    plan.renew_ahead = ahead;
    auto held = co_await where->engine_here().acquire(std::move(*name), std::move(plan));
    if (!held) co_return given_up(held.error(), how, resources);
    signal begun;
    begun.token_ = (*held)->lost_signal();
    begun.held_ = std::move(*held);
    co_return begun;
}

// Whether it could be released or runs out by itself is not what the routine is about.
asio::awaitable<void> redlock::end_task(session_ptr where, signal begun) {
    static_cast<void>(co_await release_all(where, begun.held_));
}

result<redlock_signal> redlock::begin_using(const std::vector<std::string>& resources,
                                            milliseconds ttl) const {
    return session_->run(begin_task(session_, how_, resources, ttl));
}

result<void> redlock::kept(const signal& begun) {
    const lost_reason why = begun.reason();
    if (why == lost_reason::none) return {};
    return failure(
        why, "the lock could not be kept until the routine ended: " + std::string(to_string(why)));
}

void redlock::end_using(const signal& begun) const noexcept {
    try {
        static_cast<void>(session_->run(release_all(session_, begun.held_)));
    } catch (...) {
        session_->drop(begun.held_);
    }
}

}  // namespace holdfast::compat
