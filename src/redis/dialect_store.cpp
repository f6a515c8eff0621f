// SPDX-License-Identifier: BSL-1.0
#include "redis/dialect_store.hpp"

#include "core/fence_rule.hpp"
#include "redis/client/server_error.hpp"
#include "redis/health_check.hpp"
#include "redis/lock_reply.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <charconv>

namespace holdfast::redis {
namespace {

using std::chrono::milliseconds;

/// Between the id and the owner in the value of a lock that is a hash. No cuid holds it.
constexpr char owner_mark = '|';

// Where the mark comes first, an id that holds one itself stands behind it: see `value_of`.
std::string_view id_in(std::string_view value) {
    return value.starts_with(owner_mark) ? value.substr(1)
                                         : value.substr(0, value.find(owner_mark));
}

std::string_view owner_in(std::string_view value) {
    const std::size_t mark = value.find(owner_mark);
    return mark == std::string_view::npos ? std::string_view{} : value.substr(mark + 1);
}

milliseconds remaining_in(const resp::reply& pttl) {
    return milliseconds(std::max<std::int64_t>(pttl.integer, -1));
}

}  // namespace

result<settings> read_dialect_settings(std::string_view url) {
    auto where = read_settings(url);
    if (!where) return where.error();
    if (where->in_cluster())
        return failure{errc::misuse,
                       "store URL: dialects are not for clusters: their originals "
                       "know one server each"};
    if (where->longest_ttl.count() > 0)
        return failure{errc::misuse, std::string("store URL: durability=") +
                                         (where->replicas > 0 ? "replicated" : "strict") +
                                         " is not for dialects: whose they are knows nothing of "
                                         "it"};
    return where;
}

dialect_store::dialect_store(const store_environment& environment, settings where, profile how)
    : env_(environment),
      how_(std::move(how)),
      client_(std::make_shared<client>(environment, std::move(where))) {}

void dialect_store::draw_identity(entropy& random, const claimant& who, identity& into) const {
    into.id = how_.draw_id(random);
    into.value = into.id;
    if (how_.hash) (into.value += owner_mark).append(who.owner);
}

std::optional<std::string> dialect_store::value_of(std::string_view id) const {
    // Somebody else's id is looked for as it is, whatever it holds.
    if (how_.hash && id.find(owner_mark) != std::string_view::npos)
        return owner_mark + std::string(id);
    return std::string(id);
}

asio::awaitable<result<grant>> dialect_store::acquire(const claim& wanted, attempt which,
                                                      time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts keys = keys_of(how_, wanted.name);
    std::optional<std::string> fence;
    if (wanted.fence && how_.tokens) fence = fence_key_beside(keys.front());
    if (fence) keys.push_back(*fence);
    texts arguments{
        how_.hash ? std::string(id_in(wanted.value)) : wanted.value,
        std::to_string(round_up(how_, wanted.ttl).count()), which == attempt::repeated ? "1" : "0",
        fence ? std::to_string(core::fence_floor) : std::string(), std::to_string(fence_seconds)};
    if (how_.hash) arguments.emplace_back(owner_in(wanted.value));
    const script& take = how_.hash ? scripts().take_hash : scripts().take_keys;
    auto answer =
        co_await call_script(client_, take, std::move(keys), std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    if (!answer->is(resp::kind::array) || answer->items.size() < 2) co_return nonsense(*client_);
    const auto& told = answer->items;
    if (told[0].integer == 0 && told.size() >= 3) co_return contended(*answer);
    if (told[0].integer == -1 && told.size() >= 3) co_return wrong_type(told[2].text, told[1].text);
    if (told[0].integer < 1) co_return nonsense(*client_);
    co_return grant{.fencing_token = static_cast<std::uint64_t>(told[1].integer),
                    .taken_earlier = told[0].integer == 2};
}

failure dialect_store::contended(const resp::reply& told) const {
    failure busy(errc::contended, address() + ": somebody else holds it");
    busy.holder.emplace();
    busy.holder->remaining = remaining_in(told.items[2]);
    if (told.items.size() > 3) busy.holder->owner = told.items[3].text;
    return busy;
}

failure dialect_store::wrong_type(std::string_view key, std::string_view type) const {
    return {errc::wrong_type, address() + ": the key " + tidy_text(key) + " is a " +
                                  tidy_text(type) + ", where a lock is a " +
                                  (how_.hash ? "hash" : "string")};
}

// Names the type that stands in the way.
asio::awaitable<failure> dialect_store::what_type(std::string_view name, failure why,
                                                  time_point deadline) {
    const texts keys = keys_of(how_, name);
    const std::string_view ours = how_.hash ? "hash" : "string";
    batch commands;
    for (const std::string& key : keys) commands.add("TYPE", key);
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    if (!answers) co_return why;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const resp::reply& type = (*answers)[i];
        if (type.is(resp::kind::text) && type.text != ours && type.text != "none")
            co_return wrong_type(keys[i], type.text);
    }
    co_return why;
}

asio::awaitable<void> dialect_store::renew(std::span<renewal> all, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    add_renewal add = [this](batch& into, bool by_hash, const renewal& ask) {
        const auto value = how_.hash ? id_in(ask.value) : ask.value;
        const texts arguments{std::string(value), std::to_string(round_up(how_, ask.ttl).count())};
        const script& what = how_.hash ? scripts().renew_hash : scripts().renew_keys;
        add_call(into, what, client_->facts().version_major, by_hash, keys_of(how_, ask.name),
                 arguments);
    };
    co_await renew_all(client_, all, std::move(add), deadline);
    for (renewal& ask : all) {
        if (ask.outcome || ask.outcome.error().code != errc::wrong_type) continue;
        ask.outcome = co_await what_type(ask.name, ask.outcome.error(), deadline);
    }
}

asio::awaitable<result<void>> dialect_store::release(std::string_view name, std::string_view value,
                                                     time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const script& what = how_.hash ? scripts().release_hash : scripts().release_keys;
    texts keys = keys_of(how_, name);
    texts arguments{std::string(how_.hash ? id_in(value) : value)};
    auto answer =
        co_await call_script(client_, what, std::move(keys), std::move(arguments), deadline);
    if (answer) co_return ownership(*answer, address());
    failure why = answer.error();
    if (why.code == errc::wrong_type) co_return co_await what_type(name, std::move(why), deadline);
    co_return why;
}

lock_info dialect_store::describe(std::string_view name, const resp::reply& id,
                                  const resp::reply& remaining, std::string_view owner) const {
    lock_info info{.name = std::string(name), .id = id.text, .holder = {}, .value = id.text};
    info.holder.owner = owner;
    info.holder.remaining = remaining_in(remaining);
    if (how_.hash) info.value.append(1, owner_mark).append(owner);
    return info;
}

asio::awaitable<result<std::optional<lock_info>>> dialect_store::inspect(std::string_view name,
                                                                         std::string_view /*id*/,
                                                                         time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (const std::string& key : keys_of(how_, name)) {  // The first that is held tells.
        const auto fence = how_.tokens ? fence_key_beside(key) : std::nullopt;
        batch commands;
        commands.add("EXISTS", key);
        if (how_.hash)
            commands.add("HMGET", key, "id", "owner");
        else
            commands.add("GET", key);
        commands.add("PTTL", key);
        if (fence) commands.add("GET", *fence);
        auto answers = co_await client_->exchange(std::move(commands), deadline);
        if (!answers) co_return answers.error();
        const resp::reply& held = (*answers)[1];
        if (held.is(resp::kind::error) && classify(held.text) == errc::wrong_type) {
            failure why = refused(*client_, held);
            co_return co_await what_type(name, std::move(why), deadline);
        }
        for (std::size_t i = 0; i < 3; ++i)
            if ((*answers)[i].is(resp::kind::error)) co_return refused(*client_, (*answers)[i]);
        if (answers->front().integer == 0) continue;
        if (how_.hash && held.items.size() != 2) co_return nonsense(*client_);
        lock_info info = how_.hash
                             ? describe(name, held.items[0], (*answers)[2], held.items[1].text)
                             : describe(name, held, (*answers)[2], {});
        const std::string& digits = answers->back().text;
        if (fence)
            std::from_chars(digits.data(), digits.data() + digits.size(), info.fencing_token);
        co_return std::optional<lock_info>(std::move(info));
    }
    co_return std::optional<lock_info>();
}

asio::awaitable<result<std::vector<lock_info>>> dialect_store::list(std::string_view /*prefix*/,
                                                                    time_point /*deadline*/) {
    co_return failure{errc::misuse, "the locks of the dialect " +
                                        std::string(to_string(how_.which)) +
                                        " cannot be told from other keys: ask for one by name"};
}

asio::awaitable<result<std::optional<lock_info>>> dialect_store::take_away(std::string_view name,
                                                                           time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const script& what = how_.hash ? scripts().break_hash : scripts().break_keys;
    texts keys = keys_of(how_, name);
    texts none;
    auto answer = co_await call_script(client_, what, std::move(keys), std::move(none), deadline);
    if (!answer) {
        failure why = answer.error();
        if (why.code != errc::wrong_type) co_return why;
        co_return co_await what_type(name, std::move(why), deadline);
    }
    if (answer->is(resp::kind::nil)) co_return std::optional<lock_info>();
    if (answer->items.size() < 2) co_return nonsense(*client_);
    const bool owned = answer->items.size() > 2;
    co_return std::optional<lock_info>(describe(name, answer->items[0], answer->items[1],
                                                owned ? answer->items[2].text : std::string()));
}

asio::awaitable<result<diagnosis>> dialect_store::diagnose(time_point deadline) {
    health_question about{purpose::info | (how_.hash ? purpose::hashes : purpose::strings),
                          how_.key_of("doctor"), how_.key_of("*")};
    co_return co_await check_health(env_, client_->where(), std::move(about), deadline);
}

// Asks now and then, 5 to 35 ms apart, and when the lease ends.
asio::awaitable<void> dialect_store::await_change(std::string_view name, time_point until) {
    using namespace std::chrono_literals;
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {  // Ends at `until`.
        batch ask;
        const texts keys = keys_of(how_, name);
        for (const std::string& key : keys) ask.add("PTTL", key);
        auto answers =
            co_await client_->exchange(std::move(ask), env_.time.now() + env_.options.timeout);
        std::int64_t longest = -2;
        bool told = answers.has_value();
        if (answers)
            for (const resp::reply& left : *answers) {
                told = told && left.is(resp::kind::integer);
                longest = std::max(longest, left.integer);
            }
        if (told && longest == -2) co_return;
        time_point next = env_.time.now() + poll_pause(env_.random);
        if (told && longest >= 0)
            next = std::min(next, env_.time.now() + milliseconds(longest) + 1ms);
        if (!co_await sleep_until(env_.time, std::min(next, until))) co_return;
        if (!told || env_.time.now() >= until) co_return;
    }
}

}  // namespace holdfast::redis

namespace holdfast {

result<store_factory> open_dialect(dialect which, std::string_view url, key_function key_of) {
    auto where = redis::read_dialect_settings(url);
    if (!where) return where.error();
    auto how = redis::profile_of(which, std::move(key_of));
    return store_factory([where = std::move(*where), how = std::move(how)](
                             const store_environment& env) -> result<std::shared_ptr<store>> {
        return std::shared_ptr<store>(std::make_shared<redis::dialect_store>(env, where, how));
    });
}

}  // namespace holdfast
