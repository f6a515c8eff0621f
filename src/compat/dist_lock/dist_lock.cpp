// SPDX-License-Identifier: BSL-1.0
#include <holdfast/compat/dist_lock.hpp>

#include "compat/session_use.hpp"
#include "lock/option_rules.hpp"

namespace holdfast::compat {

using std::chrono::milliseconds;

dist_lock::dist_lock(std::string_view url, options how) : how_(std::move(how)) {
    if (const auto wrong = holdfast::lock::check_ttl(how_.ttl)) throw lock_error(*wrong);
    if (how_.max_retries < -1)
        throw lock_error(failure{
            errc::misuse, "max_retries is -1 or more, not " + std::to_string(how_.max_retries)});
    if (how_.retry_delay < milliseconds{0} || how_.retry_delay > wait_max)
        throw lock_error(failure{errc::misuse, "retry_delay is from 0 to 24 h, not " +
                                                   std::to_string(how_.retry_delay.count()) +
                                                   " ms"});
    const auto which = how_.wire == dist_lock_wire::one ? dialect::dist_lock_1 : dialect::dist_lock;
    const auto key_of = [prefix = how_.key_prefix](std::string_view name) {
        return prefix + std::string(name);
    };
    session_ = open_session(open_dialect(which, url, key_of).value(), {.timeout = how_.timeout});
}

task<bool> dist_lock_lock::release_task(session_ptr where, std::string name, std::string id) {
    return release_by_id(std::move(where), std::move(name), std::move(id));
}

task<bool> dist_lock_lock::extend_task(session_ptr where, std::string name, std::string id,
                                       milliseconds length) {
    return renew_by_id(std::move(where), std::move(name), std::move(id), length);
}

result<bool> dist_lock_lock::release() {
    if (!session_) return detail::nowhere_to_run(session_);
    return session_->run(release_task(session_, name_, id_));
}

result<bool> dist_lock_lock::extend(milliseconds length) {
    if (!session_) return detail::nowhere_to_run(session_);
    return session_->run(extend_task(session_, name_, id_, length));
}

task<std::optional<dist_lock_lock>> dist_lock::acquire_task(session_ptr where, options how,
                                                            std::string name, std::string owner) {
    auto plan = retrying(how.ttl, how.max_retries, how.retry_delay, milliseconds{0});
    plan.options.owner = owner;
    auto held = co_await where->engine_here().acquire(name, std::move(plan));
    if (!held) {
        const errc code = held.error().code;
        if (code == errc::timed_out || code == errc::contended) co_return std::nullopt;
        co_return held.error();
    }
    // It is known by its id from now on: any process may release it.
    const auto lease = holdfast::lock::engine::hand_over(*held);
    if (!lease) co_return lease.error();
    dist_lock_lock mine;
    mine.session_ = std::move(where);
    mine.key_ = how.key_prefix + name;
    mine.name_ = std::move(name);
    mine.id_ = lease->id;
    if (how.wire == dist_lock_wire::two) mine.owner_ = std::move(owner);
    mine.attempts_ = (*held)->attempts;
    mine.delay_ = std::chrono::duration_cast<milliseconds>((*held)->waited);
    co_return mine;
}

task<std::optional<dist_lock_lock>> dist_lock::get_task(session_ptr where, options how,
                                                        std::string name) {
    auto found = co_await where->engine_here().inspect(name);
    if (!found) co_return found.error();
    // A hash without an id is nobody's lock, though it stands in the way of one.
    if (!*found || (*found)->id.empty()) co_return std::nullopt;
    dist_lock_lock theirs;
    theirs.session_ = std::move(where);
    theirs.key_ = how.key_prefix + name;
    theirs.name_ = std::move(name);
    theirs.id_ = (*found)->id;
    theirs.owner_ = (*found)->holder.owner;
    co_return theirs;
}

result<std::optional<dist_lock_lock>> dist_lock::acquire(std::string_view name,
                                                         std::string_view owner) {
    return session_->run(acquire_task(session_, how_, std::string(name), std::string(owner)));
}

result<std::optional<dist_lock_lock>> dist_lock::get_acquired_lock(std::string_view name) {
    return session_->run(get_task(session_, how_, std::string(name)));
}

result<bool> dist_lock::release_lock(std::string_view name, std::string_view id) {
    return session_->run(lock::release_task(session_, std::string(name), std::string(id)));
}

result<bool> dist_lock::extend_lock(std::string_view name, std::string_view id,
                                    milliseconds length) {
    return session_->run(lock::extend_task(session_, std::string(name), std::string(id), length));
}

}  // namespace holdfast::compat
