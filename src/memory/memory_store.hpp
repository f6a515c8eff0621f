// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reference store: the port's contract as plain code over a map. The other stores,
// and the simulation's server, are compared with it.
// Thread safety: a store belongs to its executor; the table may be shared by stores of several.
#pragma once

#include <holdfast/store.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace holdfast::memory {

/// Locks by name, and who waits for them.
class lock_table {
public:
    /// As the verbs of `store`, at the instant `now`.
    [[nodiscard]] result<grant> acquire(const claim& wanted, attempt which, time_point now);
    [[nodiscard]] result<void> renew(const renewal& ask, time_point now);
    [[nodiscard]] result<void> release(std::string_view name, std::string_view value,
                                       time_point now);
    [[nodiscard]] std::optional<lock_info> inspect(std::string_view name, time_point now) const;
    [[nodiscard]] std::vector<lock_info> list(std::string_view prefix, time_point now) const;
    [[nodiscard]] std::optional<lock_info> take_away(std::string_view name, time_point now);

    /// One who waits for a change, on an executor of its own.
    struct waiter {
        asio::any_io_executor executor;
        std::weak_ptr<alarm> bell;
    };
    /// Registers a waiter until `leave`. @return When the present holder's lease ends, or nothing
    /// if nobody holds it.
    [[nodiscard]] std::optional<time_point> enter(const std::string& name, const waiter* who,
                                                  time_point now);
    void leave(const std::string& name, const waiter* who);

private:
    struct entry {
        std::string value;
        time_point expires{};
        std::uint64_t fencing_token{0};
    };
    using entries = std::map<std::string, entry, std::less<>>;

    [[nodiscard]] const entry* live(std::string_view name, time_point now) const;
    [[nodiscard]] result<entries::iterator> owned(std::string_view name, std::string_view value,
                                                  time_point now);
    [[nodiscard]] static lock_info describe(std::string_view name, const entry& held,
                                            time_point now);
    void ring(std::string_view name);
    void sweep(time_point now);
    std::uint64_t next_token(time_point now);

    mutable std::mutex mutex_;
    entries held_;                 // Guarded by mutex_, as all below.
    std::uint64_t last_token_{0};  // One counter for all names rises for each of them.
    std::size_t sweep_at_{64};
    std::multimap<std::string, const waiter*, std::less<>> waiters_;
};

/// A store over a table.
class memory_store final : public store {
public:
    memory_store(const store_environment& environment, std::shared_ptr<lock_table> table,
                 std::string address);
    ~memory_store() override;

    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    asio::awaitable<void> renew(std::span<renewal> batch, time_point deadline) override;
    asio::awaitable<result<void>> release(std::string_view name, std::string_view value,
                                          time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> inspect(std::string_view name,
                                                              time_point deadline) override;
    asio::awaitable<result<std::vector<lock_info>>> list(std::string_view prefix,
                                                         time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> take_away(std::string_view name,
                                                                time_point deadline) override;
    asio::awaitable<void> await_change(std::string_view name, time_point until) override;
    void stop() override;
    const std::string& address() const noexcept override { return address_; }

private:
    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }

    store_environment env_;
    std::shared_ptr<lock_table> table_;
    std::string address_;
    std::map<const alarm*, std::weak_ptr<alarm>> waiting_;
    bool stopped_{false};
};

}  // namespace holdfast::memory
