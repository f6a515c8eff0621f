// SPDX-License-Identifier: BSL-1.0
#include "compat/range_lock/place.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace holdfast::compat {
namespace {

/// How often rows that have run out are removed.
constexpr std::chrono::seconds tidy_interval{30};

/// A key of 255 characters, each of four bytes, and what stands around it.
constexpr std::size_t mutex_name_max = 2'048;

redis::profile mutex_profile() {
    auto how = redis::profile_of(dialect::warlock, [](std::string_view key) {
        return "range-lock::" + std::string(key) + ":lock";
    });
    how.name_limit = mutex_name_max;
    return how;
}

}  // namespace

struct range_place::desk {
    desk(const store_environment& environment, mysql::settings where)
        : env(environment), table(environment, std::move(where)), bell(environment.time) {}

    store_environment env;
    mysql::seed_table table;
    alarm bell;
    bool made{false};
    bool tidying{false};
    bool stopped{false};
};

range_place::range_place(const store_environment& environment, redis::settings mutexes,
                         mysql::settings table)
    : mutexes_(environment, std::move(mutexes), mutex_profile()),
      desk_(std::make_shared<desk>(environment, std::move(table))),
      address_(mutexes_.address() + " " + desk_->table.address()) {}

time_point range_place::deadline() const noexcept {
    return desk_->env.time.now() + desk_->env.options.timeout;
}

asio::awaitable<result<mysql::seed_table*>> range_place::ready_table(time_point until) {
    const std::shared_ptr<desk> shared = desk_;
    if (!shared->made) {
        auto made = co_await shared->table.create(until);
        if (!made) co_return made.error();
        shared->made = true;
    }
    if (!shared->tidying && !shared->stopped) {
        shared->tidying = true;
        asio::co_spawn(shared->env.executor, tidy(shared), asio::detached);
    }
    co_return &shared->table;
}

// Until the store is stopped. How it went is nobody's business: what has run out counts for nothing
// whether its row is still there or not.
asio::awaitable<void> range_place::tidy(std::shared_ptr<desk> shared) {
    while (!shared->stopped) {
        co_await shared->bell.wait_until(shared->env.time.now() + tidy_interval);
        if (shared->stopped) co_return;
        const time_point until = shared->env.time.now() + shared->env.options.timeout;
        static_cast<void>(co_await shared->table.tidy(until));
    }
}

void range_place::stop() {
    mutexes_.stop();
    desk_->stopped = true;
    desk_->bell.wake();
    desk_->table.stop();
}

identity range_place::draw_identity(entropy& random, const claimant& who) const {
    return mutexes_.draw_identity(random, who);
}
std::optional<std::string> range_place::value_of(std::string_view id) const {
    return mutexes_.value_of(id);
}
asio::awaitable<result<grant>> range_place::acquire(const claim& wanted, attempt which,
                                                    time_point until) {
    return mutexes_.acquire(wanted, which, until);
}
asio::awaitable<void> range_place::renew(std::span<renewal> batch, time_point until) {
    return mutexes_.renew(batch, until);
}
asio::awaitable<result<void>> range_place::release(std::string_view name, std::string_view value,
                                                   time_point until) {
    return mutexes_.release(name, value, until);
}
asio::awaitable<result<std::optional<lock_info>>> range_place::inspect(std::string_view name,
                                                                       time_point until) {
    return mutexes_.inspect(name, until);
}
asio::awaitable<result<std::vector<lock_info>>> range_place::list(std::string_view prefix,
                                                                  time_point until) {
    return mutexes_.list(prefix, until);
}
asio::awaitable<result<std::optional<lock_info>>> range_place::take_away(std::string_view name,
                                                                         time_point until) {
    return mutexes_.take_away(name, until);
}
asio::awaitable<void> range_place::await_change(std::string_view name, time_point until) {
    return mutexes_.await_change(name, until);
}

}  // namespace holdfast::compat
