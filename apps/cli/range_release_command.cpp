// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range release KEY ID`: gives a range back.
// Exit: 0 released, 1 not there, 64 usage, 69 store, 75 the mutex was not to be had.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct release_arguments : range_options {
    std::string id;
};

int run_release(const context& ctx, const release_arguments& given) {
    auto ranges = open_ranges(ctx, given);
    if (!ranges) return fail("range release", ranges.error());
    const auto gone = ranges->clear(given.key, read_id(given.id));
    if (!gone) return fail("range release", gone.error());
    if (!*gone) return report_no_range(ctx, "range release", given.key);
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "key", given.key);
        row["released"] = true;
        print_json(row);
    }
    return exit_done;
}

}  // namespace

void add_range_release(CLI::App& group, context& ctx) {
    auto given = std::make_shared<release_arguments>();
    auto* command = group.add_subcommand("release", "Give a range back, by its id");
    add_range_options(*command, *given);
    add_id(*command, given->id);
    command->callback([&ctx, given] { ctx.exit_code = run_release(ctx, *given); });
}

}  // namespace holdfast::cli
