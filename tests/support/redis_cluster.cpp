// SPDX-License-Identifier: BSL-1.0
#include "support/redis_cluster.hpp"

#include "support/acl_user.hpp"
#include "support/poll.hpp"
#include "support/server_process.hpp"

#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

const std::string own_host = "127.0.0.1";
constexpr int slots = 16384;

/// One line of CLUSTER NODES.
struct node_line {
    std::string id;
    std::string place;
    std::string flags;
    std::string master;
    std::string link;
    std::vector<std::string> slots;

    [[nodiscard]] bool serves(int slot) const {
        if (flags.find("master") == flags.npos || flags.find("fail") != flags.npos) return false;
        for (const std::string& range : slots) {
            if (range.front() == '[') continue;  // On its way.
            const auto dash = range.find('-');
            const int first = std::stoi(range);
            const int last = dash == range.npos ? first : std::stoi(range.substr(dash + 1));
            if (first <= slot && slot <= last) return true;
        }
        return false;
    }
};

std::vector<node_line> read_nodes(const std::string& reply) {
    std::vector<node_line> all;
    std::istringstream lines(reply.substr(reply.find('\n') + 1));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        node_line one;
        std::string ignored;
        words >> one.id >> one.place >> one.flags >> one.master >> ignored >> ignored >> ignored >>
            one.link;
        for (std::string range; words >> range;) one.slots.push_back(range);
        if (!one.link.empty()) all.push_back(std::move(one));
    }
    return all;
}

std::vector<node_line> nodes_seen_by(const redis_server& server) {
    return read_nodes(server.command({"CLUSTER", "NODES"}));
}

/// The texts in a reply that is an array of them.
std::vector<std::string> texts_in(const std::string& reply) {
    std::vector<std::string> all;
    for (auto at = reply.find('$'); at != reply.npos; at = reply.find('$', at)) {
        const auto length = std::strtoul(reply.c_str() + at + 1, nullptr, 10);
        at = reply.find('\n', at) + 1;
        all.push_back(reply.substr(at, length));
        at += length;
    }
    return all;
}

void expect_ok(const std::string& reply) {
    if (reply != "+OK\r\n") throw std::runtime_error("a cluster's server says " + reply);
}

}  // namespace

redis_cluster::redis_cluster(std::vector<std::string> arguments) {
    for (auto& server : servers_) {
        auto words = arguments;
        words.insert(words.end(),
                     {"--cluster-enabled", "yes", "--cluster-port", std::to_string(free_tcp_port()),
                      "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"});
        server = std::make_unique<redis_server>(
            redis_options{.tcp = true, .arguments = std::move(words)});
    }
    const auto bus_port = [](const redis_server& server) {
        const auto told = texts_in(server.command({"CONFIG", "GET", "cluster-port"}));
        return told.at(1);
    };
    for (std::size_t i = 0; i < size; ++i) {
        expect_ok(server(i).command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)}));
        expect_ok(server(0).command(
            {"CLUSTER", "MEET", own_host, std::to_string(server(i).port()), bus_port(server(i))}));
        if (i >= masters) continue;
        const auto part = static_cast<int>(i);
        const int first = slots * part / static_cast<int>(masters);
        const int last = slots * (part + 1) / static_cast<int>(masters) - 1;
        expect_ok(server(i).command(
            {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)}));
    }
    for (std::size_t i = masters; i < size; ++i) replicate(i, i - masters);
    await_well();
}

void redis_cluster::replicate(std::size_t which, std::size_t master) const {
    const auto& mine = *servers_.at(which);
    const std::string id = id_of(master);
    if (!poll_until([&] { return mine.command({"CLUSTER", "REPLICATE", id}) == "+OK\r\n"; }, 30s))
        throw std::runtime_error("a server does not become a replica");
}

std::string redis_cluster::url() const {
    std::string text = "redis-cluster://" + acl_user_part();
    for (std::size_t i = 0; i < masters; ++i)
        text += (i == 0 ? "" : ",") + own_host + ":" + std::to_string(servers_.at(i)->port());
    return text;
}

std::string redis_cluster::id_of(std::size_t which) const {
    return texts_in(servers_.at(which)->command({"CLUSTER", "MYID"})).at(0);
}

std::size_t redis_cluster::master_of(std::string_view key) const {
    std::map<std::size_t, int> votes;
    for (const auto& server : servers_) {
        if (server->pid() <= 0) continue;
        const int slot =
            std::stoi(server->command({"CLUSTER", "KEYSLOT", std::string(key)}).substr(1));
        for (const node_line& node : nodes_seen_by(*server)) {
            if (!node.serves(slot)) continue;
            for (std::size_t i = 0; i < size; ++i)
                if (node.place.find(":" + std::to_string(servers_.at(i)->port()) + "@") !=
                    node.place.npos)
                    ++votes[i];
        }
    }
    for (const auto& [server, count] : votes)
        if (count > static_cast<int>(size) / 2) return server;
    return size;
}

bool redis_cluster::is_well() const {
    for (const auto& server : servers_) {
        if (server->pid() <= 0) continue;
        const std::string info = server->command({"CLUSTER", "INFO"});
        if (info.find("cluster_state:ok") == info.npos ||
            info.find("cluster_known_nodes:6") == info.npos)
            return false;
        std::size_t replicas = 0;
        for (const node_line& node : nodes_seen_by(*server))
            if (node.flags.find("slave") != node.flags.npos && node.link == "connected" &&
                node.flags.find("fail") == node.flags.npos)
                ++replicas;
        const std::string role = server->command({"ROLE"});
        if (replicas == 0) return false;
        if (role.find("slave") != role.npos && role.find("connected") == role.npos) return false;
    }
    return true;
}

void redis_cluster::await_well() const {
    if (!poll_until([this] { return is_well(); }, 60s))
        throw std::runtime_error("the cluster does not become well");
}

std::size_t redis_cluster::await_master_after(std::string_view key, std::size_t old) const {
    std::size_t found = old;
    const auto changed = [&] {
        found = master_of(key);
        return found < size && found != old;
    };
    if (!poll_until(changed, 60s)) throw std::runtime_error("no replica became a master");
    return found;
}

std::size_t redis_cluster::fail_over(std::string_view key) {
    const std::size_t old = master_of(key);
    const std::string id = id_of(old);
    std::size_t replica = old;
    for (std::size_t i = 0; i < size; ++i) {
        if (i == old || servers_.at(i)->pid() <= 0) continue;
        for (const node_line& node : nodes_seen_by(*servers_.at(i)))
            if (node.flags.find("myself") != node.flags.npos && node.master == id) replica = i;
    }
    // A replica that has just become one may have to be asked again.
    for (int tries = 0; tries < 20; ++tries) {
        static_cast<void>(servers_.at(replica)->command({"CLUSTER", "FAILOVER"}));
        if (poll_until([&] { return master_of(key) == replica; }, 3s)) return replica;
    }
    throw std::runtime_error("the replica does not become the master");
}

void redis_cluster::begin_move(std::string_view key, std::size_t to) const {
    const std::size_t from = master_of(key);
    const std::string slot =
        servers_[0]->command({"CLUSTER", "KEYSLOT", std::string(key)}).substr(1);
    const std::string number = slot.substr(0, slot.find('\r'));
    expect_ok(servers_.at(to)->command({"CLUSTER", "SETSLOT", number, "IMPORTING", id_of(from)}));
    expect_ok(servers_.at(from)->command({"CLUSTER", "SETSLOT", number, "MIGRATING", id_of(to)}));
}

void redis_cluster::end_move(std::string_view key, std::size_t from, std::size_t to) const {
    const std::string slot =
        servers_[0]->command({"CLUSTER", "KEYSLOT", std::string(key)}).substr(1);
    const std::string number = slot.substr(0, slot.find('\r'));
    for (;;) {  // Ends when nothing is left in the slot.
        const auto keys =
            texts_in(servers_.at(from)->command({"CLUSTER", "GETKEYSINSLOT", number, "100"}));
        if (keys.empty()) break;
        std::vector<std::string> words{
            "MIGRATE", own_host, std::to_string(servers_.at(to)->port()), "", "0", "5000", "KEYS"};
        words.insert(words.end(), keys.begin(), keys.end());
        const std::string reply = servers_.at(from)->command(words);
        if (reply != "+OK\r\n" && reply != "+NOKEY\r\n") throw std::runtime_error(reply);
    }
    const std::string id = id_of(to);
    for (const std::size_t each : {to, from})
        expect_ok(servers_.at(each)->command({"CLUSTER", "SETSLOT", number, "NODE", id}));
}

void redis_cluster::move_slot(std::string_view key, std::size_t to) {
    const std::size_t from = master_of(key);
    begin_move(key, to);
    end_move(key, from, to);
}

}  // namespace holdfast::test
