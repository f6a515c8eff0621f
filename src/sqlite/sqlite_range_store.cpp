// SPDX-License-Identifier: BSL-1.0
#include "sqlite/sqlite_range_store.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::sqlite {
namespace {

// Between two looks when releases cannot be heard of.
constexpr std::chrono::nanoseconds range_look_shortest = std::chrono::milliseconds{5};
constexpr std::chrono::nanoseconds range_look_longest = std::chrono::milliseconds{50};
// Between two looks for what was taken, of which nobody tells.
constexpr std::chrono::nanoseconds watch_shortest = std::chrono::milliseconds{100};
constexpr std::chrono::nanoseconds watch_longest = std::chrono::milliseconds{300};

}  // namespace

sqlite_range_store::sqlite_range_store(const store_environment& environment, std::string path,
                                       std::string address)
    : environment_(environment),
      performer_(environment, std::move(path), std::move(address)),
      answers_(std::make_shared<port::prompt_answers>(environment_.executor)) {}

std::unique_ptr<range_shortcut> sqlite_range_store::make_shortcut() {
    return std::make_unique<port::prompt_range_shortcut<sqlite_range_store>>(*this, answers_);
}

// Both try once, as `sqlite_store` does.
std::optional<range_grant> sqlite_range_store::hold_now(const range_claim& wanted) {
    holds_taken taken;
    auto action = [&](hold_table& table) { return table.hold_all(std::span(&wanted, 1), taken); };
    const bool done = performer_.perform_now(action);
    return done && !taken.why ? std::optional(taken.grants.front()) : std::nullopt;
}

bool sqlite_range_store::release_now(std::string_view key, std::string_view id,
                                     released_hold which) {
    result<void> outcome;
    auto action = [&](hold_table& table) { return table.release(key, id, which, outcome); };
    if (!performer_.perform_now(action) || !outcome) return false;
    tell_waiters();
    return true;
}

// In all processes. They look for themselves whether it was in their way.
void sqlite_range_store::tell_waiters() {
    performer_.file().waiters().touch();
    performer_.file().waiters().wake_all();
}

asio::awaitable<result<std::vector<range_grant>>> sqlite_range_store::hold_all(
    std::span<const range_claim> wanted, time_point deadline) {
    holds_taken taken;
    auto action = [&](hold_table& table) { return table.hold_all(wanted, taken); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    if (taken.why) co_return std::move(*taken.why);
    co_return std::move(taken.grants);
}

asio::awaitable<void> sqlite_range_store::renew(std::span<range_renewal> batch,
                                                time_point deadline) {
    bool freed = false;
    auto action = [&](hold_table& table) { return table.renew(batch, freed); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed)
        for (range_renewal& ask : batch) ask.outcome = *failed;
    else if (freed)
        tell_waiters();
}

asio::awaitable<result<void>> sqlite_range_store::release(std::string_view key, std::string_view id,
                                                          released_hold which,
                                                          time_point deadline) {
    result<void> outcome;
    auto action = [&](hold_table& table) { return table.release(key, id, which, outcome); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    if (outcome) tell_waiters();
    co_return outcome;
}

asio::awaitable<result<std::optional<range_hold>>> sqlite_range_store::get(std::string_view key,
                                                                           std::string_view id,
                                                                           time_point deadline) {
    std::optional<range_hold> found;
    auto action = [&](hold_table& table) { return table.get(key, id, found); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    co_return found;
}

asio::awaitable<result<range_hold>> sqlite_range_store::confirm(std::string_view key,
                                                                std::string_view id,
                                                                std::uint64_t fencing_token,
                                                                time_point deadline) {
    result<range_hold> told = failure{};
    auto action = [&](hold_table& table) { return table.confirm(key, id, fencing_token, told); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    co_return told;
}

asio::awaitable<result<range_hold>> sqlite_range_store::move(std::string_view key,
                                                             std::string_view id,
                                                             std::uint64_t fencing_token, range to,
                                                             time_point deadline) {
    result<range_hold> told = failure{};
    auto action = [&](hold_table& table) { return table.move(key, id, fencing_token, to, told); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    if (told) tell_waiters();
    co_return told;
}

asio::awaitable<result<range_page>> sqlite_range_store::list(std::string_view key, range window,
                                                             std::optional<range_cursor> after,
                                                             std::size_t limit,
                                                             time_point deadline) {
    range_page page;
    auto action = [&](hold_table& table) { return table.list(key, window, after, limit, page); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    co_return page;
}

asio::awaitable<result<void>> sqlite_range_store::set_capacity(std::string_view key,
                                                               std::uint32_t units,
                                                               time_point deadline) {
    auto action = [&](hold_table& table) { return table.set_capacity(key, units); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    tell_waiters();
    co_return result<void>{};
}

// The notify file is watched before the table is looked at, so a release in between is not missed.
asio::awaitable<void> sqlite_range_store::await_change(const range_claim& wanted,
                                                       range_change which, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    alarm change(environment_.time);
    const wake_file::place listed(performer_.file().waiters(), change, wanted.key);
    for (int looks = 0; !performer_.stopped(); ++looks) {  // Ends at `until` at the latest.
        const bool watched = performer_.file().waiters().watch();
        hold_outlook ahead;
        auto action = [&](hold_table& table) { return table.look(wanted, ahead); };
        const int code = performer_.file().perform(action);
        const time_point present = environment_.time.now();
        if (code != SQLITE_OK) {
            // Not on the bell: the attempt to open a file rings it. What is wrong the next attempt
            // at the range tells.
            const auto pause =
                jittered(environment_.random, range_look_shortest, range_look_longest, looks);
            const bool passed =
                co_await sleep_until(environment_.time, std::min(until, present + pause));
            if (!passed || !is_busy(code) || environment_.time.now() >= until) co_return;
            continue;
        }
        if (which == range_change::freed && ahead.free) co_return;
        time_point next = std::min(until, ahead.first_end);
        if (which == range_change::any)
            next = std::min(next, present + jittered(environment_.random, watch_shortest,
                                                     watch_longest, looks));
        else if (!watched)
            next = std::min(next, present + jittered(environment_.random, range_look_shortest,
                                                     range_look_longest, looks));
        const wake_reason why = co_await change.wait_until(next);
        if (why == wake_reason::cancelled || which == range_change::any) co_return;
        if (environment_.time.now() >= until) co_return;
    }
}

}  // namespace holdfast::sqlite
