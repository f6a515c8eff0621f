// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range hold KEY START END [--ttl D] [--data TEXT]`: holds [START, END) of KEY.
// Exit: 0 held, 64 usage, 69 store, 75 taken, or the mutex was not to be had, 128 + N ended by
// signal N.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "instant.hpp"
#include "range_command.hpp"
#include "signal_inbox.hpp"

#include <memory>
#include <optional>

namespace holdfast::cli {
namespace {

struct hold_arguments : range_options {
    std::int64_t from{0};
    std::int64_t to{0};
    std::chrono::milliseconds ttl = acquire_options{}.ttl;
    std::optional<std::string> data;
};

void add_end(CLI::App& command, const std::string& flag, std::int64_t& target,
             const std::string& help) {
    command
        .add_option_function<std::string>(
            flag,
            [&target, flag](const std::string& text) {
                const auto parsed = parse_instant(text);
                if (!parsed)
                    throw CLI::ValidationError(
                        flag, "a whole number, or an instant such as 2026-11-21T10:00:00Z");
                target = *parsed;
            },
            help)
        ->type_name("")
        ->required();
}

int report_blocker(const context& ctx, const compat::range_lock_lock& blocker) {
    if (ctx.json) {
        boost::json::object row;
        row["held"] = false;
        row["blocker"] = to_json(blocker, shown_id::beginning);
        print_json(row);
    } else {
        print_fields(to_fields(blocker, shown_id::beginning));
    }
    say("range hold", in_quotes(blocker.key()) + " is taken from " +
                          std::to_string(blocker.from()) + " to " + std::to_string(blocker.to()));
    return exit_taken;
}

bool print(const context& ctx, const compat::range_lock_lock& held) {
    if (!ctx.json) return print_fields(to_fields(held, shown_id::whole));
    boost::json::object row;
    row["held"] = true;
    for (auto& [key, value] : to_json(held, shown_id::whole)) row[key] = value;
    return print_json(row);
}

// A signal has to wait for the answer: nobody else would know the id of what was written.
int run_hold(const context& ctx, const hold_arguments& given) {
    const signal_inbox signals;
    auto ranges = open_ranges(ctx, given);
    if (!ranges) return fail("range hold", ranges.error());
    auto set = ranges->set(given.key, given.from, given.to, given.data, given.ttl);
    int signal = signals.next();
    while (signal != 0 && !ends_a_wait(signal)) signal = signals.next();
    if (signal != 0) {
        if (set && set->success) set->lock.release();
        return exit_signal_base + signal;
    }
    if (!set) return fail("range hold", set.error());
    if (!set->success) return report_blocker(ctx, set->lock);
    if (print(ctx, set->lock)) return exit_done;
    // Nobody knows the id now, so nobody but us can give it back.
    set->lock.release();
    say("range hold", "cannot write to standard output; the range was given back");
    return exit_unavailable;
}

}  // namespace

void add_range_hold(CLI::App& group, context& ctx) {
    auto given = std::make_shared<hold_arguments>();
    auto* command = group.add_subcommand("hold", "Hold the range from START to before END");
    add_range_options(*command, *given);
    add_end(*command, "START", given->from, "A whole number, or an instant as in RFC 3339");
    add_end(*command, "END", given->to, "Likewise; not part of the range");
    add_ttl(*command, given->ttl)
        ->description("How long it is held, unless released (default 30s)");
    command
        ->add_option_function<std::string>(
            "--data", [given](const std::string& text) { given->data = text; },
            "Kept with it and shown to others, at most 255 characters")
        ->type_name("TEXT")
        ->expected(1);
    command->callback([&ctx, given] { ctx.exit_code = run_hold(ctx, *given); });
}

}  // namespace holdfast::cli
