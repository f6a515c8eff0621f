// SPDX-License-Identifier: BSL-1.0
//
// `holdfast release NAME ID`: gives back a lock that whoever knows its id holds.
// Exit: 0 released, 1 not held by that id, 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "holder_report.hpp"
#include "output.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct release_arguments {
    std::string name;
    std::string id;
};

int run_release(const context& ctx, const release_arguments& given) {
    auto locks = open_locker(ctx);
    if (!locks) return fail("release", locks.error());
    const auto released = locks->release({.name = given.name, .id = read_id(given.id)});
    if (!released) return report_not_mine(ctx, "release", given.name, "released", released.error());
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "name", given.name);
        row["released"] = true;
        print_json(row);
    }
    return exit_done;
}

}  // namespace

void add_release(CLI::App& app, context& ctx) {
    auto given = std::make_shared<release_arguments>();
    auto* command = app.add_subcommand("release", "Give a lock back, by its id");
    add_name(*command, given->name);
    add_id(*command, given->id);
    add_dialect(*command, ctx);
    command->callback([&ctx, given] { ctx.exit_code = run_release(ctx, *given); });
}

}  // namespace holdfast::cli
