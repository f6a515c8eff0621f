// SPDX-License-Identifier: BSL-1.0
#include "interop/stage.hpp"

#include "interop/node_peer.hpp"
#include "support/poll.hpp"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <stdexcept>

namespace holdfast::test {

std::ostream& operator<<(std::ostream& out, const setting& what) {
    return out << to_string(what.which) << " on " << what.servers << ", "
               << (what.node_holds ? "Node" : "C++") << " holds";
}

std::string name_of(const testing::TestParamInfo<setting>& info) {
    return std::string(to_string(info.param.which)) + "_on_" + std::to_string(info.param.servers) +
           (info.param.node_holds ? "_node_holds" : "_cpp_holds");
}

std::vector<setting> all_settings() {
    std::vector<setting> all = redlock_settings();
    for (const package which : {package::warlock, package::dist_lock_2})
        for (const bool node_holds : {true, false}) all.push_back({which, 1, node_holds});
    return all;
}

std::vector<setting> redlock_settings(std::size_t servers_min) {
    std::vector<setting> all;
    for (const package which : {package::redlock_4, package::redlock_5})
        for (const std::size_t servers : {1, 3})
            for (const bool node_holds : {true, false})
                if (servers >= servers_min) all.push_back({which, servers, node_holds});
    return all;
}

stage::stage(const setting& what) : what_(what) {
    for (std::size_t i = 0; i < what.servers; ++i)
        servers_.push_back(std::make_unique<redis_server>());
}

names stage::urls() const {
    names all;
    for (const auto& one : servers_) all.push_back(one->url());
    return all;
}

names stage::node_urls() const {
    names all;
    for (const auto& one : servers_) all.push_back(one->admin_url());
    return all;
}

std::size_t stage::holding(const std::string& name) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < servers_.size(); ++i)
        if (number(i, {"EXISTS", key_of(name)}) == 1) ++count;
    return count;
}

bool stage::held_everywhere(const std::string& name) const {
    return poll_until([&] { return holding(name) == servers_.size(); });
}

bool stage::gone_everywhere(const std::string& name) const {
    return poll_until([&] { return holding(name) == 0; });
}

std::string stage::id_of(const std::string& name) const {
    std::map<std::string, std::size_t> count;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        std::string id = what_.which == package::dist_lock_2 ? text(i, {"HGET", key_of(name), "id"})
                                                             : text(i, {"GET", key_of(name)});
        if (++count[id] > servers_.size() / 2) return id;
    }
    return "";
}

milliseconds stage::time_left(const std::string& name) const {
    std::int64_t shortest = number(0, {"PTTL", key_of(name)});
    for (std::size_t i = 1; i < servers_.size(); ++i)
        shortest = std::min(shortest, number(i, {"PTTL", key_of(name)}));
    return milliseconds{shortest};
}

std::string stage::key_of(const std::string& name) const {
    if (is_redlock(what_.which)) return name;
    return what_.which == package::warlock ? name + ":lock" : "lock:" + name;
}

// Each attempt of any package or facade comes with one of these, and nothing else does as long as
// nobody gets anything.
std::int64_t stage::attempts() const {
    const std::string all = text(0, {"INFO", "commandstats"});
    std::int64_t sum = 0;
    for (const char* const command : {"exists", "type", "set"}) {
        const std::string wanted = std::string("cmdstat_") + command + ":calls=";
        const auto at = all.find(wanted);
        if (at != std::string::npos) sum += std::atoll(all.c_str() + at + wanted.size());
    }
    return sum;
}

std::int64_t stage::number(std::size_t i, const names& words) const {
    const std::string reply = server(i).command(words);
    if (!reply.starts_with(':')) throw std::runtime_error(words.front() + ": " + reply);
    return std::atoll(reply.c_str() + 1);
}

std::string stage::text(std::size_t i, const names& words) const {
    const std::string reply = server(i).command(words);
    const auto line_end = reply.find("\r\n");
    if (line_end == std::string::npos || reply.starts_with('-'))
        throw std::runtime_error(words.front() + ": " + reply);
    if (reply.starts_with("$-1")) return {};
    if (!reply.starts_with('$')) return reply.substr(1, line_end - 1);
    return reply.substr(line_end + 2, reply.size() - line_end - 4);
}

std::string missing_for_interop() {
    if (!redis_server::available()) return "no redis-server on this machine";
    return node_peer::missing();
}

void interop_test::SetUp() {
    const std::string missing = missing_for_interop();
    if (!missing.empty()) GTEST_SKIP() << missing;
    stage_ = std::make_unique<stage>(GetParam());
}

party& interop_test::node() {
    if (!node_) node_ = make_node_party(GetParam().which, stage_->node_urls());
    return *node_;
}

party& interop_test::cpp() {
    if (!cpp_) cpp_ = make_cpp_party(GetParam().which, stage_->urls());
    return *cpp_;
}

bool interop_test::sees_more_attempts() const {
    // The second of them began when the first had been answered.
    const std::int64_t before = stage_->attempts();
    return poll_until([&] { return stage_->attempts() >= before + 2; });
}

}  // namespace holdfast::test
