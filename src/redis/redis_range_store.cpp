// SPDX-License-Identifier: BSL-1.0
//
// What changes holds.
#include "redis/redis_range_store.hpp"

#include "redis/keys.hpp"
#include "redis/range_record.hpp"
#include "redis/redis_range_shortcut.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace holdfast::redis {
namespace {

/// So much has run out where a script looked that it did nothing but put it away.
constexpr std::int64_t untidy = -3;

texts keys_of(std::span<const range_claim> wanted) {
    texts keys;
    for (const range_claim& one : wanted) keys.push_back(range_key(one.key));
    return keys;
}

texts arguments_of(std::span<const range_claim> wanted) {
    texts arguments;
    arguments.reserve(8 * wanted.size());
    for (const range_claim& one : wanted) {
        arguments.push_back(write_bound(one.start));
        arguments.push_back(write_bound(one.end));
        arguments.push_back(class_of({one.start, one.end}));
        arguments.push_back(write_id(one.id));
        arguments.push_back(std::to_string(one.units));
        arguments.push_back(std::to_string(one.capacity));
        arguments.push_back(std::to_string(one.ttl.count()));
        arguments.push_back(write_labels(one.owner, one.data));
    }
    return arguments;
}

/// Two claims of one key cannot be one hold.
const range_claim* repeated_id(std::span<const range_claim> wanted) {
    if (wanted.size() < 2) return nullptr;
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const range_claim& one : wanted)
        if (!seen.emplace(one.key, one.id).second) return &one;
    return nullptr;
}

std::int64_t verdict_of(const resp::reply& answer) noexcept {
    const bool told = answer.is(resp::kind::array) && !answer.items.empty() &&
                      answer.items[0].is(resp::kind::integer);
    return told ? answer.items[0].integer : 0;
}

}  // namespace

bool is_untidy(const resp::reply& answer) noexcept { return verdict_of(answer) == untidy; }

redis_range_store::redis_range_store(const store_environment& environment, settings where)
    : env_(environment),
      client_(std::make_shared<client>(environment, std::move(where))),
      notices_(std::make_shared<notices>(environment, client_, hex_id(env_.random))) {}

void redis_range_store::stop() {
    client_->stop();
    notices_->stop();
}

asio::awaitable<result<std::vector<range_grant>>> redis_range_store::hold_all(
    std::span<const range_claim> wanted, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (const range_claim* const twice = repeated_id(wanted)) {
        failure why{errc::misuse, address() + ": two claims of one key have the same id"};
        why.name = twice->key;
        co_return why;
    }
    for (;;) {  // Ends at the deadline at the latest; each time there is less to put away.
        texts keys = keys_of(wanted);
        texts arguments = arguments_of(wanted);
        auto answer = co_await call_script(client_, scripts().range_hold, std::move(keys),
                                           std::move(arguments), deadline);
        if (!answer) {
            failure why = answer.error();
            co_return co_await refusal(wanted[0].key, std::move(why), deadline);
        }
        if (!is_untidy(*answer)) co_return granted(wanted, *answer);
    }
}

result<std::vector<range_grant>> redis_range_store::granted(std::span<const range_claim> wanted,
                                                            const resp::reply& answer) const {
    const auto& told = answer.items;
    const std::int64_t verdict = verdict_of(answer);
    if (verdict == 1 && told.size() == 1 + wanted.size()) {
        std::vector<range_grant> all;
        for (std::size_t i = 1; i < told.size(); ++i)
            all.push_back({.fencing_token = static_cast<std::uint64_t>(told[i].integer)});
        return all;
    }
    const std::uint64_t place =
        told.size() < 2 ? wanted.size() : static_cast<std::uint64_t>(told[1].integer) - 1;
    if (place >= wanted.size()) return nonsense(*client_);
    const range_claim& which = wanted[place];
    if (verdict == 0) {
        failure why = contended(which.key, std::span(told).subspan(2));
        why.index = place;
        return why;
    }
    failure why{errc::misuse, address() + ": its id is another hold of the key"};
    why.name = which.key;
    why.index = place;
    if (verdict == -4) why.text = address() + ": the hold with this id is confirmed already";
    if (verdict == -1 && told.size() == 3)
        why.text = address() + ": " + std::to_string(which.units) +
                   " units are wanted, where there is room for " + std::to_string(told[2].integer);
    return why;
}

failure redis_range_store::contended(std::string_view key,
                                     std::span<const resp::reply> holds) const {
    failure why{errc::contended, address() + ": others hold what is wanted"};
    why.name = key;
    auto blockers = read_holds(key, holds, false);
    if (!blockers) return nonsense(*client_);
    why.blockers = std::move(*blockers);
    return why;
}

asio::awaitable<void> redis_range_store::renew(std::span<range_renewal> batch_of_holds,
                                               time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::vector<range_renewal*> open;
    for (range_renewal& ask : batch_of_holds) open.push_back(&ask);
    for (const bool by_hash : {true, false}) {
        if (open.empty()) co_return;
        batch commands;
        for (const range_renewal* ask : open)
            add_call(commands, scripts().range_renew, client_->facts().version_major, by_hash,
                     {range_key(ask->key)},
                     {write_id(ask->id), std::to_string(ask->ttl.count()),
                      write_token(ask->fencing_token)});
        auto answers = co_await client_->exchange(std::move(commands), deadline);
        std::vector<range_renewal*> unknown;
        for (std::size_t i = 0; i < open.size(); ++i) {
            if (!answers)
                open[i]->outcome = answers.error();
            else if (by_hash && unknown_script((*answers)[i]))
                unknown.push_back(open[i]);
            else if ((*answers)[i].is(resp::kind::error))
                open[i]->outcome = refused(*client_, (*answers)[i]);
            else if ((*answers)[i].integer == 1)
                open[i]->outcome = result<void>{};
            else if ((*answers)[i].integer == -2)
                open[i]->outcome = another_hold();
            else
                open[i]->outcome = gone();
        }
        open = std::move(unknown);
    }
}

asio::awaitable<result<void>> redis_range_store::release(std::string_view key, std::string_view id,
                                                         released_hold which, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts arguments{write_id(id), which.permanent ? "any" : "passing",
                    write_token(which.fencing_token)};
    auto answer = co_await call(scripts().range_release, key, std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    co_return told_of_release(*answer);
}

result<void> redis_range_store::told_of_release(const resp::reply& answer) const {
    if (is_plain_release(answer)) return {};
    if (answer.is(resp::kind::integer) && answer.integer == -2)
        return failure(lost_reason::taken, address() + ": the hold is confirmed, and stays");
    if (answer.is(resp::kind::integer) && answer.integer == -3) return another_hold();
    return gone();
}

asio::awaitable<result<range_hold>> redis_range_store::confirm(std::string_view key,
                                                               std::string_view id,
                                                               std::uint64_t fencing_token,
                                                               time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts arguments{write_id(id), write_token(fencing_token)};
    auto answer = co_await call(scripts().range_confirm, key, std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    if (answer->is(resp::kind::nil)) co_return gone();
    if (answer->is(resp::kind::integer)) co_return another_hold();
    if (answer->items.size() != 2) co_return nonsense(*client_);
    auto told = read_record(answer->items[0].text, answer->items[1].integer);
    if (!told) co_return nonsense(*client_);
    told->key = key;
    told->id = id;
    co_return std::move(*told);
}

asio::awaitable<result<range_hold>> redis_range_store::move(std::string_view key,
                                                            std::string_view id,
                                                            std::uint64_t fencing_token, range to,
                                                            time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts arguments{write_id(id), write_bound(to.start), write_bound(to.end), class_of(to),
                    write_token(fencing_token)};
    auto answer =
        co_await call_until_tidy(scripts().range_move, key, std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    const auto& items = answer->items;
    const std::int64_t verdict = verdict_of(*answer);
    if (verdict == -1) co_return gone();
    if (verdict == -4) co_return another_hold();
    if (verdict == -2 && items.size() == 3)
        co_return failure(errc::misuse, address() + ": " + std::to_string(items[1].integer) +
                                            " units do not fit into a capacity of " +
                                            std::to_string(items[2].integer));
    if (verdict == 0 && items.size() > 1) co_return contended(key, std::span(items).subspan(1));
    auto told = verdict == 1 && items.size() == 3 ? read_record(items[1].text, items[2].integer)
                                                  : std::nullopt;
    if (!told) co_return nonsense(*client_);
    told->key = key;
    told->id = id;
    co_return std::move(*told);
}

asio::awaitable<result<void>> redis_range_store::set_capacity(std::string_view key,
                                                              std::uint32_t units,
                                                              time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts arguments{std::to_string(units)};
    auto answer = co_await call(scripts().range_capacity, key, std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    co_return result<void>{};
}

asio::awaitable<result<resp::reply>> redis_range_store::call(const script& what,
                                                             std::string_view key, texts arguments,
                                                             time_point deadline) {
    texts keys{range_key(key)};
    auto answer =
        co_await call_script(client_, what, std::move(keys), std::move(arguments), deadline);
    if (answer) co_return answer;
    failure why = answer.error();
    co_return co_await refusal(key, std::move(why), deadline);
}

// Says of which type the key is, if that is what is wrong.
asio::awaitable<failure> redis_range_store::refusal(std::string_view key, failure why,
                                                    time_point deadline) {
    if (why.code == errc::wrong_type) co_return co_await wrong_type_of(key, deadline);
    co_return why;
}

// For scripts that may find that there is much to be put away first, which those that only read
// leave to another one.
asio::awaitable<result<resp::reply>> redis_range_store::call_until_tidy(const script& what,
                                                                        std::string_view key,
                                                                        texts arguments,
                                                                        time_point deadline) {
    for (;;) {  // Ends at the deadline at the latest; each time there is less to put away.
        texts copy = arguments;
        auto answer = co_await call(what, key, std::move(copy), deadline);
        if (!answer || !is_untidy(*answer)) co_return answer;
        if (&what == &scripts().range_move) continue;
        texts none;
        const auto swept = co_await call(scripts().range_sweep, key, std::move(none), deadline);
        if (!swept) co_return swept.error();
    }
}

failure redis_range_store::another_hold() const {
    return {lost_reason::taken, address() + ": its id is another hold by now"};
}

failure redis_range_store::gone() const {
    return {lost_reason::deleted, address() + ": no such hold, or it has run out"};
}

result<range_store_factory> open_redis_ranges(std::string_view url) {
    auto where = read_settings(url);
    if (!where) return where.error();
    if (where->longest_ttl.count() > 0)
        return failure{errc::misuse,
                       where->address +
                           ": durability=strict is not for ranges: a quarantine ends, and the "
                           "confirmed holds that a server may have forgotten do not"};
    return range_store_factory([where = std::move(*where)](const store_environment& env)
                                   -> result<std::shared_ptr<range_store>> {
        return std::shared_ptr<range_store>(std::make_shared<redis_range_store>(env, where));
    });
}

}  // namespace holdfast::redis
