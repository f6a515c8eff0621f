// SPDX-License-Identifier: BSL-1.0
#include "memory/memory_store.hpp"

#include <holdfast/memory.hpp>

#include "base/holder_record.hpp"
#include "base/store_url.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

failure stopped() { return {errc::cancelled, "the store was closed"}; }

std::shared_ptr<lock_table> shared_table(const std::string& name) {
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<lock_table>, std::less<>> tables;
    const std::scoped_lock lock(mutex);
    std::erase_if(tables, [](const auto& known) { return known.second.expired(); });
    auto table = tables[name].lock();
    if (!table) {
        table = std::make_shared<lock_table>();
        tables[name] = table;
    }
    return table;
}

result<store_factory> open(std::string_view text) {
    const auto url = base::parse_store_url(text);
    if (!url) return url.error();
    if (auto wrong = base::check_query(*url, {})) return *wrong;
    return store_factory([name = url->path, address = url->redacted()](
                             const store_environment& env) -> result<std::shared_ptr<store>> {
        auto table = name.empty() ? std::make_shared<lock_table>() : shared_table(name);
        return std::shared_ptr<store>(
            std::make_shared<memory_store>(env, std::move(table), address));
    });
}

}  // namespace

const lock_table::entry* lock_table::live(std::string_view name, time_point now) const {
    const auto found = held_.find(name);
    return found != held_.end() && now < found->second.expires ? &found->second : nullptr;
}

lock_info lock_table::describe(std::string_view name, const entry& held, time_point now) {
    auto record = base::read_holder_record(held.value);
    record.holder.remaining = std::chrono::ceil<milliseconds>(held.expires - now);
    return {.name = std::string(name),
            .id = std::move(record.id),
            .holder = std::move(record.holder),
            .fencing_token = held.fencing_token,
            .value = held.value};
}

result<grant> lock_table::acquire(const claim& wanted, attempt which, time_point now) {
    const std::scoped_lock lock(mutex_);
    const entry* const present = live(wanted.name, now);
    const bool ours = present && which == attempt::repeated && present->value == wanted.value;
    if (present && !ours) {
        failure busy(errc::contended, "somebody else holds it");
        busy.holder = describe(wanted.name, *present, now).holder;
        return busy;
    }
    sweep(now);
    const std::uint64_t token = wanted.fence ? next_token(now) : 0;
    entry& held = held_[wanted.name];
    if (!ours) held.expires = now + wanted.ttl;
    held.value = wanted.value;
    if (wanted.fence) held.fencing_token = token;
    return grant{.fencing_token = token, .taken_earlier = ours};
}

// The clock is a floor, so that tokens rise even over a table that was made anew.
std::uint64_t lock_table::next_token(time_point now) {
    const auto clock = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch());
    last_token_ = std::max(last_token_ + 1, static_cast<std::uint64_t>(clock.count()));
    return last_token_;
}

// What nobody released goes when the table has doubled since the last time.
void lock_table::sweep(time_point now) {
    if (held_.size() < sweep_at_) return;
    std::erase_if(held_, [now](const auto& row) { return now >= row.second.expires; });
    sweep_at_ = std::max<std::size_t>(64, 2 * held_.size());
}

result<lock_table::entries::iterator> lock_table::owned(std::string_view name,
                                                        std::string_view value, time_point now) {
    const entry* const present = live(name, now);
    if (!present) return failure(lost_reason::deleted, "nobody holds it");
    if (present->value != value) return failure(lost_reason::taken, "somebody else holds it");
    return held_.find(name);
}

result<void> lock_table::renew(const renewal& ask, time_point now) {
    const std::scoped_lock lock(mutex_);
    const auto place = owned(ask.name, ask.value, now);
    if (!place) return place.error();
    (*place)->second.expires = now + ask.ttl;
    return {};
}

result<void> lock_table::release(std::string_view name, std::string_view value, time_point now) {
    const std::scoped_lock lock(mutex_);
    const auto place = owned(name, value, now);
    if (!place) return place.error();
    held_.erase(*place);
    ring(name);
    return {};
}

std::optional<lock_info> lock_table::inspect(std::string_view name, time_point now) const {
    const std::scoped_lock lock(mutex_);
    const entry* const present = live(name, now);
    if (!present) return std::nullopt;
    return describe(name, *present, now);
}

std::vector<lock_info> lock_table::list(std::string_view prefix, time_point now) const {
    const std::scoped_lock lock(mutex_);
    std::vector<lock_info> found;
    for (auto place = held_.lower_bound(prefix);
         place != held_.end() && place->first.starts_with(prefix); ++place)
        if (now < place->second.expires)
            found.push_back(describe(place->first, place->second, now));
    return found;
}

std::optional<lock_info> lock_table::take_away(std::string_view name, time_point now) {
    const std::scoped_lock lock(mutex_);
    const entry* const present = live(name, now);
    if (!present) return std::nullopt;
    auto who = describe(name, *present, now);
    held_.erase(held_.find(name));
    ring(name);
    return who;
}

std::optional<time_point> lock_table::enter(const std::string& name, const waiter* who,
                                            time_point now) {
    const std::scoped_lock lock(mutex_);
    waiters_.emplace(name, who);
    const entry* const present = live(name, now);
    if (!present) return std::nullopt;
    return present->expires;
}

void lock_table::leave(const std::string& name, const waiter* who) {
    const std::scoped_lock lock(mutex_);
    const auto [first, last] = waiters_.equal_range(name);
    const auto place = std::find_if(first, last, [&](const auto& w) { return w.second == who; });
    if (place != last) waiters_.erase(place);
}

void lock_table::ring(std::string_view name) {
    const auto [first, last] = waiters_.equal_range(name);
    for (auto place = first; place != last; ++place) {
        auto wake = [bell = place->second->bell] {
            if (const auto alive = bell.lock()) alive->wake();
        };
        asio::post(place->second->executor, std::move(wake));
    }
}

memory_store::memory_store(const store_environment& environment, std::shared_ptr<lock_table> table,
                           std::string address)
    : env_(environment), table_(std::move(table)), address_(std::move(address)) {}

memory_store::~memory_store() = default;

asio::awaitable<result<grant>> memory_store::acquire(const claim& wanted, attempt which,
                                                     time_point) {
    if (stopped_) co_return stopped();
    co_return table_->acquire(wanted, which, now());
}

asio::awaitable<void> memory_store::renew(std::span<renewal> batch, time_point) {
    for (renewal& ask : batch) {
        if (stopped_)
            ask.outcome = stopped();
        else
            ask.outcome = table_->renew(ask, now());
    }
    co_return;
}

asio::awaitable<result<void>> memory_store::release(std::string_view name, std::string_view value,
                                                    time_point) {
    if (stopped_) co_return stopped();
    co_return table_->release(name, value, now());
}

asio::awaitable<result<std::optional<lock_info>>> memory_store::inspect(std::string_view name,
                                                                        time_point) {
    if (stopped_) co_return stopped();
    co_return table_->inspect(name, now());
}

asio::awaitable<result<std::vector<lock_info>>> memory_store::list(std::string_view prefix,
                                                                   time_point) {
    if (stopped_) co_return stopped();
    co_return table_->list(prefix, now());
}

asio::awaitable<result<std::optional<lock_info>>> memory_store::take_away(std::string_view name,
                                                                          time_point) {
    if (stopped_) co_return stopped();
    co_return table_->take_away(name, now());
}

asio::awaitable<void> memory_store::await_change(std::string_view name, time_point until) {
    if (stopped_) co_return;
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::string wanted(name);
    const auto bell = std::make_shared<alarm>(env_.time);
    const lock_table::waiter me{env_.executor, bell};
    const auto free_at = table_->enter(wanted, &me, now());
    waiting_.emplace(bell.get(), bell);
    if (free_at) static_cast<void>(co_await bell->wait_until(std::min(*free_at, until)));
    waiting_.erase(bell.get());
    table_->leave(wanted, &me);
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
