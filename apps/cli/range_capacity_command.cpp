// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range capacity KEY [N]`: prints how many units of KEY may be held at once, or sets it.
// Exit: 0, 64 usage, 69 store.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "range_command.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct capacity_arguments {
    std::string key;
    std::uint32_t units{0};  // 0: it is asked for.
};

int run_capacity(const context& ctx, const capacity_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range capacity", ranges.error());
    std::uint32_t units = given.units;
    if (units != 0) {
        const auto set = ranges->set_capacity(given.key, units);
        if (!set) return fail("range capacity", set.error());
    } else {
        const auto found = ranges->capacity(given.key);
        if (!found) return fail("range capacity", found.error());
        units = *found;
    }
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "key", given.key);
        row["capacity"] = units;
        print_json(row);
    } else {
        print_fields({{"key", printable(given.key)}, {"capacity", std::to_string(units)}});
    }
    return exit_done;
}

}  // namespace

void add_range_capacity(CLI::App& group, context& ctx) {
    auto given = std::make_shared<capacity_arguments>();
    auto* command =
        group.add_subcommand("capacity", "Print or set how many units may be held at once");
    add_range_key(*command, given->key);
    add_units(*command, "N", given->units, "What to set, 1 to 1000000; 1 is the default");
    command->callback([&ctx, given] { ctx.exit_code = run_capacity(ctx, *given); });
}

}  // namespace holdfast::cli
