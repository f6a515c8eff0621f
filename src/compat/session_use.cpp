// SPDX-License-Identifier: BSL-1.0
#include "compat/session_use.hpp"

#include "base/name.hpp"

#include <algorithm>

namespace holdfast::compat {

namespace detail {

asio::any_io_executor work_executor(const session_ptr& owner) {
    return owner && owner->at_home() ? owner->executor() : asio::any_io_executor();
}

asio::any_io_executor callback_executor(const session_ptr& owner) { return owner->user_executor(); }

failure nowhere_to_run(const session_ptr& owner) {
    if (owner) return lock::session::foreign();
    return {errc::misuse, "there is no lock here: nothing was locked with it"};
}

}  // namespace detail

session_ptr open_session(const store_factory& make, const locker_options& options) {
    return lock::session::open(make, options).value();
}

task<bool> release_by_id(session_ptr where, std::string name, std::string id) {
    lease known{.name = std::move(name), .id = std::move(id)};
    auto gone = co_await where->engine_here().release_known(std::move(known));
    if (gone) co_return true;
    if (gone.error().code == errc::lost) co_return false;
    co_return gone.error();
}

task<bool> renew_by_id(session_ptr where, std::string name, std::string id,
                       std::chrono::milliseconds ttl) {
    lease known{.name = std::move(name), .id = std::move(id), .ttl = ttl};
    auto left = co_await where->engine_here().renew_known(std::move(known));
    if (left) co_return true;
    if (left.error().code == errc::lost) co_return false;
    co_return left.error();
}

std::string shown(std::string key) {
    std::replace_if(key.begin(), key.end(), base::is_control, '?');
    return key;
}

lock::acquire_plan retrying(std::chrono::milliseconds ttl, std::int64_t retries,
                            std::chrono::milliseconds delay, std::chrono::milliseconds jitter) {
    acquire_options options;
    options.ttl = ttl;
    options.wait = retries == 0 ? std::chrono::milliseconds{0} : forever;
    options.auto_renew = false;
    options.stop_margin = std::chrono::milliseconds{0};
    options.fence = false;
    lock::acquire_plan plan(std::move(options));
    plan.retry =
        core::retry_rule{.attempts_max = retries < 0 ? 0 : static_cast<std::uint64_t>(retries) + 1,
                         .delay = delay,
                         .jitter = jitter,
                         .errors_end = true};  // The originals tell at once what is wrong.
    return plan;
}

}  // namespace holdfast::compat
