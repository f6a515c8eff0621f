// SPDX-License-Identifier: BSL-1.0
#include "redis/rights.hpp"

#include <holdfast/redis_acl.hpp>

#include "redis/profile.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace holdfast::redis {
namespace {

constexpr purposes for_own = purpose::locks | purpose::ranges;
constexpr purposes for_dialects = purpose::strings | purpose::hashes;
constexpr purposes for_any = for_own | purpose::strings | purpose::hashes;
constexpr purposes for_locks = purposes{0} | purpose::locks;
constexpr purposes for_ranges = purposes{0} | purpose::ranges;
constexpr purposes for_hashes = purposes{0} | purpose::hashes;
constexpr purposes for_all_but_ranges = for_dialects | purpose::locks;

constexpr std::string_view serves_waiting =
    "being told when a wait is over; without it who waits asks "
    "again every 5 to 35 ms";
constexpr std::string_view serves_modes = "shared and counted locks, and waiting in line";
constexpr std::string_view serves_lines = "waiting in line";

constexpr std::array all_known{
    right{"hello", for_any, "", "-"},
    right{"auth", for_any, "", "-"},
    right{"ping", for_any, "", ""},
    right{"select", for_any, "databases other than 0", "0"},
    right{"multi", for_locks, "", "-"},
    right{"set", for_all_but_ranges, "", "KEY x"},
    right{"incr", for_all_but_ranges, "", "KEY"},
    right{"exec", for_locks, "", "-"},
    right{"get", for_all_but_ranges, "", "KEY"},
    right{"pttl", for_all_but_ranges, "", "KEY"},
    right{"type", for_any, "naming what a key is that is no lock", "KEY"},
    right{"scan", for_locks, "list, and watch", "0"},
    right{"zcard", for_locks, "", "KEY"},
    right{"eval", for_any, "", "return1 1 KEY"},
    right{"evalsha", for_any, "", "0000000000000000000000000000000000000000 1 KEY"},
    right{"del", for_all_but_ranges, "", "KEY"},
    right{"pexpire", for_all_but_ranges, "", "KEY 1"},
    right{"time", for_any, "", ""},
    right{"incrby", for_locks, "", "KEY 1"},
    right{"exists", for_all_but_ranges, "", "KEY"},
    right{"hset", for_own, serves_lines, "KEY x x"},
    right{"hget", for_own | purpose::hashes, serves_lines, "KEY x"},
    right{"hdel", for_own, serves_lines, "KEY x"},
    right{"zadd", for_own, serves_modes, "KEY 1 x"},
    right{"zrem", for_own, serves_modes, "KEY x"},
    right{"zrange", for_locks, serves_modes, "KEY 0 1"},
    right{"zscore", for_own, serves_modes, "KEY x"},
    right{"zcount", for_locks, serves_modes, "KEY 0 1"},
    right{"zrevrange", for_own, serves_modes, "KEY 0 1"},
    right{"zrangebyscore", for_own, serves_modes, "KEY 0 1"},
    right{"zrevrangebyscore", for_locks, serves_modes, "KEY 1 0"},
    right{"zremrangebyscore", for_locks, serves_modes, "KEY 0 1"},
    right{"pexpireat", for_own, serves_modes, "KEY 1"},
    right{"client|tracking", for_own, serves_waiting, "off"},
    right{"subscribe", for_own, serves_waiting, "CHANNEL"},
    right{"publish", for_own, serves_waiting, "CHANNEL x"},
    right{"hmget", purpose::ranges | purpose::hashes, "holds on ranges", "KEY x"},
    right{"hmset", for_hashes, "", "KEY x x"},
    right{"hsetnx", for_ranges, "holds on ranges", "KEY x x"},
    right{"persist", for_ranges, "holds on ranges", "KEY"},
    right{"zmscore", for_ranges, "holds on ranges", "KEY x"},
    right{"zrangebylex", for_ranges, "holds on ranges", "KEY - +"},
    right{"zrevrangebylex", for_ranges, "holds on ranges", "KEY + -"},
    right{"unsubscribe", for_ranges, "waiting for ranges", "CHANNEL"},
    right{"role", purposes{0} | purpose::failover, "", ""},
    right{"wait", purposes{0} | purpose::replicated, "", "0 0"},
    right{"cluster|slots", purposes{0} | purpose::cluster, "", ""},
    right{"info", purposes{0} | purpose::info, "doctor, and durability=strict", "server"},
};

// Where the keys of a dialect are its names, they can be any.
std::vector<std::string> patterns_of(dialect which) {
    const std::string key = profile_of(which, {}).key_of("*");
    return key == "*" ? std::vector<std::string>{key} : std::vector{key, "{" + key + "}:hf:fence"};
}

void add_keys(const redis_acl_scope& scope, std::vector<std::string>& into) {
    if (scope.locks) into.emplace_back("~{hf:*");
    if (scope.ranges) into.emplace_back("~{hr:*");
    std::set<std::string> patterns;
    for (const dialect which : scope.dialects)
        for (std::string& pattern : patterns_of(which)) patterns.insert(std::move(pattern));
    if (patterns.contains("*")) {
        into.assign(1, "~*");
        return;
    }
    for (const std::string& pattern : patterns) into.push_back("~" + pattern);
}

}  // namespace

std::span<const right> all_rights() noexcept { return all_known; }

}  // namespace holdfast::redis

namespace holdfast {

std::vector<std::string> redis_acl_rules(const redis_acl_scope& scope) {
    using redis::purpose;
    redis::purposes wanted = 0;
    if (scope.locks) wanted = wanted | purpose::locks;
    if (scope.ranges) wanted = wanted | purpose::ranges;
    if (scope.info) wanted = wanted | purpose::info;
    if (scope.sentinel) wanted = wanted | purpose::failover;
    if (scope.replicated) wanted = wanted | purpose::replicated;
    if (scope.cluster) wanted = wanted | purpose::cluster;
    for (const dialect which : scope.dialects)
        wanted = wanted | (redis::profile_of(which, {}).hash ? purpose::hashes : purpose::strings);
    std::vector<std::string> rules;
    redis::add_keys(scope, rules);
    rules.emplace_back("resetchannels");
    if (scope.locks) rules.emplace_back("&hf:*");
    if (scope.ranges) rules.emplace_back("&{hr:*");
    rules.emplace_back("-@all");
    for (const redis::right& each : redis::all_rights())
        if ((each.needed_by & wanted) != 0) rules.push_back("+" + std::string(each.command));
    return rules;
}

}  // namespace holdfast
