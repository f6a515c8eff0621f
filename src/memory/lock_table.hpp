// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reference for every store: the port's contract as plain code over maps, at an
// instant that the caller names. The other stores, and the simulation's server, are compared with
// it.
// Thread safety: safe from any thread. What it tells waiters is told under its mutex, so who is
// told only posts.
// Invariants: a name's line is looked at whenever the name may have become free by a verb; what
// becomes free by an expiry is noticed by the next verb on that name.
#pragma once

#include <holdfast/store.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::memory {

/// Locks by name, and who waits for them.
class lock_table {
public:
    /// As the verbs of `store`, at the instant `now`.
    [[nodiscard]] result<grant> acquire(const claim& wanted, attempt which, time_point now);
    [[nodiscard]] result<std::vector<grant>> acquire_all(std::span<const claim> wanted,
                                                         attempt which, time_point now);
    [[nodiscard]] result<void> renew(const renewal& ask, time_point now);
    [[nodiscard]] result<void> raise_token(std::string_view name, std::string_view value,
                                           std::uint64_t at_least, time_point now);
    [[nodiscard]] result<void> release(std::string_view name, std::string_view value,
                                       time_point now);
    [[nodiscard]] std::optional<lock_info> inspect(std::string_view name, time_point now,
                                                   std::string_view id = {}) const;
    [[nodiscard]] std::vector<lock_info> list(std::string_view prefix, time_point now) const;
    [[nodiscard]] std::optional<lock_info> take_away(std::string_view name, time_point now);

    /// Tells a seat that the lock was handed to it.
    using notice = std::function<void(const grant&)>;
    /// As the verbs of `seat`, for the seat known as `place`.
    [[nodiscard]] result<grant> ask(std::string_view place, const claim& wanted,
                                    const line_terms& terms, const notice& tell, time_point now);
    [[nodiscard]] result<std::optional<grant>> pass_on(std::string_view place,
                                                       std::string_view held, const claim& wanted,
                                                       const line_terms& terms, const notice& tell,
                                                       time_point now);
    [[nodiscard]] result<void> leave(std::string_view name, std::string_view place,
                                     std::string_view value, time_point now);

    /// @return How many places in lines have not run out.
    [[nodiscard]] std::size_t waiting(time_point now) const;

    /// One who waits for a change, on an executor of its own.
    struct waiter {
        asio::any_io_executor executor;
        std::weak_ptr<alarm> bell;
    };
    /// Registers a waiter until `leave_waiters`. @return When the next lease on the name ends, or
    /// nothing if nobody holds it.
    [[nodiscard]] std::optional<time_point> enter_waiters(const std::string& name,
                                                          const waiter* who, time_point now);
    void leave_waiters(const std::string& name, const waiter* who);

private:
    struct holding {
        std::string value;
        time_point expires{};
        std::uint64_t fencing_token{0};
    };
    struct entry {
        lock_mode mode{lock_mode::exclusive};
        bool counted{false};
        std::vector<holding> holders;  // One, unless shared or counted.
    };
    struct stander {
        std::string place;
        claim wanted;
        time_point until{};    // When the place runs out, and what is handed over to it.
        time_point arrived{};  // By this they are sorted.
        std::uint32_t tokens{1};
        std::uint32_t beat{0};
        notice tell;
    };
    using entries = std::map<std::string, entry, std::less<>>;

    entry* live(std::string_view name, time_point now);
    [[nodiscard]] const entry* look(std::string_view name) const;
    [[nodiscard]] result<holding*> owned(std::string_view name, std::string_view value,
                                         time_point now);
    [[nodiscard]] static bool fits(const claim& wanted, const entry* present);
    [[nodiscard]] bool writer_waits(std::string_view name, time_point now) const;
    [[nodiscard]] failure busy(std::string_view name, const entry& present, time_point now) const;
    [[nodiscard]] lock_info describe(std::string_view name, const entry& present,
                                     const holding& one, time_point now) const;
    grant give(const claim& wanted, time_point expires, std::uint32_t tokens, time_point now);
    grant take_again(const claim& wanted, holding& ours, time_point now);
    void remove(std::string_view name, const holding& one);
    void stand(std::string_view place, const claim& wanted, const line_terms& terms,
               const notice& tell, time_point now);
    void step_out(std::string_view name, std::string_view place);
    std::optional<grant> hand_over(std::string_view name, std::string_view self, time_point now);
    void freed(std::string_view name, time_point now);
    void sweep(time_point now);
    std::uint64_t draw_tokens(std::uint32_t count, time_point now);

    mutable std::mutex mutex_;
    entries held_;                 // Guarded by mutex_, as all below.
    std::uint64_t last_token_{0};  // One counter for all names rises for each of them.
    std::size_t sweep_at_{64};
    std::map<std::string, std::vector<stander>, std::less<>> lines_;
    std::multimap<std::string, const waiter*, std::less<>> waiters_;
};

}  // namespace holdfast::memory
