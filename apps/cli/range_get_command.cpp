// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range get KEY ID`: prints a hold.
// Exit: 0 it is there, 1 it is not, 64 usage, 69 store.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"
#ifdef HOLDFAST_HAS_RANGE_LOCK
#include "range_dialect.hpp"
#endif

#include <memory>

namespace holdfast::cli {
namespace {

struct get_arguments {
    std::string key;
    std::string id;
#ifdef HOLDFAST_HAS_RANGE_LOCK
    range_dialect dialect;
#endif
};

int run_get(const context& ctx, const get_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range get", ranges.error());
    const auto found = ranges->get(given.key, read_id(given.id));
    if (!found) return fail("range get", found.error());
    if (!*found) return report_no_hold(ctx, "range get", given.key);
    print_hold(ctx, "held", **found, shown_id::beginning, false);
    return exit_done;
}

}  // namespace

void add_range_get(CLI::App& group, context& ctx) {
    auto given = std::make_shared<get_arguments>();
    auto* command = group.add_subcommand("get", "Print a range that is held, by its id");
    add_range_key(*command, given->key);
    add_id(*command, given->id);
#ifdef HOLDFAST_HAS_RANGE_LOCK
    add_range_dialect(*command, given->dialect);
#endif
    command->callback([&ctx, given] {
#ifdef HOLDFAST_HAS_RANGE_LOCK
        if (given->dialect.whose) {
            ctx.exit_code = get_in_dialect(ctx, given->dialect, given->key, given->id);
            return;
        }
#endif
        ctx.exit_code = run_get(ctx, *given);
    });
}

}  // namespace holdfast::cli
