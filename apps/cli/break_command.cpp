// SPDX-License-Identifier: BSL-1.0
//
// `holdfast break NAME`: takes a lock away from its holder, and prints who that was.
// Exit: 0 taken away, 1 nobody held it, 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct break_arguments {
    std::string name;
};

int run_break(const context& ctx, const break_arguments& given) {
    auto locks = open_locker(ctx);
    if (!locks) return fail("break", locks.error());
    const auto broken = locks->break_lock(given.name);
    if (!broken) return fail("break", given.name, broken.error());
    if (*broken) {
        ctx.json ? print_json(to_json(**broken)) : print_fields(to_fields(**broken));
        return exit_done;
    }
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "name", given.name);
        row["held"] = false;
        print_json(row);
    } else {
        say("break", in_quotes(given.name) + " is not held");
    }
    return exit_not_there;
}

}  // namespace

void add_break(CLI::App& app, context& ctx) {
    auto given = std::make_shared<break_arguments>();
    auto* command = app.add_subcommand("break", "Take a lock away from its holder");
    add_name(*command, given->name);
    command->callback([&ctx, given] { ctx.exit_code = run_break(ctx, *given); });
}

}  // namespace holdfast::cli
