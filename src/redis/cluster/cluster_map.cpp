// SPDX-License-Identifier: BSL-1.0
#include "redis/cluster/cluster_map.hpp"

#include "redis/script_call.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// The cluster is asked at most this often where its slots are, however many want to know.
constexpr std::chrono::nanoseconds distance = 50ms;
/// For how long one server is waited for; a frozen one must not use up a caller's time.
constexpr std::chrono::milliseconds one_server_max = 500ms;
/// Servers that were ever met; a cluster has at most a thousand, and few of them change.
constexpr std::size_t servers_max = 4'000;

}  // namespace

std::uint16_t cluster_map::knowledge::number_of(const base::server_place& place) {
    const auto found = std::find(places.begin(), places.end(), place);
    if (found == places.end() && places.size() >= servers_max) return nobody;
    if (found != places.end()) return static_cast<std::uint16_t>(found - places.begin());
    places.push_back(place);
    return static_cast<std::uint16_t>(places.size() - 1);
}

// Any key will do that lies there: it is found by trying.
std::string cluster_map::knowledge::guard_key_of(std::uint16_t which) const {
    if (std::find(served_by.begin(), served_by.end(), which) == served_by.end())
        return "{hf:}guard";  // It serves nothing: it is told so, and asked for nothing.
    for (int i = 0; i < 100 * slots_of_a_cluster; ++i) {
        std::string tag = "{hf:" + std::to_string(i) + "}";
        if (served_by[slot_of(tag)] == which) return tag + "guard";
    }
    return "{hf:}guard";
}

cluster_map::cluster_map(const store_environment& environment, settings where)
    : env_(environment), where_(std::move(where)) {
    known_->served_by.fill(knowledge::nobody);
    for (const base::server_place& seed : where_.seeds) static_cast<void>(known_->number_of(seed));
}

redis_store& cluster_map::store_of(std::uint16_t which) {
    if (stores_.size() <= which) stores_.resize(which + std::size_t{1});
    auto& store = stores_[which];
    if (store) return *store;
    const base::server_place place = known_->places[which];
    settings at = where_;
    at.host = place.host;
    at.port = place.port;
    at.address = where_.address + " at " + to_string(place);
    at.guard_key = [known = known_, which] { return known->guard_key_of(which); };
    store = std::make_unique<redis_store>(env_, std::move(at));
    auto moved = [known = known_, place](std::string_view error) {
        const auto told = read_redirection(error, place);
        if (told && told->lasting) known->served_by[told->slot] = known->number_of(told->master);
    };
    store->through()->hear({.on_push = {}, .on_end = {}, .on_redirection = std::move(moved)});
    return *store;
}

// Over a connection of its own: what the other one has to know first is what is asked for here.
std::shared_ptr<client> cluster_map::asker_of(std::uint16_t which) {
    if (asker_ && asker_number_ == which) return asker_;
    if (asker_) asker_->stop();
    settings at = where_;
    const base::server_place place = known_->places[which];
    at.host = place.host;
    at.port = place.port;
    at.address = to_string(place);
    at.longest_ttl = {};
    at.replicas = 0;
    asker_ = std::make_shared<client>(env_, std::move(at));
    asker_number_ = which;
    return asker_;
}

redis_store* cluster_map::known_master(std::uint16_t slot) {
    const std::uint16_t which = known_->served_by[slot];
    return which == knowledge::nobody || stopped_ ? nullptr : &store_of(which);
}

asio::awaitable<result<redis_store*>> cluster_map::master_of(std::uint16_t slot,
                                                             time_point deadline) {
    if (auto* const known = known_master(slot)) co_return known;
    const auto asked = co_await refresh(deadline);
    if (auto* const known = known_master(slot)) co_return known;
    if (!asked) co_return asked.error();
    co_return failure{errc::unreachable,
                      where_.address + ": nobody serves slot " + std::to_string(slot) + " for now"};
}

void cluster_map::refresh_soon() {
    if (stopped_ || asking_) return;
    if (asked_at_ != time_point{} && env_.time.now() < asked_at_ + distance) return;
    asking_ = true;
    asio::co_spawn(
        env_.executor, [self = shared_from_this()] { return self->run_refresh(); }, asio::detached);
}

asio::awaitable<void> cluster_map::run_refresh() {
    if (stopped_) co_return;
    last_ = co_await ask_around(env_.time.now() + env_.options.timeout);
    asking_ = false;
    if (stopped_) co_return;
    asked_at_ = env_.time.now();
    for (alarm* const each : waiting_) each->wake();
}

asio::awaitable<result<void>> cluster_map::refresh(time_point deadline) {
    refresh_soon();
    if (stopped_) co_return failure{errc::cancelled, "the store was closed"};
    if (!asking_) co_return last_;
    alarm bell(env_.time);
    waiting_.push_back(&bell);
    const wake_reason why = co_await bell.wait_until(deadline);
    std::erase(waiting_, &bell);
    if (stopped_ || why == wake_reason::cancelled)
        co_return failure{errc::cancelled, "the question was cancelled"};
    if (why == wake_reason::woken) co_return last_;
    co_return failure{errc::unreachable, where_.address + ": nobody told in time where slots are"};
}

asio::awaitable<result<void>> cluster_map::ask_around(time_point deadline) {
    failure why{errc::unreachable, where_.address + ": nobody tells where the slots are"};
    const std::size_t servers = known_->places.size();
    for (std::size_t i = 0; i < servers; ++i) {
        const auto which = static_cast<std::uint16_t>((next_ + i) % servers);
        const auto told = co_await ask(which, deadline);
        if (stopped_) co_return failure{errc::cancelled, "the store was closed"};
        if (told) {
            next_ = which;
            co_return result<void>{};
        }
        const errc code = told.error().code;
        if (code == errc::denied || code == errc::protocol) why.code = code;
        why.text += "; " + told.error().text;
        if (env_.time.now() >= deadline) break;
    }
    next_ = static_cast<std::uint16_t>((next_ + 1) % servers);
    co_return why;
}

// Only what is in the answer is changed: a slot that nobody serves for now is with whom it was.
asio::awaitable<result<void>> cluster_map::ask(std::uint16_t which, time_point deadline) {
    const base::server_place place = known_->places[which];
    const auto patience = std::min(one_server_max, env_.options.timeout / 4);
    const time_point until = std::min(deadline, env_.time.now() + patience);
    const auto server = asker_of(which);
    batch command;
    command.add("CLUSTER", "SLOTS");
    const auto answers = co_await server->exchange(std::move(command), until);
    if (!answers) co_return answers.error();
    const auto all = read_slots(answers->front(), place);
    if (!all)
        co_return failure{all.error().code, server->where().address + ": " + all.error().text};
    for (const slot_range& one : *all) {
        const std::uint16_t master = known_->number_of(one.master);
        std::fill(known_->served_by.begin() + one.first, known_->served_by.begin() + one.last + 1,
                  master);
    }
    co_return result<void>{};
}

asio::awaitable<result<std::vector<redis_store*>>> cluster_map::masters(time_point deadline) {
    const auto asked = co_await refresh(deadline);
    std::vector<std::uint16_t> all(known_->served_by.begin(), known_->served_by.end());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::erase(all, knowledge::nobody);
    if (all.empty() && !asked) co_return asked.error();
    std::vector<redis_store*> stores;
    for (const std::uint16_t which : all) stores.push_back(&store_of(which));
    co_return stores;
}

void cluster_map::stop() {
    stopped_ = true;
    if (asker_) asker_->stop();
    for (alarm* const each : waiting_) each->wake();
    for (const auto& each : stores_)
        if (each) each->stop();
}

}  // namespace holdfast::redis
