// SPDX-License-Identifier: BSL-1.0
//
// How the commands of `holdfast range` print holds, and what is in the way of them.
#include <holdfast/range_store.hpp>

#include "errors.hpp"
#include "exit_codes.hpp"
#include "instant.hpp"
#include "range_command.hpp"
#include "table.hpp"

#include <algorithm>

namespace holdfast::cli {
namespace {

constexpr std::size_t data_columns = 40;  // In a table.

bool all_take_one(const std::vector<range_hold>& holds) {
    return std::all_of(holds.begin(), holds.end(),
                       [](const range_hold& one) { return one.units == 1; });
}

void print_blockers(const std::vector<range_hold>& blockers, bool in_time) {
    if (blockers.empty()) return;
    const bool has_units = !all_take_one(blockers);
    table_rows rows{{"START", "END"}};
    if (has_units) rows.front().emplace_back("UNITS");
    for (const char* const heading : {"OWNER", "REMAINING_MS", "DATA"})
        rows.front().emplace_back(heading);
    for (const range_hold& one : blockers) {
        auto& row = rows.emplace_back();
        row = {bound_text(one.start, in_time), bound_text(one.end, in_time)};
        if (has_units) row.push_back(std::to_string(one.units));
        row.push_back(printable(one.owner));
        row.push_back(remaining_text(one));
        row.push_back(shortened(printable(one.data), data_columns));
    }
    print_text(to_table(rows));
}

std::string who_is_in_the_way(const std::vector<range_hold>& blockers, bool in_time) {
    if (blockers.empty()) return "";
    const range_hold& first = blockers.front();
    std::string text =
        " from " + bound_text(first.start, in_time) + " to " + bound_text(first.end, in_time);
    if (!first.owner.empty()) text += " by " + in_quotes(first.owner);
    if (blockers.size() == 1) return text;
    return text + (blockers.size() < blockers_max ? ", and " : ", and at least ") +
           std::to_string(blockers.size() - 1) + " more";
}

int report_taken(const context& ctx, std::string_view command, std::string_view done,
                 std::string_view key, bool in_time, const failure& why) {
    if (ctx.json) {
        boost::json::object row;
        row[done] = false;
        auto& blockers = row["blockers"].emplace_array();
        for (const range_hold& one : why.blockers) blockers.push_back(to_json(one));
        print_json(row);
    } else {
        print_blockers(why.blockers, in_time);
    }
    say(command, in_quotes(key) + " is taken" + who_is_in_the_way(why.blockers, in_time) +
                     (why.code == errc::timed_out ? " (not free in time)" : ""));
    return exit_taken;
}

}  // namespace

std::string id_text(std::string_view id, shown_id how) {
    return how == shown_id::whole ? printable(id) : short_id(id);
}

std::string bound_text(std::int64_t at, bool in_time) {
    const auto instant = in_time ? rfc3339(at) : std::nullopt;
    return std::to_string(at) + (instant ? " (" + *instant + ")" : "");
}

std::string remaining_text(const range_hold& hold) {
    return hold.permanent ? "confirmed" : std::to_string(hold.remaining.count());
}

boost::json::object to_json(const range_hold& hold) {
    boost::json::object row;
    put_bytes(row, "key", hold.key);
    if (!hold.id.empty()) row["id"] = short_id(hold.id);
    row["start"] = hold.start;
    row["end"] = hold.end;
    row["units"] = hold.units;
    put_token(row, hold.fencing_token);
    row["confirmed"] = hold.permanent;
    if (hold.permanent) {
        row["remaining_ms"] = nullptr;
    } else {
        row["remaining_ms"] = hold.remaining.count();
    }
    put_bytes(row, "owner", hold.owner);
    put_bytes(row, "data", hold.data);
    return row;
}

bool print_hold(const context& ctx, std::string_view done, const range_hold& hold, shown_id how,
                bool in_time) {
    if (ctx.json) {
        boost::json::object row;
        row[done] = true;
        for (auto& [key, value] : to_json(hold)) row[key] = value;
        if (how == shown_id::whole) put_bytes(row, "id", hold.id);
        return print_json(row);
    }
    fields lines{{"key", printable(hold.key)},
                 {"id", id_text(hold.id, how)},
                 {"start", bound_text(hold.start, in_time)},
                 {"end", bound_text(hold.end, in_time)},
                 {"fence", token_text(hold.fencing_token)},
                 {"remaining_ms", remaining_text(hold)}};
    if (hold.units != 1) lines.emplace_back("units", std::to_string(hold.units));
    if (!hold.owner.empty()) lines.emplace_back("owner", printable(hold.owner));
    if (!hold.data.empty()) lines.emplace_back("data", printable(hold.data));
    return print_fields(lines);
}

int report_failure(const context& ctx, std::string_view command, std::string_view done,
                   std::string_view key, bool in_time, const failure& why) {
    switch (why.code) {
        case errc::contended:
        case errc::timed_out: return report_taken(ctx, command, done, key, in_time, why);
        case errc::lost: return report_no_hold(ctx, command, key);
        default: return fail(command, why);
    }
}

int report_none(const context& ctx, std::string_view command, std::string_view key,
                std::string_view field, const std::string& lack) {
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "key", key);
        row[field] = false;
        print_json(row);
    } else {
        say(command, in_quotes(key) + " " + lack);
    }
    return exit_not_there;
}

int report_no_hold(const context& ctx, std::string_view command, std::string_view key) {
    return report_none(ctx, command, key, "held", "has no such hold, or it has run out");
}

int report_released(const context& ctx, std::string_view key) {
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "key", key);
        row["released"] = true;
        print_json(row);
    }
    return exit_done;
}

}  // namespace holdfast::cli
