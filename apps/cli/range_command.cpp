// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range COMMAND ...`: ranges of a key, such as the times of a room.
#include "range_command.hpp"

#include "exit_codes.hpp"
#include "instant.hpp"
#include "store_address.hpp"

namespace holdfast::cli {
namespace {

CLI::Option* add_bound(CLI::App& command, const std::string& flag, std::int64_t& target,
                       bool& in_time, const std::string& help) {
    return command
        .add_option_function<std::string>(
            flag,
            [&target, &in_time, flag](const std::string& text) {
                const auto parsed = parse_instant(text);
                if (!parsed)
                    throw CLI::ValidationError(flag, std::string(instead_of_instant(text)));
                target = *parsed;
                in_time = in_time || text.find_first_of("Tt") != std::string::npos;
            },
            help)
        ->type_name("")
        ->expected(1);
}

}  // namespace

void add_range_key(CLI::App& command, std::string& key) {
    command.add_option("KEY", key, "What has ranges, such as a room; 1 to 512 bytes")
        ->type_name("")
        ->required();
}

void add_start_and_end(CLI::App& command, given_range& target) {
    add_bound(command, "START", target.which.start, target.in_time,
              "A whole number, or an instant as in RFC 3339")
        ->required();
    add_bound(command, "END", target.which.end, target.in_time, "Likewise; not part of the range")
        ->required();
}

void add_window(CLI::App& command, given_range& target, bool required) {
    add_bound(command, "--from", target.which.start, target.in_time,
              "Where to begin: a whole number, or an instant as in RFC 3339")
        ->type_name("T")
        ->required(required);
    add_bound(command, "--to", target.which.end, target.in_time, "Where to end; not part of it")
        ->type_name("T")
        ->required(required);
}

CLI::Option* add_units(CLI::App& command, const std::string& flag, std::uint32_t& target,
                       const std::string& help) {
    return command.add_option(flag, target, help)
        ->type_name(flag.starts_with('-') ? "N" : "")
        ->expected(1)
        ->check(CLI::Range(1U, range_units_max));
}

result<range_locker> open_range_locker(const context& ctx) {
    const auto urls = choose_stores(ctx.stores, store_count::several);
    if (!urls) return urls.error();
    if (urls->size() > 1)
        return failure{errc::misuse,
                       "ranges are kept in one store, not by a quorum: its votes do not see each "
                       "other, so they cannot tell which holds are in each other's way"};
    return range_locker::open(urls->front(), options_of(ctx));
}

void add_range(CLI::App& app, context& ctx) {
    auto* group = app.add_subcommand("range", "Hold ranges of a key, such as times of a room");
    group->require_subcommand(1);
    add_range_hold(*group, ctx);
    add_range_get(*group, ctx);
    add_range_release(*group, ctx);
    add_range_renew(*group, ctx);
    add_range_confirm(*group, ctx);
    add_range_move(*group, ctx);
    add_range_list(*group, ctx);
    add_range_free(*group, ctx);
    add_range_capacity(*group, ctx);
}

}  // namespace holdfast::cli
