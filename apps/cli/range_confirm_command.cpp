// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range confirm KEY ID`: makes a hold permanent: it stays until it is released.
// Exit: 0 confirmed, 1 not there, or it has run out, 64 usage, 69 store.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct confirm_arguments {
    std::string key;
    std::string id;
};

int run_confirm(const context& ctx, const confirm_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range confirm", ranges.error());
    const auto kept = ranges->confirm(given.key, read_id(given.id));
    if (!kept)
        return report_failure(ctx, "range confirm", "confirmed", given.key, false, kept.error());
    print_hold(ctx, "held", *kept, shown_id::beginning, false);
    return exit_done;
}

}  // namespace

void add_range_confirm(CLI::App& group, context& ctx) {
    auto given = std::make_shared<confirm_arguments>();
    auto* command = group.add_subcommand("confirm", "Keep a hold until it is released, by its id");
    add_range_key(*command, given->key);
    add_id(*command, given->id);
    command->callback([&ctx, given] { ctx.exit_code = run_confirm(ctx, *given); });
}

}  // namespace holdfast::cli
