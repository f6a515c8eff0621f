// SPDX-License-Identifier: BSL-1.0
//
// `holdfast break NAME`: takes a lock away from its holder, and prints who that was.
// Exit: 0 taken away, 1 nobody held it, 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "holder_report.hpp"

#include <memory>
#include <string>

namespace holdfast::cli {
namespace {

int run_break(const context& ctx, const std::string& name) {
    auto locks = open_locker(ctx);
    if (!locks) return fail("break", locks.error());
    return report_holder(ctx, "break", name, locks->break_lock(name));
}

}  // namespace

void add_break(CLI::App& app, context& ctx) {
    auto name = std::make_shared<std::string>();
    auto* command = app.add_subcommand("break", "Take a lock away from its holder");
    add_name(*command, *name);
    command->callback([&ctx, name] { ctx.exit_code = run_break(ctx, *name); });
}

}  // namespace holdfast::cli
