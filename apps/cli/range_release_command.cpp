// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range release KEY ID`: ends a hold, also a confirmed one.
// Exit: 0 released, 1 not there, 64 usage, 69 store.
#include "errors.hpp"
#include "range_command.hpp"
#ifdef HOLDFAST_HAS_RANGE_LOCK
#include "range_dialect.hpp"
#endif

#include <memory>

namespace holdfast::cli {
namespace {

struct release_range_arguments {
    std::string key;
    std::string id;
#ifdef HOLDFAST_HAS_RANGE_LOCK
    range_dialect dialect;
#endif
};

int run_release(const context& ctx, const release_range_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range release", ranges.error());
    const auto gone = ranges->release(given.key, read_id(given.id));
    if (!gone)
        return report_failure(ctx, "range release", "released", given.key, false, gone.error());
    return report_released(ctx, given.key);
}

}  // namespace

void add_range_release(CLI::App& group, context& ctx) {
    auto given = std::make_shared<release_range_arguments>();
    auto* command = group.add_subcommand("release", "Give a range back, by its id");
    add_range_key(*command, given->key);
    add_id(*command, given->id);
#ifdef HOLDFAST_HAS_RANGE_LOCK
    add_range_dialect(*command, given->dialect);
#endif
    command->callback([&ctx, given] {
#ifdef HOLDFAST_HAS_RANGE_LOCK
        if (given->dialect.whose) {
            ctx.exit_code = release_in_dialect(ctx, given->dialect, given->key, given->id);
            return;
        }
#endif
        ctx.exit_code = run_release(ctx, *given);
    });
}

}  // namespace holdfast::cli
