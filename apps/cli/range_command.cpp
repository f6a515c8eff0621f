// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range COMMAND ...`: ranges of a key, held in the table of the Node package range-lock.
#include "range_command.hpp"

#include "exit_codes.hpp"

#include <cstdlib>

namespace holdfast::cli {
namespace {

std::string from_environment(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr ? text : "";
}

}  // namespace

void add_range_options(CLI::App& command, range_options& given) {
    command.add_option("KEY", given.key, "What has ranges, such as a room; 1 to 255 characters")
        ->type_name("")
        ->required();
    command
        .add_option("--dialect", given.whose,
                    "Whose ranges: range-lock, the only ones of this version; required")
        ->type_name("DIALECT")
        ->expected(1);
    command
        .add_option("--mutex", given.mutex,
                    "URL of the Redis server that keeps range-lock's mutexes (default: "
                    "HOLDFAST_MUTEX)")
        ->type_name("URL")
        ->expected(1);
}

result<compat::range_lock> open_ranges(const context& ctx, const range_options& given) {
    if (given.whose != "range-lock")
        return failure{errc::misuse,
                       "range locks of holdfast's own are not in this version: give --dialect "
                       "range-lock, the only one there is here"};
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
        return compat::range_lock(mutex, urls->front(), {.timeout = ctx.timeout});
    } catch (const lock_error& wrong) {
        return wrong.why();
    }
}

fields to_fields(const compat::range_lock_lock& lock, shown_id how) {
    fields lines{{"id", how == shown_id::whole ? printable(lock.id()) : short_id(lock.id())},
                 {"key", printable(lock.key())},
                 {"from", std::to_string(lock.from())},
                 {"to", std::to_string(lock.to())},
                 {"expiry", std::to_string(lock.expiry())}};
    if (lock.data()) lines.emplace_back("data", printable(*lock.data()));
    return lines;
}

boost::json::object to_json(const compat::range_lock_lock& lock, shown_id how) {
    boost::json::object row;
    put_bytes(row, "id", how == shown_id::whole ? lock.id() : short_id(lock.id()));
    put_bytes(row, "key", lock.key());
    row["from"] = lock.from();
    row["to"] = lock.to();
    row["expiry"] = lock.expiry();
    if (lock.data()) put_bytes(row, "data", *lock.data());
    return row;
}

int report_no_range(const context& ctx, std::string_view command, const std::string& key) {
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "key", key);
        row["held"] = false;
        print_json(row);
    } else {
        say(command, in_quotes(key) + " has no such lock, or no longer");
    }
    return exit_not_there;
}

void add_range(CLI::App& app, context& ctx) {
    auto* group = app.add_subcommand("range", "Hold ranges of a key, such as times of a room");
    group->require_subcommand(1);
    add_range_hold(*group, ctx);
    add_range_get(*group, ctx);
    add_range_release(*group, ctx);
}

}  // namespace holdfast::cli
