// SPDX-License-Identifier: BSL-1.0
#include "memory/memory_range_store.hpp"

#include <holdfast/memory.hpp>

#include "base/store_url.hpp"
#include "memory/by_name.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::memory {

memory_range_store::memory_range_store(const store_environment& environment,
                                       std::shared_ptr<range_table> table, std::string address)
    : env_(environment),
      table_(std::move(table)),
      address_(std::move(address)),
      answers_(std::make_shared<port::prompt_answers>(env_.executor)) {}

failure memory_range_store::closed() { return {errc::cancelled, "the store was closed"}; }

std::unique_ptr<range_shortcut> memory_range_store::make_shortcut() {
    return std::make_unique<port::prompt_range_shortcut<memory_range_store>>(*this, answers_);
}

std::optional<range_grant> memory_range_store::hold_now(const range_claim& wanted) {
    if (stopped_) return std::nullopt;
    const auto given = table_->hold_all(std::span(&wanted, 1), now());
    return given ? std::optional(given->front()) : std::nullopt;
}

bool memory_range_store::release_now(std::string_view key, std::string_view id,
                                     released_hold which) {
    return !stopped_ && table_->release(key, id, which, now()).has_value();
}

asio::awaitable<result<std::vector<range_grant>>> memory_range_store::hold_all(
    std::span<const range_claim> wanted, time_point) {
    if (stopped_) co_return closed();
    co_return table_->hold_all(wanted, now());
}

asio::awaitable<void> memory_range_store::renew(std::span<range_renewal> batch, time_point) {
    for (range_renewal& ask : batch) {
        if (stopped_)
            ask.outcome = closed();
        else
            ask.outcome = table_->renew(ask, now());
    }
    co_return;
}

asio::awaitable<result<void>> memory_range_store::release(std::string_view key, std::string_view id,
                                                          released_hold which, time_point) {
    if (stopped_) co_return closed();
    co_return table_->release(key, id, which, now());
}

asio::awaitable<result<std::optional<range_hold>>> memory_range_store::get(std::string_view key,
                                                                           std::string_view id,
                                                                           time_point) {
    if (stopped_) co_return closed();
    co_return table_->get(key, id, now());
}

asio::awaitable<result<range_hold>> memory_range_store::confirm(std::string_view key,
                                                                std::string_view id,
                                                                std::uint64_t fencing_token,
                                                                time_point) {
    if (stopped_) co_return closed();
    co_return table_->confirm(key, id, fencing_token, now());
}

asio::awaitable<result<range_hold>> memory_range_store::move(std::string_view key,
                                                             std::string_view id,
                                                             std::uint64_t fencing_token, range to,
                                                             time_point) {
    if (stopped_) co_return closed();
    co_return table_->move(key, id, fencing_token, to, now());
}

asio::awaitable<result<range_page>> memory_range_store::list(std::string_view key, range window,
                                                             std::optional<range_cursor> after,
                                                             std::size_t limit, time_point) {
    if (stopped_) co_return closed();
    co_return table_->list(key, window, after, limit, now());
}

asio::awaitable<result<void>> memory_range_store::set_capacity(std::string_view key,
                                                               std::uint32_t units, time_point) {
    if (stopped_) co_return closed();
    table_->set_capacity(key, units);
    co_return result<void>{};
}

asio::awaitable<void> memory_range_store::await_change(const range_claim& wanted,
                                                       range_change which, time_point until) {
    if (stopped_) co_return;
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto bell = std::make_shared<alarm>(env_.time);
    const range_table::waiter me{env_.executor, bell, {wanted.start, wanted.end}, which};
    const auto look_at = table_->enter_waiters(wanted, &me, now());
    waiting_.emplace(bell.get(), bell);
    if (look_at) static_cast<void>(co_await bell->wait_until(std::min(*look_at, until)));
    waiting_.erase(bell.get());
    table_->leave_waiters(wanted.key, &me);
}

void memory_range_store::stop() {
    stopped_ = true;
    for (const auto& [address, bell] : waiting_)
        if (const auto alive = bell.lock()) alive->wake();
}

namespace {

result<range_store_factory> open_ranges(std::string_view text) {
    const auto url = base::parse_store_url(text);
    if (!url) return url.error();
    if (auto wrong = base::check_query(*url, {})) return *wrong;
    return range_store_factory(
        [name = url->path, address = url->redacted()](
            const store_environment& env) -> result<std::shared_ptr<range_store>> {
            return std::shared_ptr<range_store>(
                std::make_shared<memory_range_store>(env, table_of<range_table>(name), address));
        });
}

}  // namespace
}  // namespace holdfast::memory

namespace holdfast {

bool register_memory_range_store() { return register_range_scheme("memory", &memory::open_ranges); }

}  // namespace holdfast
