// SPDX-License-Identifier: BSL-1.0
//
// `holdfast show NAME`: prints who holds a lock.
// Exit: 0 it is held, 1 it is free, 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct show_arguments {
    std::string name;
};

int run_show(const context& ctx, const show_arguments& given) {
    auto locks = open_locker(ctx);
    if (!locks) return fail("show", locks.error());
    const auto found = locks->inspect(given.name);
    if (!found) return fail("show", given.name, found.error());
    if (*found) {
        ctx.json ? print_json(to_json(**found)) : print_fields(to_fields(**found));
        return exit_done;
    }
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "name", given.name);
        row["held"] = false;
        print_json(row);
    } else {
        say("show", in_quotes(given.name) + " is not held");
    }
    return exit_not_there;
}

}  // namespace

void add_show(CLI::App& app, context& ctx) {
    auto given = std::make_shared<show_arguments>();
    auto* command = app.add_subcommand("show", "Print who holds a lock");
    add_name(*command, given->name);
    command->callback([&ctx, given] { ctx.exit_code = run_show(ctx, *given); });
}

}  // namespace holdfast::cli
