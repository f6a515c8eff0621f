// SPDX-License-Identifier: BSL-1.0
//
// `holdfast renew NAME ID --ttl D`: extends a lock that whoever knows its id holds.
// Exit: 0 renewed, 1 not held by that id, 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "holder_report.hpp"
#include "output.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct renew_arguments {
    std::string name;
    std::string id;
    std::chrono::milliseconds ttl{0};
};

int run_renew(const context& ctx, const renew_arguments& given) {
    auto locks = open_locker(ctx);
    if (!locks) return fail("renew", locks.error());
    const auto renewed =
        locks->renew({.name = given.name, .id = read_id(given.id), .ttl = given.ttl});
    if (!renewed) return report_not_mine(ctx, "renew", given.name, "renewed", renewed.error());
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "name", given.name);
        row["renewed"] = true;
        row["remaining_ms"] = renewed->count();
        print_json(row);
    } else {
        print_fields(
            {{"name", printable(given.name)}, {"remaining_ms", std::to_string(renewed->count())}});
    }
    return exit_done;
}

}  // namespace

void add_renew(CLI::App& app, context& ctx) {
    auto given = std::make_shared<renew_arguments>();
    auto* command = app.add_subcommand("renew", "Extend a lock, by its id");
    add_name(*command, given->name);
    add_id(*command, given->id);
    add_ttl(*command, given->ttl)->required();
    add_dialect(*command, ctx);
    command->callback([&ctx, given] { ctx.exit_code = run_renew(ctx, *given); });
}

}  // namespace holdfast::cli
