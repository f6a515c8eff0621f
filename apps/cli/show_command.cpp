// SPDX-License-Identifier: BSL-1.0
//
// `holdfast show NAME`: prints who holds a lock.
// Exit: 0 it is held, 1 it is free, 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "holder_report.hpp"

#include <memory>
#include <string>

namespace holdfast::cli {
namespace {

int run_show(const context& ctx, const std::string& name) {
    auto locks = open_locker(ctx);
    if (!locks) return fail("show", locks.error());
    return report_holder(ctx, "show", name, locks->inspect(name));
}

}  // namespace

void add_show(CLI::App& app, context& ctx) {
    auto name = std::make_shared<std::string>();
    auto* command = app.add_subcommand("show", "Print who holds a lock");
    add_name(*command, *name);
    add_dialect(*command, ctx);
    command->callback([&ctx, name] { ctx.exit_code = run_show(ctx, *name); });
}

}  // namespace holdfast::cli
