// SPDX-License-Identifier: BSL-1.0
#include "chaos/soak/nemesis.hpp"

#include "integration/redis_link.hpp"
#include "redis/keys.hpp"
#include "support/poll.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace holdfast::soak {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t id_digits = 32;

}  // namespace

victim::victim(std::unique_ptr<soak_server> one)
    : server(std::move(one)), way(server->socket_path()) {}

server_group::server_group(std::size_t count, maker start, std::string kind_name)
    : kind(std::move(kind_name)) {
    for (std::size_t i = 0; i < count; ++i) members.push_back(std::make_unique<victim>(start()));
}

std::string server_group::urls() const {
    std::string all;
    for (const auto& one : members)
        all += (all.empty() ? "" : " ") + one->server->url_behind(one->way.host_and_port());
    return all;
}

std::size_t server_group::impaired() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(members, [](const auto& one) { return one->impaired; }));
}

void worker_process::start() {
    std::vector<std::string> words{"/proc/self/exe"};
    for (std::string& word : words_of(orders)) words.push_back(std::move(word));
    process.start(std::move(words), "/dev/null", [] { return true; });
}

nemesis::nemesis(std::vector<std::unique_ptr<server_group>>& groups,
                 std::vector<std::unique_ptr<worker_process>>& workers, std::uint64_t seed)
    : groups_(groups), workers_(workers), random_(seed) {}

milliseconds nemesis::between(std::uint64_t least_ms, std::uint64_t most_ms) {
    return milliseconds(least_ms + below(most_ms - least_ms + 1));
}

void nemesis::note(const std::string& kind, const std::string& whom) {
    ++done_[kind];
    diary_ += std::to_string(now_ns() / 1'000'000) + " " + kind + " " + whom + "\n";
}

void nemesis::later(milliseconds pause, std::function<void()> act) {
    endings_.push_back({now_ns() + std::chrono::nanoseconds(pause).count(), std::move(act)});
}

void nemesis::end_what_is_due(std::int64_t until) {
    for (;;) {
        const auto next = std::ranges::min_element(endings_, {}, &ending::at);
        if (next == endings_.end() || next->at > until) return;
        const auto act = std::move(next->act);
        endings_.erase(next);
        act();
    }
}

void nemesis::run_until(std::int64_t end) {
    std::int64_t next = now_ns();
    while (now_ns() < end) {
        static_cast<void>(test::poll_until(
            [&] {
                end_what_is_due(now_ns());
                look_after_workers();
                return now_ns() >= std::min(next, end);
            },
            std::chrono::seconds(5)));
        if (now_ns() >= end) break;
        act();
        next = now_ns() + std::chrono::nanoseconds(between(200, 2000)).count();
    }
    end_what_is_due(INT64_MAX);
}

// Whom it picks may be out of order already: then it picks another.
void nemesis::act() {
    const std::size_t before = diary_.size();
    for (int tries = 0; tries < 8 && diary_.size() == before; ++tries) {
        const std::uint64_t kind = below(100);
        if (kind < 35)
            to_a_worker();
        else if (kind < 90)
            to_a_server();
        else
            delete_a_lock();
    }
}

void nemesis::look_after_workers() {
    for (auto& one : workers_) {
        if (const auto how = one->process.ended()) {
            crashes_.push_back("worker " + std::to_string(one->orders.process) + ", life " +
                               std::to_string(one->orders.life) + ", ended by itself with " +
                               std::to_string(*how));
            ++one->orders.life;
            one->start();
        }
    }
}

void nemesis::to_a_worker() {
    worker_process& whom = *workers_[below(workers_.size())];
    if (whom.stopped) return;
    const int number = static_cast<int>(whom.orders.process);
    const std::int64_t begin = now_ns();
    const std::string name = "worker " + std::to_string(number);
    if (below(2) == 0) {
        note("worker killed", name);
        whom.process.kill();
        standstills_.push_back({number, begin, now_ns()});
        ++whom.orders.life;
        whom.start();
        return;
    }
    note("worker paused", name);
    whom.stopped = true;
    whom.process.signal(SIGSTOP);
    later(between(50, 2500), [this, &whom, number, begin] {
        whom.process.signal(SIGCONT);
        whom.stopped = false;
        standstills_.push_back({number, begin, now_ns()});
    });
}

// Most often so few that the others can agree; now and then more, so that losses happen.
victim* nemesis::pick(std::string& name) {
    const std::size_t at = below(groups_.size());
    server_group& group = *groups_[at];
    const std::size_t spare = std::max<std::size_t>(1, (group.members.size() - 1) / 2);
    if (group.impaired() >= spare && below(8) != 0) return nullptr;
    const std::size_t which = below(group.members.size());
    victim& one = *group.members[which];
    name = group.kind + " " + std::to_string(which + 1) + " of " +
           std::to_string(group.members.size());
    return one.impaired ? nullptr : &one;
}

void nemesis::to_a_server() {
    std::string name;
    victim* const whom = pick(name);
    if (whom == nullptr) return;
    const auto heal_later = [this, whom](milliseconds pause, std::function<void()> heal) {
        whom->impaired = true;
        later(pause, [whom, heal = std::move(heal)] {
            heal();
            whom->impaired = false;
        });
    };
    switch (below(10)) {
        case 0:
            note("server paused", name);
            whom->server->signal(SIGSTOP);
            heal_later(between(50, 2500), [whom] { whom->server->signal(SIGCONT); });
            break;
        case 1:
        case 2:
            note("server killed", name);
            whom->server->kill();
            // Most often back before leases end: what it forgot would be held by two.
            heal_later(between(0, below(3) == 0 ? 1500 : 100), [whom] { whom->server->restart(); });
            break;
        case 3:
            note("clients killed", name);
            whom->server->end_connections(below(2) == 0);
            break;
        case 4:
            note("prepared forgotten", name);
            whom->server->forget_prepared();
            break;
        default:
            to_a_way(*whom, name);
            heal_later(between(100, 1500), [whom] { whom->way.heal(); });
    }
}

void nemesis::to_a_way(victim& whom, const std::string& name) {
    test::tcp_proxy& way = whom.way;
    test::proxy_rules rules;
    const char* kind = nullptr;
    switch (below(6)) {
        case 0: note("connections reset", name); return way.reset_all();
        case 1: note("connections refused", name); return way.refuse(true);
        case 2:
            kind = "bytes held back";
            rules.held = true;
            break;
        case 3:
            kind = "bytes late";
            rules.delay = between(1, 80);
            rules.jitter = between(0, 300);
            break;
        case 4:
            kind = "bytes in pieces";
            rules.piece = 1 + below(20);
            rules.pace = milliseconds(2);
            break;
        default: kind = "connections cut"; rules.cut_after = 1 + below(5000);
    }
    note(kind, name);
    const std::uint64_t side = below(3);
    if (side != 0) way.to_server(rules);
    if (side != 1) way.to_client(rules);
}

// Only where one server is all there is: there the loss has to be told, and that is looked at.
// Elsewhere it would be a server that forgets, on top of others that are impaired.
void nemesis::delete_a_lock() {
    victim& alone = *groups_.front()->members.front();
    if (alone.impaired) return;
    const auto lock = static_cast<std::uint8_t>(below(names_a_store));
    const std::int64_t at = now_ns();
    test::redis_link there(alone.server->socket_path());
    const auto gone = there.ask({"GETDEL", redis::lock_key(lock_name(lock))});
    if (gone.text.size() < id_digits) return;
    note("lock deleted", "lock " + std::to_string(lock));
    deletions_.push_back({lock, std::stoull(gone.text.substr(0, id_digits / 2), nullptr, 16), at});
}

}  // namespace holdfast::soak
