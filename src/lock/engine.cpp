// SPDX-License-Identifier: BSL-1.0
#include "lock/engine.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace holdfast::lock {

asio::awaitable<void> engine::wind_down() {
    using namespace std::chrono_literals;
    // Guards that went away before are on their way here.
    co_await asio::post(parts_.executor, asio::use_awaitable);
    const auto patience = std::min<core::milliseconds>(parts_.options.timeout, 1s);
    const time_point until = now() + patience;
    while (background_ > 0 && now() < until) co_await idle_alarm_.wait_until(until);
    while (parts_.where->busy() && now() < until)
        co_await idle_alarm_.wait_until(std::min(now() + core::milliseconds(2), until));
    stopped_ = true;
    while (!watched_.empty()) unwatch(*watched_.begin());
    keeper_alarm_.wake();
    for (alarm* napping : naps_) napping->wake();
    parts_.where->stop();
}

bool engine::attend(std::mutex& lent) {
    using namespace std::chrono_literals;
    // Who holds a lock that is about to need something is not to be told of it late.
    const bool soon = !watched_.empty() && watched_.begin()->look_at < now() + 20ms;
    return !soon && parts_.where->attend(lent);
}

lock_statistics engine::statistics() const {
    lock_statistics all = counted_.read();
    all.nodes = parts_.watch->nodes();
    all.events_dropped = parts_.watch->dropped();
    all.events_refused = parts_.watch->refused();
    return all;
}

}  // namespace holdfast::lock
