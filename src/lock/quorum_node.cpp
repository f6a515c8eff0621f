// SPDX-License-Identifier: BSL-1.0
#include "lock/quorum_node.hpp"

#include <holdfast/store_observer.hpp>

#include "core/backoff.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace holdfast::lock {
namespace {

/// Releases that a node owes, all names together; what is beyond it is left to its ttl.
constexpr std::size_t owed_max = 10'000;
/// The same for one name: a node that comes back is soon done with them.
constexpr std::ptrdiff_t owed_of_a_name = 8;
/// How long a release is owed; most leases have run out by then.
constexpr std::chrono::minutes owed_at_most{10};
/// So many values are remembered that a node may yet take late; the ttl bounds the others.
constexpr std::size_t doubts_max = 1000;
/// The pauses between attempts to have what is owed released, as far as the breaker lets them.
constexpr std::chrono::milliseconds pay_pause_least{200};
constexpr std::chrono::milliseconds pay_pause_max{1000};

// Whether the node has nothing of it any more: what is no lock now is not ours either.
bool is_rid_of_it(const result<void>& gone) {
    return gone || gone.error().code == errc::lost || gone.error().code == errc::wrong_type;
}

}  // namespace

quorum_node::quorum_node(const store_environment& environment, std::shared_ptr<store> node)
    : where(std::move(node)), env_(environment), pay_day_(environment.time) {
    if (env_.observer) env_.observer->has_node(where->address());
}

void quorum_node::stop() {
    stopped_ = true;
    where->stop();
    pay_day_.wake();
}

bool quorum_node::admits() {
    if (!line_.admits(env_.time.now())) return false;
    line_.sending();
    return true;
}

failure quorum_node::skipped() const {
    return {errc::unreachable, "skipped: " + where->address() + " has not answered " +
                                   std::to_string(line_.silences()) + " times in a row"};
}

// What it was asked when it stopped is nobody's business.
void quorum_node::heard(const failure& why) {
    if (stopped_) return;
    const bool plain = why.code == errc::contended || why.code == errc::lost;
    if (env_.observer && !plain && why.code != errc::cancelled)
        env_.observer->node_failed(where->address(), why);
    switch (why.code) {
        case errc::unreachable:
        case errc::in_doubt: return silent(why);
        case errc::cancelled: return line_.not_sent();
        default: return heard();
    }
}

void quorum_node::heard() {
    const bool skipped = line_.open();
    line_.answered();
    if (skipped && env_.observer && !stopped_) env_.observer->node_back(where->address());
}

void quorum_node::silent(const failure& why) {
    const bool skipped = line_.open();
    line_.silent(env_.time.now(), env_.random.jitter_bits());
    if (!skipped && line_.open() && env_.observer)
        env_.observer->node_skipped(where->address(), why);
}

void quorum_node::owe(const std::string& name, const std::string& value) {
    settled(name, value);
    if (owed_.size() >= sweep_at_) sweep();
    const auto [begin, end] = owed_.equal_range(name);
    if (std::distance(begin, end) >= owed_of_a_name) owed_.erase(begin);  // The oldest.
    if (owed_.size() < owed_max) owed_.emplace(name, debt{value, env_.time.now() + owed_at_most});
}

void quorum_node::settled(const std::string& name, const std::string& value) {
    const auto [begin, end] = owed_.equal_range(name);
    const auto same = [&](const auto& one) { return one.second.value == value; };
    const auto at = std::find_if(begin, end, same);
    if (at != end) owed_.erase(at);
}

bool quorum_node::owes(const std::string& name, const std::string& value) const {
    const auto [begin, end] = owed_.equal_range(name);
    return std::any_of(begin, end, [&](const auto& one) { return one.second.value == value; });
}

void quorum_node::sweep() {
    const time_point now = env_.time.now();
    std::erase_if(owed_, [now](const auto& one) { return one.second.until <= now; });
    sweep_at_ = std::max<std::size_t>(64, 2 * owed_.size());
}

std::vector<std::string> quorum_node::owed_for(const std::string& name) const {
    const auto [begin, end] = owed_.equal_range(name);
    std::vector<std::string> values;
    for (auto at = begin; at != end; ++at) values.push_back(at->second.value);
    return values;
}

void quorum_node::doubt(const std::string& value) {
    if (doubts_.size() >= doubts_max) doubts_.erase(doubts_.begin());
    doubts_.insert(value);
}

void quorum_node::renewing(const std::string& value, std::chrono::milliseconds ttl) {
    const time_point now = env_.time.now();
    if (renewals_.size() >= sweep_renewals_at_) {
        std::erase_if(renewals_, [now](const auto& one) { return one.second.until <= now; });
        sweep_renewals_at_ = std::max<std::size_t>(64, 2 * renewals_.size());
    }
    renewals_.emplace(value, asked_renewal{ttl, true, now + owed_at_most});
}

// Of those whose answers stayed out the one for the least time says it all.
void quorum_node::renewed(const std::string& value, std::chrono::milliseconds ttl, bool known) {
    const auto [begin, end] = renewals_.equal_range(value);
    const auto mine = std::find_if(begin, end, [ttl](const auto& one) {
        return one.second.under_way && one.second.ttl == ttl;
    });
    if (mine == end) return;  // Nobody wants to know any more.
    const auto other = std::find_if(begin, end, [](const auto& o) { return !o.second.under_way; });
    if (!known && other == end) {
        mine->second.under_way = false;
        return;
    }
    if (!known) {
        other->second.ttl = std::min(other->second.ttl, ttl);
        other->second.until = std::max(other->second.until, mine->second.until);
    }
    renewals_.erase(mine);
}

std::chrono::milliseconds quorum_node::counts_for(std::string_view value) const {
    auto least = std::chrono::milliseconds::max();
    const auto [begin, end] = renewals_.equal_range(value);
    for (auto one = begin; one != end; ++one) least = std::min(least, one->second.ttl);
    return least;
}

void quorum_node::forget_renewals(std::string_view value) {
    const auto [begin, end] = renewals_.equal_range(value);
    renewals_.erase(begin, end);
}

void quorum_node::pay_later() {
    if (paying_ || stopped_) return;
    paying_ = true;
    asio::co_spawn(
        env_.executor, [self = shared_from_this()] { return pay(self); }, asio::detached);
}

// A node that was frozen carries out what had arrived when it goes on: without this a lock that
// nobody has would stand there for its ttl, in the way of everybody.
asio::awaitable<void> quorum_node::pay(std::shared_ptr<quorum_node> node) {
    unsigned failures = 0;
    while (!node->stopped_) {
        ++failures;
        const auto pause = core::backoff_pause(failures, pay_pause_least, pay_pause_max,
                                               node->env_.random.jitter_bits());
        co_await node->pay_day_.wait_until(node->env_.time.now() + pause);
        if (node->stopped_) break;  // And the timeline may be gone.
        node->sweep();
        if (node->owed_.empty()) break;
        if (co_await pay_all(node)) failures = 0;
    }
    node->paying_ = false;
}

// Whether it is rid of each. Others settle debts meanwhile, and may want the value of one again.
asio::awaitable<bool> quorum_node::pay_all(std::shared_ptr<quorum_node> node) {
    std::vector<std::pair<std::string, std::string>> debts;
    // Behind the name for which it refused last time: that must not keep others from their turn.
    const auto behind = node->owed_.upper_bound(node->unpaid_);
    for (auto at = behind; at != node->owed_.end(); ++at)
        debts.emplace_back(at->first, at->second.value);
    for (auto at = node->owed_.begin(); at != behind; ++at)
        debts.emplace_back(at->first, at->second.value);
    for (const auto& [name, value] : debts) {
        if (!node->owes(name, value)) continue;
        if (!node->admits()) co_return false;
        const auto gone = co_await release(node, name, value, node->deadline());
        if (node->stopped_) co_return false;
        if (is_rid_of_it(gone)) continue;
        node->unpaid_ = name;
        co_return false;
    }
    co_return true;
}

asio::awaitable<result<void>> quorum_node::give_back(std::shared_ptr<quorum_node> node,
                                                     std::string name, std::string value,
                                                     time_point deadline) {
    node->owe(name, value);
    auto gone = co_await release(node, std::move(name), std::move(value), deadline);
    if (!is_rid_of_it(gone)) node->pay_later();
    co_return gone;
}

asio::awaitable<result<void>> quorum_node::release(std::shared_ptr<quorum_node> node,
                                                   std::string name, std::string value,
                                                   time_point deadline) {
    auto gone = co_await node->where->release(name, value, deadline);
    node->heard(gone);
    const bool answered = is_rid_of_it(gone);
    // What may come late is released once more: soon, or before it is asked for the name again.
    const bool again = answered && node->doubts_.erase(value) > 0;
    if (answered && !again) node->settled(name, value);
    if (again) node->pay_later();
    co_return gone;
}

}  // namespace holdfast::lock
