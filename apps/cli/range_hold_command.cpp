// SPDX-License-Identifier: BSL-1.0
//
// `holdfast range hold KEY START END [--ttl D] [--wait D] [--data TEXT] ...`: holds [START, END).
// Exit: 0 held, 64 usage, 69 store, 75 taken, 128 + N ended by signal N.
#include "errors.hpp"
#include "exit_codes.hpp"
#include "lock_wait.hpp"
#include "range_command.hpp"
#ifdef HOLDFAST_HAS_RANGE_LOCK
#include "range_dialect.hpp"
#endif

#include <memory>
#include <optional>
#include <utility>

namespace holdfast::cli {
namespace {

struct hold_arguments {
    std::string key;
    given_range where;
    range_options how;
    std::optional<std::string> data;
    std::optional<std::string> id;
#ifdef HOLDFAST_HAS_RANGE_LOCK
    range_dialect dialect;
#endif
};

constexpr std::string_view no_output = "cannot write to standard output; ";

// What was held already, by its id, may have more time, and other data, than was asked for now.
range_hold as_stored(range_locker& ranges, range_hold asked) {
    auto found = ranges.get(asked.key, asked.id);
    if (!found || !*found) return asked;
    return std::move(**found);
}

// Without its id nobody could end the hold before its ttl; and an id must not come back after a
// release, so a hold whose id was given stays, for whoever asks again.
int give_back(range_locker& ranges, const range_hold& held, bool id_is_known) {
    if (!id_is_known) ranges.release(held.key, held.id);
    say("range hold",
        std::string(no_output) + (id_is_known ? "the range is held, by the id that was given"
                                              : "the range was given back"));
    return exit_unavailable;
}

int run_hold(const context& ctx, const hold_arguments& given) {
    const signal_inbox signals;
    auto ranges = open_range_locker(ctx);
    if (!ranges) return fail("range hold", ranges.error());
    range_options how = given.how;
    how.data = given.data.value_or("");
    if (given.id) how.id = read_id(*given.id);
    if (given.id && how.id.empty()) return fail("range hold", {errc::misuse, "the id is empty"});
    std::optional<result<range_guard>> held;
    const auto hold = [&](std::stop_token stop) {
        how.stop = std::move(stop);
        held.emplace(ranges->hold(given.key, given.where.which.start, given.where.which.end, how));
    };
    const int signal = work_until_signal(hold, signals, nullptr);
    if (signal != 0) {
        // The grant may have come at the same moment as the signal.
        if (*held) (*held)->release();
        return exit_signal_base + signal;
    }
    const auto refused = [&](const failure& why) {
        return report_failure(ctx, "range hold", "held", given.key, given.where.in_time, why);
    };
    if (!*held) return refused(held->error());
    auto kept = (*held)->hand_over();
    if (!kept) return refused(kept.error());
    const range_hold told = given.id ? as_stored(*ranges, *kept) : *kept;
    if (print_hold(ctx, "held", told, shown_id::whole, given.where.in_time)) return exit_done;
    return give_back(*ranges, *kept, given.id.has_value());
}

void add_text(CLI::App& command, const std::string& flag, const std::string& type,
              std::optional<std::string>& target, const std::string& help) {
    command
        .add_option_function<std::string>(
            flag, [&target](const std::string& text) { target = text; }, help)
        ->type_name(type)
        ->expected(1);
}

void add_how(CLI::App& command, hold_arguments& given) {
    add_ttl(command, given.how.ttl)
        ->description("How long it is held, unless renewed, confirmed or released (default 30s)");
    add_text(command, "--data", "TEXT", given.data,
             "Kept with it and shown to others, at most 64 KiB");
    add_wait(command, "--wait", given.how.wait,
             "Longest wait while it is taken, or forever (default 0s: try once)");
    add_units(command, "--units", given.how.units, "How much of the capacity it takes (default 1)");
    add_units(command, "--capacity", given.how.capacity,
              "How many units may be held at once (default: see range capacity)");
    add_text(command, "--id", "ID", given.id,
             "An id of your own, such as an order's number; who asks again with it gets the same "
             "hold; - reads it from stdin");
    add_owner(command, given.how.owner);
}

}  // namespace

void add_range_hold(CLI::App& group, context& ctx) {
    auto given = std::make_shared<hold_arguments>();
    auto* command = group.add_subcommand("hold", "Hold the range from START to before END");
    add_range_key(*command, given->key);
    add_start_and_end(*command, given->where);
    add_how(*command, *given);
#ifdef HOLDFAST_HAS_RANGE_LOCK
    add_range_dialect(*command, given->dialect);
#endif
    command->callback([&ctx, given] {
#ifdef HOLDFAST_HAS_RANGE_LOCK
        const range& which = given->where.which;
        if (given->dialect.whose) {
            ctx.exit_code =
                hold_in_dialect(ctx, given->dialect,
                                {given->key, which.start, which.end, given->data, given->how.ttl});
            return;
        }
#endif
        ctx.exit_code = run_hold(ctx, *given);
    });
}

}  // namespace holdfast::cli
