// SPDX-License-Identifier: BSL-1.0
#include "memory/memory_store.hpp"

#include <holdfast/memory.hpp>

#include "base/store_url.hpp"
#include "memory/by_name.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::memory {
namespace {

result<store_factory> open(std::string_view text) {
    const auto url = base::parse_store_url(text);
    if (!url) return url.error();
    if (auto wrong = base::check_query(*url, {})) return *wrong;
    return store_factory([name = url->path, address = url->redacted()](
                             const store_environment& env) -> result<std::shared_ptr<store>> {
        return std::shared_ptr<store>(
            std::make_shared<memory_store>(env, table_of<lock_table>(name), address));
    });
}

}  // namespace

memory_store::memory_store(const store_environment& environment, std::shared_ptr<lock_table> table,
                           std::string address)
    : env_(environment),
      table_(std::move(table)),
      address_(std::move(address)),
      answers_(std::make_shared<port::prompt_answers>(env_.executor)) {}

memory_store::~memory_store() = default;

failure memory_store::closed() { return {errc::cancelled, "the store was closed"}; }

std::unique_ptr<shortcut> memory_store::make_shortcut() {
    return std::make_unique<port::prompt_shortcut<memory_store>>(*this, answers_);
}

std::optional<grant> memory_store::take_now(const claim& wanted) {
    if (stopped_) return std::nullopt;
    const auto given = table_->acquire(wanted, attempt::first, now());
    return given ? std::optional(*given) : std::nullopt;
}

bool memory_store::release_now(std::string_view name, std::string_view value) {
    return !stopped_ && table_->release(name, value, now()).has_value();
}

asio::awaitable<result<grant>> memory_store::acquire(const claim& wanted, attempt which,
                                                     time_point) {
    if (stopped_) co_return closed();
    co_return table_->acquire(wanted, which, now());
}

asio::awaitable<result<std::vector<grant>>> memory_store::acquire_all(std::span<const claim> wanted,
                                                                      attempt which, time_point) {
    if (stopped_) co_return closed();
    co_return table_->acquire_all(wanted, which, now());
}

std::unique_ptr<seat> memory_store::take_seat(std::string_view name) {
    return std::make_unique<memory_seat>(*this, std::string(name));
}

asio::awaitable<void> memory_store::renew(std::span<renewal> batch, time_point) {
    for (renewal& ask : batch) {
        if (stopped_)
            ask.outcome = closed();
        else
            ask.outcome = table_->renew(ask, now());
    }
    co_return;
}

asio::awaitable<result<void>> memory_store::raise_token(std::string_view name,
                                                        std::string_view value,
                                                        std::uint64_t at_least, time_point) {
    if (stopped_) co_return closed();
    co_return table_->raise_token(name, value, at_least, now());
}

asio::awaitable<result<void>> memory_store::release(std::string_view name, std::string_view value,
                                                    time_point) {
    if (stopped_) co_return closed();
    co_return table_->release(name, value, now());
}

asio::awaitable<result<std::optional<lock_info>>> memory_store::inspect(std::string_view name,
                                                                        std::string_view id,
                                                                        time_point) {
    if (stopped_) co_return closed();
    co_return table_->inspect(name, now(), id);
}

asio::awaitable<result<std::vector<lock_info>>> memory_store::list(std::string_view prefix,
                                                                   time_point) {
    if (stopped_) co_return closed();
    co_return table_->list(prefix, now());
}

asio::awaitable<result<std::optional<lock_info>>> memory_store::take_away(std::string_view name,
                                                                          time_point) {
    if (stopped_) co_return closed();
    co_return table_->take_away(name, now());
}

asio::awaitable<void> memory_store::await_change(std::string_view name, time_point until) {
    if (stopped_) co_return;
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::string wanted(name);
    const auto bell = std::make_shared<alarm>(env_.time);
    const lock_table::waiter me{env_.executor, bell};
    const auto free_at = table_->enter_waiters(wanted, &me, now());
    waiting_.emplace(bell.get(), bell);
    if (free_at) static_cast<void>(co_await bell->wait_until(std::min(*free_at, until)));
    waiting_.erase(bell.get());
    table_->leave_waiters(wanted, &me);
}

asio::awaitable<result<diagnosis>> memory_store::diagnose(time_point) {
    if (stopped_) co_return closed();
    diagnosis found;
    found.findings.push_back({severity::note, "one-process", address_,
                              "only the threads of this process see its locks",
                              "for several processes: sqlite:PATH, or a server"});
    found.servers.push_back({.address = address_, .version = "memory", .id = {}});
    co_return found;
}

void memory_store::stop() {
    stopped_ = true;
    for (const auto& [address, bell] : waiting_)
        if (const auto alive = bell.lock()) alive->wake();
}

}  // namespace holdfast::memory

namespace holdfast {

bool register_memory_store() { return register_scheme("memory", &memory::open); }

}  // namespace holdfast
