// SPDX-License-Identifier: BSL-1.0
//
// `holdfast doctor [--all] [--dialect D]`: looks for what could break a lock on this store.
// `holdfast doctor --acl USER [--dialect D]`: prints the rights that a Redis user needs.
// Exit: 0 nothing to be mended, 1 a problem or a warning was found, 64 usage, 69 no store.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

#ifdef HOLDFAST_HAS_REDIS
#include <holdfast/redis_acl.hpp>
#endif

#include <boost/json/array.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::cli {
namespace {

struct doctor_arguments {
    bool all{false};
    std::string acl_user;
};

boost::json::object to_json(const finding& one) {
    boost::json::object row;
    row["severity"] = to_string(one.level);
    row["code"] = one.code;
    put_bytes(row, "subject", one.subject);
    put_bytes(row, "text", one.text);
    put_bytes(row, "remedy", one.remedy);
    return row;
}

boost::json::object to_json(const examined_server& one) {
    boost::json::object row;
    put_bytes(row, "address", one.address);
    put_bytes(row, "version", one.version);
    row["clock_ahead_us"] = nullptr;
    row["round_trip_us"] = nullptr;
    if (one.clock_ahead) row["clock_ahead_us"] = one.clock_ahead->count();
    if (one.round_trip) row["round_trip_us"] = one.round_trip->count();
    return row;
}

void print_as_json(const diagnosis& found) {
    boost::json::array findings;
    for (const finding& one : found.findings) findings.push_back(to_json(one));
    boost::json::array servers;
    for (const examined_server& one : found.servers) servers.push_back(to_json(one));
    boost::json::object all;
    const auto worst = found.worst();
    all["worst"] = nullptr;
    if (worst) all["worst"] = to_string(*worst);
    all["findings"] = std::move(findings);
    all["servers"] = std::move(servers);
    print_json(all);
}

std::string server_line(const examined_server& one) {
    std::string line = printable(one.address);
    if (!one.version.empty()) line += "  " + printable(one.version);
    if (one.round_trip) line += "  round trip " + std::to_string(one.round_trip->count()) + " us";
    if (one.clock_ahead)
        line += "  clock " + std::to_string(one.clock_ahead->count() / 1000) + " ms ahead";
    return line + "\n";
}

void print_for_people(const diagnosis& found, bool all) {
    std::string text;
    if (all)
        for (const examined_server& one : found.servers) text += server_line(one);
    std::size_t left_out = 0;
    for (const finding& one : found.findings) {
        if (one.level == severity::note && !all) {
            ++left_out;
            continue;
        }
        text += std::string(to_string(one.level)) + ": " + one.code + " (" +
                printable(one.subject) + ")\n  " + printable(one.text) +
                "\n  remedy: " + printable(one.remedy) + "\n";
    }
    if (found.findings.size() == left_out) text += "nothing found\n";
    print_text(text);
}

#ifdef HOLDFAST_HAS_REDIS
// Quoted, so that both a shell and redis-cli take it as it stands.
int print_acl(const context& ctx, const std::string& user) {
    redis_acl_scope scope;
    for (const std::string& url : ctx.stores) {
        const std::string_view scheme = std::string_view(url).substr(0, url.find(':'));
        scope.sentinel = scope.sentinel || scheme.ends_with("-sentinel");
        scope.cluster = scope.cluster || scheme.ends_with("-cluster");
        scope.replicated = scope.replicated || url.find("durability=replicated") != url.npos;
    }
    if (ctx.whose) {
        scope.locks = scope.ranges = false;
        scope.dialects = {*ctx.whose};
    }
    const auto rules = redis_acl_rules(scope);
    if (ctx.json) {
        boost::json::array words;
        for (const std::string& rule : rules) words.push_back(boost::json::value(rule));
        boost::json::object row;
        row["user"] = user;
        row["rules"] = std::move(words);
        print_json(row);
        return exit_done;
    }
    std::string line = "ACL SETUSER " + user + " reset on '>PASSWORD'";
    for (const std::string& rule : rules) {
        const bool plain = rule.find_first_of("~&*>|{") == std::string::npos;
        line += plain ? " " + rule : " '" + rule + "'";
    }
    print_text(line + "\n");
    return exit_done;
}
#else
int print_acl(const context&, const std::string&) {
    say("doctor", "this program was built without Redis, which --acl is for");
    return exit_usage;
}
#endif

int run_doctor(const context& ctx, const doctor_arguments& given) {
    if (!given.acl_user.empty()) return print_acl(ctx, given.acl_user);
    auto locks = open_locker(ctx);
    if (!locks) return fail("doctor", locks.error());
    const auto found = locks->diagnose();
    if (!found) return fail("doctor", found.error());
    if (ctx.json)
        print_as_json(*found);
    else
        print_for_people(*found, given.all);
    const auto worst = found->worst();
    return worst && *worst != severity::note ? exit_findings : exit_done;
}

// What a server takes for a name, and a shell and redis-cli for one word.
std::string check_user(const std::string& name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.' || c == '@';
    };
    const bool good = !name.empty() && std::all_of(name.begin(), name.end(), fits);
    return good ? std::string{} : std::string{"a user is letters, digits and - _ . @"};
}

}  // namespace

void add_doctor(CLI::App& app, context& ctx) {
    auto given = std::make_shared<doctor_arguments>();
    auto* command = app.add_subcommand("doctor", "Look for what could break a lock on this store");
    command->add_flag("--all,-a", given->all, "Print notes, and the servers, too");
    command->add_option("--acl", given->acl_user, "Print the rights that this Redis user needs")
        ->type_name("USER")
        ->check(check_user);
    add_dialect(*command, ctx);
    command->callback([&ctx, given] { ctx.exit_code = run_doctor(ctx, *given); });
}

}  // namespace holdfast::cli
