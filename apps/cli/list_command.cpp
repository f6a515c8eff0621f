// SPDX-License-Identifier: BSL-1.0
//
// `holdfast list [PREFIX]`: prints the locks that are held, one on each line.
// Exit: 0 (also when there is none), 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "output.hpp"
#include "table.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct list_arguments {
    std::string prefix;
};

std::string table_of(const std::vector<lock_info>& found) {
    table_rows rows{{"NAME", "ID", "OWNER", "HOST", "PID", "FENCE", "REMAINING_MS", "MODE",
                     "HOLDERS", "WAITERS"}};
    for (const auto& info : found) {
        auto& row = rows.emplace_back();
        for (auto& [key, value] : to_fields(info)) row.push_back(value);
    }
    return to_table(rows);
}

int run_list(const context& ctx, const list_arguments& given) {
    auto locks = open_locker(ctx);
    if (!locks) return fail("list", locks.error());
    const auto found = locks->list(given.prefix);
    if (!found) return fail("list", found.error());
    if (!ctx.json) {
        if (!found->empty()) print_text(table_of(*found));
        return exit_done;
    }
    for (const auto& info : *found) {
        if (!print_json(to_json(info))) break;
    }
    return exit_done;
}

}  // namespace

void add_list(CLI::App& app, context& ctx) {
    auto given = std::make_shared<list_arguments>();
    auto* command = app.add_subcommand("list", "Print the locks that are held");
    command->add_option("PREFIX", given->prefix, "Only names that begin so")->type_name("");
    command->callback([&ctx, given] { ctx.exit_code = run_list(ctx, *given); });
}

}  // namespace holdfast::cli
