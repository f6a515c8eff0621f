// SPDX-License-Identifier: BSL-1.0
//
// `holdfast acquire NAME [--ttl D] [--wait D] [--owner TEXT]`: takes NAME and leaves it taken.
// Exit: 0 taken, 64 usage, 69 store, 75 taken by somebody else, 128 + N ended by signal N.
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "lock_wait.hpp"
#include "output.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct acquire_arguments {
    std::string name;
    std::chrono::milliseconds ttl = acquire_options{}.ttl;
    std::chrono::milliseconds wait{0};
    std::string owner;
};

bool print(const context& ctx, const lease& taken, std::chrono::milliseconds remaining) {
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "name", taken.name);
        row["id"] = taken.id;
        put_token(row, taken.fencing_token);
        row["remaining_ms"] = remaining.count();
        return print_json(row);
    }
    return print_fields({{"name", printable(taken.name)},
                         {"id", taken.id},
                         {"fence", token_text(taken.fencing_token)},
                         {"remaining_ms", std::to_string(remaining.count())}});
}

int run_acquire(const context& ctx, const acquire_arguments& given) {
    signal_inbox signals;
    auto locks = open_locker(ctx);
    if (!locks) return fail("acquire", locks.error());
    const acquire_options options{.ttl = given.ttl,
                                  .wait = given.wait,
                                  .auto_renew = false,
                                  .fence = gives_tokens(ctx),
                                  .owner = given.owner};
    auto waited = wait_for_lock(*locks, given.name, options, signals, nullptr);
    if (waited.signal != 0) return exit_signal_base + waited.signal;
    if (!waited.outcome) return fail("acquire", given.name, waited.outcome.error());
    const auto remaining = waited.outcome->remaining();
    const auto taken = waited.outcome->hand_over();
    if (!taken) return fail("acquire", given.name, taken.error());
    if (print(ctx, *taken, remaining)) return exit_done;
    // Nobody knows the id now, so nobody but us can give it back.
    locks->release(*taken);
    say("acquire", "cannot write to standard output; the lock was given back");
    return exit_unavailable;
}

}  // namespace

void add_acquire(CLI::App& app, context& ctx) {
    auto given = std::make_shared<acquire_arguments>();
    auto* command = app.add_subcommand("acquire", "Take a lock and leave it taken for its ttl");
    add_name(*command, given->name);
    add_ttl(*command, given->ttl);
    add_wait(*command, "--wait", given->wait,
             "Longest wait while somebody else holds it, or forever (default 0s: try once)");
    add_owner(*command, given->owner);
    add_dialect(*command, ctx);
    command->callback([&ctx, given] { ctx.exit_code = run_acquire(ctx, *given); });
}

}  // namespace holdfast::cli
