// SPDX-License-Identifier: BSL-1.0
#include "range_dialect.hpp"

#include <holdfast/compat/range_lock.hpp>

#include "errors.hpp"
#include "exit_codes.hpp"
#include "output.hpp"
#include "range_command.hpp"
#include "signal_inbox.hpp"

#include <cstdlib>
#include <string>

namespace holdfast::cli {
namespace {

using compat::range_lock;
using compat::range_lock_lock;

std::string from_environment(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr ? text : "";
}

// Connects later. `misuse`: a server is missing or wrong.
result<range_lock> open_dialect_ranges(const context& ctx, const range_dialect& given) {
    if (given.whose != "range-lock")
        return failure{errc::misuse,
                       "ranges have one dialect: give --dialect range-lock, or none for ranges of "
                       "holdfast's own"};
    if (ctx.stores.empty() && from_environment("HOLDFAST_STORE").empty())
        return failure{errc::misuse,
                       "no database: give --store mysql://USER@HOST/DATABASE, or set "
                       "HOLDFAST_STORE"};
    const auto urls = store_urls(ctx);
    if (!urls) return urls.error();
    if (urls->size() > 1) return failure{errc::misuse, "ranges are kept in one database"};
    const std::string mutex =
        given.mutex.empty() ? from_environment("HOLDFAST_MUTEX") : given.mutex;
    if (mutex.empty())
        return failure{errc::misuse, "no mutex: give --mutex redis://HOST, or set HOLDFAST_MUTEX"};
    try {
        return range_lock(mutex, urls->front(), {.timeout = ctx.timeout});
    } catch (const lock_error& wrong) {
        return wrong.why();
    }
}

fields dialect_fields(const range_lock_lock& lock, shown_id how) {
    fields lines{{"id", id_text(lock.id(), how)},
                 {"key", printable(lock.key())},
                 {"from", std::to_string(lock.from())},
                 {"to", std::to_string(lock.to())},
                 {"expiry", std::to_string(lock.expiry())}};
    if (lock.data()) lines.emplace_back("data", printable(*lock.data()));
    return lines;
}

void put_lock(boost::json::object& row, const range_lock_lock& lock, shown_id how) {
    put_bytes(row, "id", how == shown_id::whole ? lock.id() : short_id(lock.id()));
    put_bytes(row, "key", lock.key());
    row["from"] = lock.from();
    row["to"] = lock.to();
    row["expiry"] = lock.expiry();
    if (lock.data()) put_bytes(row, "data", *lock.data());
}

bool print_lock(const context& ctx, const range_lock_lock& lock, shown_id how) {
    if (!ctx.json) return print_fields(dialect_fields(lock, how));
    boost::json::object row;
    row["held"] = true;
    put_lock(row, lock, how);
    return print_json(row);
}

int report_blocker(const context& ctx, const range_lock_lock& blocker) {
    if (ctx.json) {
        boost::json::object row;
        row["held"] = false;
        put_lock(row["blocker"].emplace_object(), blocker, shown_id::beginning);
        print_json(row);
    } else {
        print_fields(dialect_fields(blocker, shown_id::beginning));
    }
    say("range hold", in_quotes(blocker.key()) + " is taken from " +
                          std::to_string(blocker.from()) + " to " + std::to_string(blocker.to()));
    return exit_taken;
}

int report_no_lock(const context& ctx, std::string_view command, const std::string& key) {
    return report_none(ctx, command, key, "held", "has no such lock, or no longer");
}

}  // namespace

void add_range_dialect(CLI::App& command, range_dialect& given) {
    auto* whose = command
                      .add_option_function<std::string>(
                          "--dialect", [&given](const std::string& name) { given.whose = name; },
                          "Whose ranges, if not holdfast's own: range-lock, a Node package")
                      ->type_name("DIALECT")
                      ->expected(1);
    command
        .add_option("--mutex", given.mutex,
                    "URL of the Redis server that keeps range-lock's mutexes (default: "
                    "HOLDFAST_MUTEX)")
        ->type_name("URL")
        ->expected(1)
        ->needs(whose);
    for (const char* const own : {"--wait", "--units", "--capacity", "--id", "--owner"}) {
        if (auto* option = command.get_option_no_throw(own)) option->excludes(whose);
    }
}

// A signal has to wait for the answer: nobody else would know the id of what was written.
int hold_in_dialect(const context& ctx, const range_dialect& servers, const dialect_range& wanted) {
    const signal_inbox signals;
    auto ranges = open_dialect_ranges(ctx, servers);
    if (!ranges) return fail("range hold", ranges.error());
    auto set = ranges->set(wanted.key, wanted.from, wanted.to, wanted.data, wanted.ttl);
    int signal = signals.next();
    while (signal != 0 && !ends_a_wait(signal)) signal = signals.next();
    if (signal != 0) {
        if (set && set->success) set->lock.release();
        return exit_signal_base + signal;
    }
    if (!set) return fail("range hold", set.error());
    if (!set->success) return report_blocker(ctx, set->lock);
    if (print_lock(ctx, set->lock, shown_id::whole)) return exit_done;
    // Nobody knows the id now, so nobody but us can give it back.
    set->lock.release();
    say("range hold", "cannot write to standard output; the range was given back");
    return exit_unavailable;
}

int get_in_dialect(const context& ctx, const range_dialect& servers, const std::string& key,
                   const std::string& id) {
    auto ranges = open_dialect_ranges(ctx, servers);
    if (!ranges) return fail("range get", ranges.error());
    const auto found = ranges->get(key, read_id(id));
    if (!found) return fail("range get", found.error());
    if (!*found) return report_no_lock(ctx, "range get", key);
    print_lock(ctx, **found, shown_id::beginning);
    return exit_done;
}

int release_in_dialect(const context& ctx, const range_dialect& servers, const std::string& key,
                       const std::string& id) {
    auto ranges = open_dialect_ranges(ctx, servers);
    if (!ranges) return fail("range release", ranges.error());
    const auto gone = ranges->clear(key, read_id(id));
    if (!gone) return fail("range release", gone.error());
    if (!*gone) return report_no_lock(ctx, "range release", key);
    return report_released(ctx, key);
}

}  // namespace holdfast::cli
