// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range get KEY ID`: prints a range that is held.
// Exit: 0 it is there, 1 it is not, 64 usage, 69 store, 75 the mutex was not to be had.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct get_arguments : range_options {
    std::string id;
};

int run_get(const context& ctx, const get_arguments& given) {
    auto ranges = open_ranges(ctx, given);
    if (!ranges) return fail("range get", ranges.error());
    const auto found = ranges->get(given.key, read_id(given.id));
    if (!found) return fail("range get", found.error());
    if (!*found) return report_no_range(ctx, "range get", given.key);
    if (!ctx.json) {
        print_fields(to_fields(**found, shown_id::beginning));
        return exit_done;
    }
    boost::json::object row;
    row["held"] = true;
    for (auto& [key, value] : to_json(**found, shown_id::beginning)) row[key] = value;
    print_json(row);
    return exit_done;
}

}  // namespace

void add_range_get(CLI::App& group, context& ctx) {
    auto given = std::make_shared<get_arguments>();
    auto* command = group.add_subcommand("get", "Print a range that is held, by its id");
    add_range_options(*command, *given);
    add_id(*command, given->id);
    command->callback([&ctx, given] { ctx.exit_code = run_get(ctx, *given); });
}

}  // namespace holdfast::cli
