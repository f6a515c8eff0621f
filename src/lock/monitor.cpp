// SPDX-License-Identifier: BSL-1.0
#include "lock/monitor.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::lock {
namespace {

using namespace std::chrono_literals;

/// Events that wait for the sink.
constexpr std::size_t waiting_max = 256;
/// Servers that are known by their addresses; further ones share an entry.
constexpr std::size_t nodes_max = 64;
/// How often a state is told that lasts.
constexpr auto reminder_distance = 1min;
/// A server that comes and goes is told of so often at once ...
constexpr unsigned budget_max = 20;
/// ... and then this often.
constexpr auto budget_distance = 10s;

}  // namespace

std::string shown_id(std::string_view id) {
    return std::string(id.substr(0, std::min<std::size_t>(8, id.size() / 2)));
}

monitor::monitor(const timeline& time, const locker_options& options,
                 std::function<void(work)> deliver)
    : time_(time), sink_(options.on_event), deliver_(std::move(deliver)) {}

monitor::node& monitor::node_at(std::string_view address) {
    const auto is_it = [&](const node& one) { return one.numbers.address == address; };
    const auto known = std::find_if(nodes_.begin(), nodes_.end(), is_it);
    if (known != nodes_.end()) return *known;
    if (nodes_.size() > nodes_max) return nodes_.back();
    const std::scoped_lock lock(mutex_);
    nodes_.emplace_back(nodes_.size() < nodes_max ? address : "other", time_.now());
    nodes_.back().budget = budget_max;
    return nodes_.back();
}

bool monitor::may_tell(node& of) {
    const time_point now = time_.now();
    const auto more = (now - of.refilled) / budget_distance;
    if (more > 0) {
        of.refilled += more * budget_distance;
        of.budget = static_cast<unsigned>(
            std::min<std::int64_t>(budget_max, static_cast<std::int64_t>(of.budget) + more));
    }
    if (of.budget == 0) {
        ++of.repeated;
        return false;
    }
    --of.budget;
    return true;
}

void monitor::tell_of(node& of, event what) {
    if (!may_tell(of)) return;
    what.node = of.numbers.address;
    what.suppressed = std::exchange(of.repeated, 0);
    tell(std::move(what));
}

void monitor::connected(std::string_view address) {
    node& of = node_at(address);
    if (std::exchange(of.up, true) && !of.down) return;
    of.down = false;
    tell_of(of, {.kind = event_kind::connected});
}

void monitor::disconnected(std::string_view address, const failure& why) {
    node& of = node_at(address);
    if (!std::exchange(of.up, false)) return;
    tell_of(of, {.level = event_level::warning,
                 .kind = event_kind::disconnected,
                 .code = why.code,
                 .text = why.text});
}

void monitor::connect_failed(std::string_view address, const failure& why,
                             std::chrono::nanoseconds pause) {
    node& of = node_at(address);
    const time_point now = time_.now();
    of.up = false;
    if (std::exchange(of.down, true) && now < of.down_told + reminder_distance) {
        ++of.repeated;
        return;
    }
    of.down_told = now;
    tell_of(of, {.level = event_level::warning,
                 .kind = event_kind::connect_failed,
                 .code = why.code,
                 .duration = pause,
                 .text = why.text});
}

void monitor::has_node(std::string_view address) {
    several_ = true;
    count_at(node_at(address));
}

void monitor::count_at(node& of) {
    const std::scoped_lock lock(mutex_);
    of.counted = true;
}

void monitor::count_at(node& of, errc code) {
    const std::scoped_lock lock(mutex_);
    of.counted = true;
    ++of.numbers.errors.at(static_cast<std::size_t>(code));
}

void monitor::node_failed(std::string_view address, const failure& why) {
    node& of = node_at(address);
    count_at(of, why.code);
    if (why.code != errc::quarantined) return;
    const time_point now = time_.now();
    if (of.quarantine_told != time_point{} && now < of.quarantine_told + reminder_distance) {
        ++of.quarantines;
        return;
    }
    of.quarantine_told = now;
    tell({.level = event_level::warning,
          .kind = event_kind::quarantined,
          .node = of.numbers.address,
          .code = why.code,
          .suppressed = std::exchange(of.quarantines, 0),
          .text = why.text});
}

void monitor::node_skipped(std::string_view address, const failure& why) {
    tell_of(node_at(address), {.level = event_level::warning,
                               .kind = event_kind::node_skipped,
                               .code = why.code,
                               .text = why.text});
}

void monitor::node_back(std::string_view address) {
    tell_of(node_at(address), {.kind = event_kind::node_back});
}

void monitor::tell(event what) {
    if (!sink_ || closed_) return;
    what.at = time_.now();
    if (!deliver_) return call_sink(what);
    if (waiting_.fetch_add(1) >= waiting_max) {
        --waiting_;
        ++dropped_;
        return;
    }
    try {
        deliver_([self = shared_from_this(), what = std::move(what)] {
            --self->waiting_;
            self->call_sink(what);
        });
    } catch (...) {
        --waiting_;  // Out of memory: what is told of goes on.
        ++dropped_;
    }
}

void monitor::call_sink(const event& what) noexcept {
    try {
        sink_(what);
    } catch (...) {
        ++refused_;  // A log that fails must not fail what it tells of.
    }
}

std::vector<node_statistics> monitor::nodes() const {
    const std::scoped_lock lock(mutex_);
    std::vector<node_statistics> all;
    for (const node& one : nodes_)
        if (one.counted) all.push_back(one.numbers);
    return all;
}

}  // namespace holdfast::lock
