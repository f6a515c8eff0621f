// SPDX-License-Identifier: BSL-1.0
//
// What it is: the two servers of a range lock as one store of the engine's: the mutex in Redis,
// and, with the same life, the table in the database and the coroutine that tidies it.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/store.hpp>

#include "mysql/seed_table.hpp"
#include "redis/dialect_store.hpp"

#include <memory>
#include <string>

namespace holdfast::compat {

/// See the top of the file.
class range_place final : public redis::dialect_store {
public:
    range_place(const store_environment& environment, redis::settings mutexes,
                mysql::settings table);

    /// @return The table, made ready: the first caller makes what is missing there.
    [[nodiscard]] asio::awaitable<result<mysql::seed_table*>> ready_table(time_point deadline);
    [[nodiscard]] time_point deadline() const noexcept;

    void stop() override;
    const std::string& address() const noexcept override { return address_; }

private:
    struct desk;  // What the tidying coroutine shares with us.
    static asio::awaitable<void> tidy(std::shared_ptr<desk> shared);

    std::shared_ptr<desk> desk_;
    std::string address_;
};

}  // namespace holdfast::compat
