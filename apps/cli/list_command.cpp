// SPDX-License-Identifier: BSL-1.0
//
// `holdfast list [PREFIX]`: prints the locks that are held, one on each line.
// Exit: 0 (also when there is none), 64 usage, 69 store.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

#include <algorithm>
#include <memory>

namespace holdfast::cli {
namespace {

struct list_arguments {
    std::string prefix;
};

// How many columns of a terminal `text` takes, near enough: one for each UTF-8 character.
std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

std::string table_of(const std::vector<lock_info>& found) {
    std::vector<std::vector<std::string>> rows{{"NAME", "ID", "OWNER", "HOST", "PID", "FENCE",
                                                "REMAINING_MS", "MODE", "HOLDERS", "WAITERS"}};
    for (const auto& info : found) {
        auto& row = rows.emplace_back();
        for (auto& [key, value] : to_fields(info)) row.push_back(value.empty() ? "-" : value);
    }
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns(row[i]));
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const bool last = i + 1 == row.size();
            text += row[i] + (last ? "\n" : std::string(widths[i] + 2 - columns(row[i]), ' '));
        }
    }
    return text;
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
