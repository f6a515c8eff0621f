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
    : dialect_store(environment, std::move(mutexes), mutex_profile()),
      desk_(std::make_shared<desk>(environment, std::move(table))),
      address_(dialect_store::address() + " " + desk_->table.address()) {}

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
    dialect_store::stop();
    desk_->stopped = true;
    desk_->bell.wake();
    desk_->table.stop();
}

}  // namespace holdfast::compat
