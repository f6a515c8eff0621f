// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range list KEY [--from T] [--to T] [--limit N]`: prints the holds in a window.
// Exit: 0 (also when there is none), 64 usage, 69 store.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"
#include "range_timeline.hpp"
#include "table.hpp"

#include <algorithm>
#include <memory>

namespace holdfast::cli {
namespace {

constexpr std::size_t limit_max = 100'000;

struct list_range_arguments {
    std::string key;
    given_range window;
    std::size_t limit = 1'000;
};

std::string table_of(const std::vector<range_hold>& found, bool in_time) {
    table_rows rows{{"START", "END", "UNITS", "OWNER", "FENCE", "REMAINING_MS", "ID"}};
    for (const range_hold& one : found)
        rows.push_back({bound_text(one.start, in_time), bound_text(one.end, in_time),
                        std::to_string(one.units), printable(one.owner),
                        token_text(one.fencing_token), remaining_text(one), short_id(one.id)});
    return to_table(rows);
}

void print_list(const context& ctx, const list_range_arguments& given,
                const std::vector<range_hold>& found) {
    if (ctx.json) {
        for (const range_hold& one : found) {
            if (!print_json(to_json(one))) return;
        }
        return;
    }
    if (found.empty()) return;
    std::string text;
    if (const auto width = output_columns())
        text = draw_timeline(found, given.window.which, *width, given.window.in_time) + '\n';
    print_text(text + table_of(found, given.window.in_time));
}

int run_list(const context& ctx, const list_range_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range list", ranges.error());
    // One more than is shown tells whether there are more.
    const std::size_t asked = std::min(given.limit + 1, limit_max);
    auto found = ranges->list(given.key, given.window.which, asked);
    if (!found) return fail("range list", found.error());
    const bool more = found->size() > given.limit;
    if (more) found->resize(given.limit);
    print_list(ctx, given, *found);
    if (more)
        say("range list", "there are more than these " + std::to_string(given.limit) +
                              ": give a higher --limit, or --from");
    return exit_done;
}

}  // namespace

void add_range_list(CLI::App& group, context& ctx) {
    auto given = std::make_shared<list_range_arguments>();
    auto* command = group.add_subcommand("list", "Print the ranges that are held");
    add_range_key(*command, given->key);
    add_window(*command, given->window, false);
    command->add_option("--limit", given->limit, "At most so many, up to 100000 (default 1000)")
        ->type_name("N")
        ->expected(1)
        ->check(CLI::Range(std::size_t{1}, limit_max));
    command->callback([&ctx, given] { ctx.exit_code = run_list(ctx, *given); });
}

}  // namespace holdfast::cli
