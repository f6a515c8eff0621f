// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range move KEY ID START END`: moves a hold to another range, or leaves it where it is.
// Exit: 0 moved, 1 not there, 64 usage, 69 store, 75 taken: the hold is where it was.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct move_arguments {
    std::string key;
    std::string id;
    given_range to;
};

int run_move(const context& ctx, const move_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range move", ranges.error());
    const range& to = given.to.which;
    const auto moved = ranges->move(given.key, read_id(given.id), to.start, to.end);
    if (!moved)
        return report_failure(ctx, "range move", "moved", given.key, given.to.in_time,
                              moved.error());
    print_hold(ctx, "moved", *moved, shown_id::beginning, given.to.in_time);
    return exit_done;
}

}  // namespace

void add_range_move(CLI::App& group, context& ctx) {
    auto given = std::make_shared<move_arguments>();
    auto* command = group.add_subcommand("move", "Move a hold to another range, by its id");
    add_range_key(*command, given->key);
    add_id(*command, given->id);
    add_start_and_end(*command, given->to);
    command->callback([&ctx, given] { ctx.exit_code = run_move(ctx, *given); });
}

}  // namespace holdfast::cli
