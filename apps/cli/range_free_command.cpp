// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range free KEY --length N --from T --to T [--units N]`: prints the first free range of
// that length in a window.
// Exit: 0 found, 1 there is none, 64 usage, 69 store.
#include "duration.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "instant.hpp"
#include "range_command.hpp"

#include <memory>
#include <optional>
#include <string>

namespace holdfast::cli {
namespace {

struct free_arguments {
    std::string key;
    given_range window;
    std::int64_t length{0};
    std::uint32_t units{1};
};

int run_free(const context& ctx, const free_arguments& given) {
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range free", ranges.error());
    const auto found = ranges->free_gap(given.key, given.length, given.window.which, given.units);
    if (!found) return fail("range free", found.error());
    if (!*found)
        return report_none(ctx, "range free", given.key, "free", "has no such room in there");
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "key", given.key);
        row["free"] = true;
        row["start"] = (*found)->start;
        row["end"] = (*found)->end;
        print_json(row);
    } else {
        print_fields({{"start", bound_text((*found)->start, given.window.in_time)},
                      {"end", bound_text((*found)->end, given.window.in_time)}});
    }
    return exit_done;
}

std::optional<std::int64_t> parse_length(const std::string& text) {
    if (const auto time = parse_duration(text)) return time->count();
    const auto number = parse_instant(text);
    const bool is_number = text.find_first_of("Tt") == std::string::npos;
    return is_number && number && *number > 0 ? number : std::nullopt;
}

void add_length(CLI::App& command, std::int64_t& length) {
    command
        .add_option_function<std::string>(
            "--length",
            [&length](const std::string& text) {
                const auto parsed = parse_length(text);
                if (!parsed || *parsed == 0)
                    throw CLI::ValidationError("--length",
                                               "a whole number above 0, or a duration such as 30m");
                length = *parsed;
            },
            "How long it is to be: a number, or a duration, which is in milliseconds")
        ->type_name("N")
        ->expected(1)
        ->required();
}

}  // namespace

void add_range_free(CLI::App& group, context& ctx) {
    auto given = std::make_shared<free_arguments>();
    auto* command = group.add_subcommand("free", "Print the first free range of a length");
    add_range_key(*command, given->key);
    add_length(*command, given->length);
    add_window(*command, given->window, true);
    add_units(*command, "--units", given->units, "It has room for so many (default 1)");
    command->callback([&ctx, given] { ctx.exit_code = run_free(ctx, *given); });
}

}  // namespace holdfast::cli
