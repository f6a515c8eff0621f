// SPDX-License-Identifier: BSL-1.0
#include "support/sentinel_set.hpp"

#include "support/acl_user.hpp"
#include "support/poll.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <stdexcept>
#include <utility>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

const std::string host = "127.0.0.1";

std::size_t times_in(const std::string& text, const std::string& part) {
    std::size_t times = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size()))
        ++times;
    return times;
}

}  // namespace

sentinel_set::sentinel_set(std::chrono::milliseconds down_after, std::vector<std::string> arguments,
                           std::string more_lines)
    : arguments_(std::move(arguments)), more_lines_(std::move(more_lines)) {
    arguments_.insert(arguments_.end(), {"--repl-diskless-sync-delay", "0"});
    for (std::size_t i = 0; i < size; ++i)
        servers_.at(i) = std::make_unique<redis_server>(
            redis_options{.tcp = true, .arguments = i == 0 ? arguments_ : replica_of(0)});
    // A sentinel looks at a master's replicas when it meets it, and then every ten seconds.
    const auto follow = [this] { return servers_[0]->command({"WAIT", "2", "1000"}) == ":2\r\n"; };
    if (!poll_until(follow, 30s)) throw std::runtime_error("the replicas do not follow");
    for (std::size_t i = 0; i < size; ++i) start_sentinel(i, down_after);
    await_whole();
}

std::vector<std::string> sentinel_set::replica_of(std::size_t master) const {
    std::vector<std::string> words = arguments_;
    words.insert(words.end(),
                 {"--replicaof", host + " " + std::to_string(servers_.at(master)->port())});
    return words;
}

void sentinel_set::start_sentinel(std::size_t which, std::chrono::milliseconds down_after) {
    ports_.at(which) = free_tcp_port();
    const std::string own = directory_ / ("sentinel" + std::to_string(which));
    const std::string master = std::string(" ") + name + " ";
    std::ofstream(own + ".conf") << "port " << ports_.at(which) << "\nbind " << host
                                 << "\nunixsocket " << own << ".sock\ndir "
                                 << directory_.path().string() << "\nlogfile " << own
                                 << ".log\nsentinel monitor" << master << host << ' '
                                 << servers_[0]->port() << " 2\nsentinel down-after-milliseconds"
                                 << master << down_after.count() << "\nsentinel failover-timeout"
                                 << master << "5000\nsentinel parallel-syncs" << master << "2\n"
                                 << more_lines_;
    sentinels_.at(which).start({"redis-server", own + ".conf", "--sentinel"}, own + ".log", [&] {
        try {
            return ask_sentinel(which, {"PING"}) == "+PONG\r\n";
        } catch (const std::runtime_error&) {
            return false;
        }
    });
}

std::string sentinel_set::url() const {
    std::string text = "redis-sentinel://" + acl_user_part();
    for (std::size_t i = 0; i < size; ++i)
        text += (i == 0 ? "" : ",") + host + ":" + std::to_string(ports_.at(i));
    return text + "/" + name;
}

std::string sentinel_set::ask_sentinel(std::size_t which,
                                       const std::vector<std::string>& words) const {
    return redis_command(directory_ / ("sentinel" + std::to_string(which) + ".sock"), words);
}

std::size_t sentinel_set::master() const {
    std::map<std::size_t, int> votes;
    for (std::size_t i = 0; i < size; ++i) {
        if (sentinels_.at(i).pid() <= 0) continue;
        const std::string told = ask_sentinel(i, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", name});
        for (std::size_t server = 0; server < size; ++server)
            if (times_in(told, "\r\n" + std::to_string(servers_.at(server)->port()) + "\r\n") > 0)
                ++votes[server];
    }
    if (votes.empty()) throw std::runtime_error("no sentinel knows a master");
    return std::ranges::max_element(votes, {}, [](const auto& one) { return one.second; })->first;
}

std::size_t sentinel_set::await_master_after(std::size_t old) const {
    std::size_t found = old;
    const auto changed = [&] {
        found = master();
        return found != old &&
               servers_.at(found)->command({"ROLE"}).find("master") != std::string::npos;
    };
    if (!poll_until(changed, 60s)) throw std::runtime_error("no server became the master");
    return found;
}

bool sentinel_set::is_whole() const {
    const std::size_t now = master();
    const auto living =
        std::ranges::count_if(sentinels_, [](const server_process& one) { return one.pid() > 0; });
    // Of three that there never are: so the answer takes its time, and it is not asked too often.
    if (servers_.at(now)->command({"WAIT", "3", "100"}) != ":2\r\n") return false;
    for (std::size_t i = 0; i < size; ++i) {
        if (sentinels_.at(i).pid() <= 0) continue;
        const std::string all = ask_sentinel(i, {"SENTINEL", "REPLICAS", name});
        if (times_in(all, "\r\nflags\r\n$5\r\nslave\r\n") != size - 1) return false;
        if (times_in(all, "\r\nmaster-link-status\r\n$2\r\nok\r\n") != size - 1) return false;
        if (!ask_sentinel(i, {"SENTINEL", "CKQUORUM", name})
                 .starts_with("+OK " + std::to_string(living) + " "))
            return false;
    }
    return true;
}

void sentinel_set::await_whole() const {
    if (!poll_until([this] { return is_whole(); }, 60s))
        throw std::runtime_error("the sentinels do not know of each other, or of the replicas");
}

std::size_t sentinel_set::kill_master() {
    const std::size_t victim = master();
    servers_.at(victim)->kill();
    return victim;
}

void sentinel_set::rejoin(std::size_t which) {
    servers_.at(which)->restart_with(replica_of(master()));
}

// A port on which nobody listens; a replica keeps the data that it has.
void sentinel_set::cut_off_replicas() {
    const std::size_t now = master();
    const std::string nowhere = std::to_string(free_tcp_port());
    for (std::size_t i = 0; i < size; ++i)
        if (i != now) static_cast<void>(servers_.at(i)->command({"REPLICAOF", host, nowhere}));
    const auto alone = [&] {
        return servers_.at(now)->command({"INFO", "replication"}).find("connected_slaves:0") !=
               std::string::npos;
    };
    if (!poll_until(alone, 10s)) throw std::runtime_error("the replicas follow all the same");
}

}  // namespace holdfast::test
