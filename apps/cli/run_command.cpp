// SPDX-License-Identifier: BSL-1.0
//
// `holdfast run NAME [options] -- CMD ARG...`: runs CMD while NAME is held, renewing it.
// Exit: CMD's own code or 128 + its signal; 64 usage, 69 store, 75 taken (or -E), 76 lost,
// 126 and 127 CMD cannot be run, 128 + N the wait was ended by signal N.
#include "context.hpp"
#include "duration.hpp"
#include "run_under_lock.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

void check(const context& ctx, run_arguments& given) {
    if (ctx.command.empty()) {
        throw CLI::RequiredError("CMD (behind --, as in: holdfast run NAME -- CMD ARG...)");
    }
    given.command = ctx.command;
    if (given.grace.count() < 0) given.grace = default_grace(given.options.ttl);
    if (given.grace > given.options.ttl / 2) {
        throw CLI::ValidationError("--grace", "at most half of the ttl");
    }
    if (given.options.max_hold.count() <= 0) {
        throw CLI::ValidationError("--max-hold", "above 0");
    }
    if (given.min_hold > given.options.max_hold) {
        throw CLI::ValidationError("--min-hold", "at most --max-hold");
    }
}

// Who else may hold it at the same time, and who gets it next. Other packages' locks know nothing
// of this.
void add_company(CLI::App& command, run_arguments& given) {
    auto& options = given.options;
    auto* shared = command.add_flag_callback(
        "--shared", [&options] { options.mode = lock_mode::shared; },
        "Hold it together with others that share; keeps out who wants it alone");
    auto* permits = command.add_option("--permits", options.permits,
                                       "Let up to N hold it at once, 1 to 100000");
    permits->type_name("N")->check(CLI::Range(1U, permits_max));
    auto* fair =
        command.add_flag("--fair", options.fair, "Strictly first come, first served (Redis)");
    shared->excludes(permits);
    auto* whose = command.get_option_no_throw("--dialect");
    if (whose == nullptr) return;
    for (auto* option : {shared, permits, fair}) option->excludes(whose);
}

void add_wait_options(CLI::App& command, run_arguments& given) {
    auto& wait = given.options.wait;
    auto* longest = add_wait(command, "--wait", wait,
                             "Longest wait while somebody else holds it, or forever (default 0s)");
    auto* once = command.add_flag_callback(
        "-n", [&wait] { wait = milliseconds{0}; }, "Try once: as --wait 0s");
    auto* seconds = command.add_option_function<std::string>(
        "-w",
        [&wait](const std::string& text) {
            const auto parsed = parse_seconds(text);
            if (!parsed || *parsed > wait_max) {
                throw CLI::ValidationError("-w", "a number of seconds, at most 24 hours");
            }
            wait = *parsed;
        },
        "Longest wait, in seconds, with decimals, as in flock(1)");
    seconds->type_name("SECONDS");
    longest->excludes(once)->excludes(seconds);
    once->excludes(seconds);
}

void add_conflict_code(CLI::App& command, int& code) {
    command
        .add_option("-E", code, "Exit code when the lock is taken by somebody else (default 75)")
        ->type_name("CODE")
        ->check([](const std::string& text) {
            int value = -1;
            const bool fits = CLI::detail::lexical_cast(text, value) && value >= 0 && value <= 255;
            return fits ? std::string{} : std::string{"a number from 0 to 255"};
        });
}

}  // namespace

void add_run(CLI::App& app, context& ctx) {
    auto given = std::make_shared<run_arguments>();
    auto* command = app.add_subcommand("run", "Run a command while holding a lock");
    add_name(*command, given->name);
    add_ttl(*command, given->options.ttl);
    add_wait_options(*command, *given);
    add_duration(*command, "--grace", given->grace,
                 "From SIGTERM to SIGKILL when the lock is lost (default ttl/4, at most 5s)");
    add_duration(*command, "--max-hold", given->options.max_hold,
                 "End CMD after this long (default: never)");
    add_duration(*command, "--min-hold", given->min_hold,
                 "Keep the lock at least this long, even if CMD ends earlier");
    add_owner(*command, given->options.owner);
    add_dialect(*command, ctx);
    add_company(*command, *given);
    add_conflict_code(*command, given->conflict_code);
    command->footer("CMD and its arguments stand behind --: holdfast run NAME -- CMD ARG...");
    command->callback([&ctx, given] {
        check(ctx, *given);
        ctx.exit_code = run_under_lock(ctx, *given);
    });
}

}  // namespace holdfast::cli
