// SPDX-License-Identifier: BSL-1.0
#include "redis/cluster/cluster_store.hpp"

#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// How often one call goes to another master: each time because a slot has moved meanwhile.
constexpr int moves_max = 5;
/// For how long who waits does not look where its slot is: notices of another master do not come.
constexpr std::chrono::nanoseconds look_after = 1s;

std::uint16_t slot_of_name(std::string_view name) {
    const key_texts keys(name);
    return slot_of(keys.lock());
}

}  // namespace

cluster_store::cluster_store(const store_environment& environment, settings where)
    : env_(environment),
      address_(where.address),
      strict_(where.longest_ttl.count() > 0),
      map_(std::make_shared<cluster_map>(environment, std::move(where))) {}

// A master that is frozen, or that rests, may have been replaced; and what is in doubt is asked
// about again, of whoever is the master then.
bool cluster_store::may_be_elsewhere(const failure& why) {
    if (why.code == errc::in_doubt) map_->refresh_soon();
    return why.code == errc::unreachable || why.code == errc::quarantined;
}

store_abilities cluster_store::abilities() const noexcept {
    return {.modes = true, .several = true, .stepwise = true, .lines = !strict_, .raises = true};
}

std::string_view cluster_store::why_not(ability which) const noexcept {
    if (which == ability::fair && strict_) return "with durability=strict no line is kept";
    return which == ability::several ? "each may be at another master of the cluster" : "";
}

asio::awaitable<result<redis_store*>> cluster_store::master_of(std::string_view name,
                                                               time_point deadline) {
    return map_->master_of(slot_of_name(name), deadline);
}

// What the servers told is in the map already; if they told nothing, the master may be dead.
asio::awaitable<bool> cluster_store::has_moved(std::string_view name, const redis_store& asked,
                                               time_point deadline) {
    const std::uint16_t slot = slot_of_name(name);
    if (env_.time.now() >= deadline) {
        map_->refresh_soon();  // For whoever asks next.
        co_return false;
    }
    const redis_store* now = map_->known_master(slot);
    if (now != nullptr && now != &asked) co_return true;
    const auto refreshed = co_await map_->refresh(deadline);
    now = map_->known_master(slot);
    co_return refreshed&& now != nullptr&& now != &asked;
}

// Without effect is what `unreachable` was the answer to: so it may be asked of another master.
template <class Answer, class Verb>
asio::awaitable<result<Answer>> cluster_store::at_master(std::string name, Verb verb,
                                                         time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (int moves = 0;; ++moves) {  // Ends after `moves_max` of them.
        const auto master = co_await master_of(name, deadline);
        if (!master) co_return master.error();
        auto work = verb(**master, name, deadline);
        result<Answer> answer = co_await std::move(work);
        if (answer || !may_be_elsewhere(answer.error()) || moves >= moves_max) co_return answer;
        const bool moved = co_await has_moved(name, **master, deadline);
        if (!moved) co_return answer;
    }
}

asio::awaitable<result<grant>> cluster_store::acquire(const claim& wanted, attempt which,
                                                      time_point deadline) {
    const auto verb = [&wanted, which](redis_store& at, const std::string& /*name*/,
                                       time_point until) {
        return at.acquire(wanted, which, until);
    };
    return at_master<grant>(wanted.name, verb, deadline);
}

asio::awaitable<result<void>> cluster_store::raise_token(std::string_view name,
                                                         std::string_view value,
                                                         std::uint64_t at_least,
                                                         time_point deadline) {
    const auto verb = [value = std::string(value), at_least](
                          redis_store& at, const std::string& what, time_point until) {
        return at.raise_token(what, value, at_least, until);
    };
    return at_master<void>(std::string(name), verb, deadline);
}

asio::awaitable<result<void>> cluster_store::release(std::string_view name, std::string_view value,
                                                     time_point deadline) {
    const auto verb = [value = std::string(value)](redis_store& at, const std::string& what,
                                                   time_point until) {
        return at.release(what, value, until);
    };
    return at_master<void>(std::string(name), verb, deadline);
}

asio::awaitable<result<std::optional<lock_info>>> cluster_store::inspect(std::string_view name,
                                                                         std::string_view id,
                                                                         time_point deadline) {
    const auto verb = [id = std::string(id)](redis_store& at, const std::string& what,
                                             time_point until) {
        return at.inspect(what, id, until);
    };
    return at_master<std::optional<lock_info>>(std::string(name), verb, deadline);
}

asio::awaitable<result<std::optional<lock_info>>> cluster_store::take_away(std::string_view name,
                                                                           time_point deadline) {
    const auto verb = [](redis_store& at, const std::string& what, time_point until) {
        return at.take_away(what, until);
    };
    return at_master<std::optional<lock_info>>(std::string(name), verb, deadline);
}

asio::awaitable<result<std::vector<lock_info>>> cluster_store::list(std::string_view prefix,
                                                                    time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto masters = co_await map_->masters(deadline);
    if (!masters) co_return masters.error();
    std::vector<lock_info> all;
    for (redis_store* const one : *masters) {
        auto part = co_await one->list(prefix, deadline);
        if (!part) co_return part.error();
        std::move(part->begin(), part->end(), std::back_inserter(all));
    }
    // A slot that moves meanwhile may be seen at both places.
    sort_by_name(all);
    const auto same = [](const lock_info& a, const lock_info& b) { return a.name == b.name; };
    all.erase(std::unique(all.begin(), all.end(), same), all.end());
    co_return all;
}

// That a server is one of a cluster is no finding here.
asio::awaitable<result<diagnosis>> cluster_store::diagnose(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto masters = co_await map_->masters(deadline);
    if (!masters) co_return masters.error();
    diagnosis all;
    for (redis_store* const one : *masters) {
        auto part = co_await one->diagnose(deadline);
        if (!part) co_return part.error();
        std::erase_if(part->findings,
                      [](const finding& each) { return each.code == "cluster-node"; });
        std::ranges::move(part->findings, std::back_inserter(all.findings));
        std::ranges::move(part->servers, std::back_inserter(all.servers));
    }
    co_return all;
}

asio::awaitable<void> cluster_store::await_change(std::string_view name, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const time_point now = env_.time.now();
    const auto master = co_await master_of(name, now + env_.options.timeout);
    if (master) co_return co_await (*master)->await_change(name, std::min(until, now + look_after));
    const auto pause = 5ms + std::chrono::microseconds(env_.random.jitter_bits() % 30'000);
    static_cast<void>(co_await sleep_until(env_.time, std::min(until, env_.time.now() + pause)));
}

// In one order for all callers, so that of two who want the same one gets it. Who holds some does
// not wait for the others, so nobody is in anybody's way for long.
asio::awaitable<result<std::vector<grant>>> cluster_store::acquire_all(
    std::span<const claim> wanted, attempt which, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::vector<std::size_t> order(wanted.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::string_view(wanted[i].name); });
    std::vector<grant> grants(wanted.size());
    std::vector<const claim*> granted;
    for (const std::size_t i : order) {
        auto answer = co_await acquire(wanted[i], which, deadline);
        if (answer) {
            grants[i] = *answer;
            granted.push_back(&wanted[i]);
            continue;
        }
        // An earlier attempt may have had those that come later.
        if (which == attempt::repeated) {
            granted.clear();
            for (const claim& one : wanted) granted.push_back(&one);
        }
        failure why = answer.error();
        why.name = wanted[i].name;
        co_return co_await give_back(granted, std::move(why), deadline);
    }
    co_return grants;
}

// What is not certainly given back is in doubt: its caller releases it, or asks again.
asio::awaitable<failure> cluster_store::give_back(std::span<const claim* const> granted,
                                                  failure why, time_point deadline) {
    for (const claim* const one : granted) {
        const auto gone = co_await release(one->name, one->value, deadline);
        if (!gone && gone.error().code != errc::lost) why.code = errc::in_doubt;
    }
    co_return why;
}

}  // namespace holdfast::redis
