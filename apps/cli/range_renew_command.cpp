// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range renew KEY ID --ttl D`: lets a hold run out D from now.
// Exit: 0 renewed, 1 not there, 64 usage, 69 store.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct renew_range_arguments {
    std::string key;
    std::string id;
    std::chrono::milliseconds ttl{0};
};

int run_renew(const context& ctx, const renew_range_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range renew", ranges.error());
    const auto renewed = ranges->renew(given.key, read_id(given.id), given.ttl);
    if (!renewed)
        return report_failure(ctx, "range renew", "renewed", given.key, false, renewed.error());
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "key", given.key);
        row["renewed"] = true;
        row["remaining_ms"] = renewed->count();
        print_json(row);
    } else {
        print_fields(
            {{"key", printable(given.key)}, {"remaining_ms", std::to_string(renewed->count())}});
    }
    return exit_done;
}

}  // namespace

void add_range_renew(CLI::App& group, context& ctx) {
    auto given = std::make_shared<renew_range_arguments>();
    auto* command = group.add_subcommand("renew", "Extend a hold, by its id");
    add_range_key(*command, given->key);
    add_id(*command, given->id);
    add_ttl(*command, given->ttl)
        ->description("How long it is held from now on; a confirmed one stays confirmed")
        ->required();
    command->callback([&ctx, given] { ctx.exit_code = run_renew(ctx, *given); });
}

}  // namespace holdfast::cli
