// SPDX-License-Identifier: BSL-1.0
#include "redis/health_rules.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// What an operator notices, and a clock that is kept in step never reaches.
constexpr std::chrono::microseconds clock_tolerated = 1s;
/// A hundredth of the default ttl, and far more than a network within one place takes.
constexpr std::chrono::microseconds round_trip_slow = 300ms;

/// Collects findings about one server.
class judgement {
public:
    judgement(const server_account& account, const settings& place)
        : told(account), where(place), info(account.info) {}

    void add(severity level, std::string code, std::string text, std::string remedy) {
        found.push_back(
            {level, std::move(code), where.address, std::move(text), std::move(remedy)});
    }
    /// What a restart or a promotion forgets is guarded against where that was asked for.
    [[nodiscard]] severity unless_guarded() const {
        return where.longest_ttl.count() > 0 ? severity::note : severity::warning;
    }
    [[nodiscard]] std::string guard_remedy(std::string remedy) const {
        if (where.longest_ttl.count() == 0)
            remedy += "; or durability=strict in the URLs of all clients";
        return remedy;
    }

    const server_account& told;
    const settings& where;
    const server_info& info;
    std::vector<finding> found;
};

std::string in_ms(std::chrono::microseconds time) {
    return std::to_string(std::chrono::round<milliseconds>(time).count()) + " ms";
}

bool on_this_machine(const settings& where) {
    return where.host.empty() || where.host == "localhost" || where.host == "::1" ||
           where.host.starts_with("127.");
}

void judge_version(judgement& on) {
    const std::string_view version = on.info.text("redis_version");
    unsigned major = 0;
    unsigned minor = 0;
    const char* const end = version.data() + version.size();
    const auto first = std::from_chars(version.data(), end, major);
    if (first.ec != std::errc{}) return;
    if (first.ptr != end) std::from_chars(first.ptr + 1, end, minor);
    const std::string is = "it is " + version_text(on.info);
    if (major < 6 || (major == 6 && minor < 2))
        on.add(severity::problem, "old-version", is + ", and 6.2 or later is needed",
               "install Redis 7 or later");
    else if (major < 7)
        on.add(severity::note, "scripts-without-flags",
               is + ": before version 7 a release or a renewal on a replica may say lost",
               "use version 7 where a server may be made a replica");
}

void judge_kind(judgement& on) {
    if (on.info.number("cluster_enabled") == 1)
        on.add(severity::problem, "cluster-node",
               "it is a node of a cluster: names in slots of other nodes are denied",
               "name a server that stands alone in the URL");
    if (on.info.text("redis_mode") == "sentinel")
        on.add(severity::problem, "sentinel-node", "it is a sentinel, which keeps no data",
               "name the server that it watches in the URL");
    if (!on.told.resp3)
        on.add(severity::warning, "older-protocol",
               "it does not speak RESP3 (HELLO is missing, or refused), so it tells nobody that "
               "a wait is over: who waits asks every 5 to 35 ms",
               "do not rename or forbid HELLO; let proxies speak RESP3");
}

void judge_state(judgement& on) {
    if (on.info.number("loading") == 1)
        on.add(severity::problem, "loading",
               "it is loading its data, and serves nothing until then",
               "wait, and look again: redis-cli INFO persistence");
    if (on.info.number("async_loading") == 1)
        on.add(severity::problem, "loading", "it is taking over the data of a master",
               "wait, and look again: redis-cli INFO replication");
}

void judge_replication(judgement& on) {
    if (on.info.text("role") == "slave") {
        on.add(severity::problem, "replica",
               "it is a replica of " + std::string(on.info.text("master_host")) +
                   ": it refuses what writes, and may lag behind",
               "name the master in the URL; or, on this server: REPLICAOF NO ONE");
        return;
    }
    const auto replicas = on.info.number("connected_slaves");
    if (replicas.value_or(0) < on.where.replicas)
        on.add(severity::problem, "too-few-replicas",
               "it has " + std::to_string(replicas.value_or(0)) +
                   " replica(s), and durability=" + "replicated waits for " +
                   std::to_string(on.where.replicas) + ": no lock can be taken",
               "start replicas and let them follow; or replicas=N in the URL");
    if (replicas.value_or(0) == 0 || on.where.replicas > 0) return;
    const std::string count = std::to_string(*replicas) + " replica(s)";
    if (on.info.number("min-replicas-to-write").value_or(0) == 0 &&
        !on.info.has("min_slaves_good_slaves"))
        on.add(severity::note, "unacknowledged-replicas",
               "it has " + count +
                   ", and answers before they have a write: one that is promoted may not know "
                   "locks that were given a moment before",
               on.guard_remedy("CONFIG SET min-replicas-to-write 1, and min-replicas-max-lag 1, "
                               "which narrows the gap"));
}

void judge_eviction(judgement& on) {
    const std::string_view policy = on.info.text("maxmemory_policy");
    const std::int64_t limit = on.info.number("maxmemory").value_or(0);
    const std::string remedy = "CONFIG SET maxmemory-policy noeviction, and CONFIG REWRITE";
    if (!policy.empty() && policy != "noeviction") {
        const std::string is = "maxmemory-policy is " + std::string(policy);
        if (limit > 0)
            on.add(severity::problem, "eviction-policy",
                   is + ": when memory is full, locks that are held are thrown away", remedy);
        else
            on.add(severity::note, "eviction-policy",
                   is + ": harmless only as long as maxmemory is not set", remedy);
        return;
    }
    const std::int64_t used = on.info.number("used_memory").value_or(0);
    if (limit <= 0 || used < limit / 10 * 9) return;
    const std::string percent = std::to_string(used / std::max<std::int64_t>(limit / 100, 1));
    if (used >= limit)
        on.add(severity::problem, "memory-full",
               "memory is full (" + percent + " % of maxmemory): no new lock is given",
               "CONFIG SET maxmemory to more, or move other data elsewhere");
    else
        on.add(severity::warning, "memory-nearly-full",
               percent + " % of maxmemory are in use: behind it no new lock is given",
               "CONFIG SET maxmemory to more, or move other data elsewhere");
}

void judge_syncing(judgement& on) {
    const std::string_view sync = on.info.text("appendfsync");
    const std::string remedy = on.guard_remedy("CONFIG SET appendfsync always, and CONFIG REWRITE");
    if (sync == "everysec")
        on.add(on.unless_guarded(), "appendfsync",
               "appendfsync is everysec: if the machine crashes, the locks of the last second or "
               "two are forgotten, and may be given to others while they are held",
               remedy);
    else if (sync == "no")
        on.add(on.unless_guarded(), "appendfsync",
               "appendfsync is no: if the machine crashes, the locks of the last half a minute "
               "are forgotten, and may be given to others while they are held",
               remedy);
    else if (sync.empty() && !on.told.config_read)
        on.add(severity::note, "config-unreadable",
               "whether appendfsync is always is not known, as the user may not run CONFIG GET",
               "let an administrator look: redis-cli CONFIG GET appendfsync");
}

void judge_persistence(judgement& on) {
    if (on.info.has("aof_enabled") && on.info.number("aof_enabled") != 1) {
        const std::string remedy = on.guard_remedy(
            "CONFIG SET appendonly yes, CONFIG SET appendfsync always, and CONFIG REWRITE");
        if (on.told.config_read && on.info.text("save").empty())
            on.add(on.unless_guarded(), "no-persistence",
                   "nothing is kept on disk: a restart forgets all locks, which may then be given "
                   "to others while they are held",
                   remedy);
        else
            on.add(on.unless_guarded(), "snapshots-only",
                   "appendonly is no: a crash forgets what was locked since the last snapshot, if "
                   "there is one, which may then be given to others while it is held",
                   remedy);
    } else {
        judge_syncing(on);
    }
    if (on.info.text("aof_last_write_status") == "err")
        on.add(severity::problem, "aof-write-failed",
               "the last write of the append-only file failed: writes are refused (MISCONF)",
               "free space on the disk; the server's log names the cause");
    const bool stops = on.info.text("stop-writes-on-bgsave-error") != "no" &&
                       (!on.told.config_read || !on.info.text("save").empty());
    if (on.info.text("rdb_last_bgsave_status") == "err")
        on.add(stops ? severity::problem : severity::warning, "snapshot-failed",
               std::string("the last snapshot failed") +
                   (stops ? ": while there are save points, writes are refused (MISCONF)" : ""),
               "free space on the disk; the server's log names the cause; then BGSAVE");
}

void judge_room(judgement& on) {
    const auto clients = on.info.number("connected_clients");
    const auto most = on.info.number("maxclients");
    if (clients && most && *clients * 5 >= *most * 4)
        on.add(severity::warning, "clients-nearly-full",
               std::to_string(*clients) + " of " + std::to_string(*most) +
                   " connections are in use (maxclients): who comes behind them is refused",
               "CONFIG SET maxclients to more; find who keeps connections: CLIENT LIST");
    const auto tracked = on.info.number("tracking_total_keys");
    const auto table = on.info.number("tracking-table-max-keys");
    if (tracked && table && *table > 0 && *tracked * 10 >= *table * 9)
        on.add(severity::warning, "tracking-table-full",
               "the table of tracked keys is full (" + std::to_string(*table) +
                   "): who waits is woken for nothing, and asks again",
               "CONFIG SET tracking-table-max-keys 1000000");
}

void judge_clock(judgement& on) {
    if (!on.told.clock_ahead) return;
    const auto ahead = *on.told.clock_ahead;
    if (std::chrono::abs(ahead) <= clock_tolerated + on.told.clock_doubt) return;
    on.add(severity::warning, "clock-offset",
           "its clock is " + in_ms(std::chrono::abs(ahead)) +
               (ahead.count() > 0 ? " ahead of" : " behind") +
               " this machine's; ttls are counted by its clock alone and do not suffer, but if it "
               "is then stepped forward, locks end early",
           "let a time service slew both clocks: chronyc tracking, or timedatectl");
}

void judge_road(judgement& on) {
    if (on.told.round_trip > round_trip_slow)
        on.add(severity::warning, "slow-server",
               "a round trip takes " + in_ms(on.told.round_trip) +
                   " at least: each attempt takes that long, and a ttl should be 100 times as long",
               "look for what keeps it: redis-cli --latency, SLOWLOG GET, the network");
    if (on.where.tls || on_this_machine(on.where)) return;
    const bool secret = !on.where.password.empty() || !on.where.password_file.empty();
    on.add(secret ? severity::warning : severity::note, "plain-text",
           std::string(secret ? "the password and the ids of locks go" : "the ids of locks go") +
               " over the network in plain text",
           "use rediss://, and tls-port on the server");
}

void judge_silence(judgement& on) {
    const std::string& said = on.told.info_refused;
    if (said.starts_with("BUSY"))
        on.add(severity::problem, "busy-script",
               "it is busy with a script, and serves nothing until that ends",
               "SCRIPT KILL, if it has written nothing; find whose it is: SLOWLOG GET");
    else if (said.starts_with("MASTERDOWN"))
        on.add(severity::problem, "replica", "it is a replica that has lost its master",
               "name the master in the URL");
    else if (said.starts_with("LOADING"))
        on.add(severity::problem, "loading",
               "it is loading its data, and serves nothing until then", "wait, and look again");
    else if (!said.starts_with("NOPERM"))  // That is told with the rights.
        on.add(severity::problem, "refused", "it answered: " + said, "look into the server's log");
}

std::string acl_remedy(std::string_view user, std::string_view rule) {
    return "ACL SETUSER " + std::string(user) + " '" + std::string(rule) + "', and ACL SAVE";
}

}  // namespace

std::string version_text(const server_info& info) {
    const std::string_view valkey = info.text("valkey_version");
    if (!valkey.empty()) return "Valkey " + std::string(valkey);
    const std::string_view version = info.text("redis_version");
    return version.empty() ? std::string() : "Redis " + std::string(version);
}

std::vector<finding> judge_server(const server_account& told, const settings& where) {
    judgement on(told, where);
    if (told.info_refused.empty()) {
        judge_version(on);
        judge_kind(on);
        judge_state(on);
        judge_replication(on);
        judge_eviction(on);
        judge_persistence(on);
        judge_room(on);
    } else {
        judge_silence(on);
    }
    judge_clock(on);
    judge_road(on);
    return std::move(on.found);
}

std::vector<finding> judge_rights(const std::vector<tried_right>& tried, std::string_view user,
                                  const std::string& address, std::string_view key_pattern) {
    std::vector<finding> found;
    const std::string who = "the user " + std::string(user);
    bool keys = false;
    bool channels = false;
    for (const tried_right& each : tried) {
        // Of EXEC the server says it behind other words.
        if (each.answer.find("NOPERM") == std::string::npos) continue;
        // The server looks at the command first, then at keys, then at channels.
        if (each.answer.find("key") != std::string::npos &&
            each.answer.find("command") == std::string::npos) {
            keys = true;
        } else if (each.answer.find("channel") != std::string::npos &&
                   each.answer.find("command") == std::string::npos) {
            channels = true;
        } else {
            const right& which = *each.which;
            const bool vital = which.serves.empty();
            found.push_back(
                {vital ? severity::problem : severity::warning, "missing-right", address,
                 who + " may not run " + std::string(which.command) + ", which serves " +
                     (vital ? "taking, renewing or releasing locks" : std::string(which.serves)),
                 acl_remedy(user, "+" + std::string(which.command))});
        }
    }
    if (keys)
        found.push_back({severity::problem, "missing-key-right", address,
                         who + " may not use keys that match " + std::string(key_pattern),
                         acl_remedy(user, "~" + std::string(key_pattern))});
    if (channels)
        found.push_back({severity::warning, "missing-channel-right", address,
                         who + " may not use channels that match hf:*: who waits asks again "
                               "every 5 to 35 ms, and is not told",
                         acl_remedy(user, "&hf:*")});
    return found;
}

}  // namespace holdfast::redis
