// SPDX-License-Identifier: BSL-1.0
//
// `holdfast watch [PREFIX]`: prints each change of locks as it happens, until a signal ends it.
// Exit: 0 ended by a signal, 64 usage, 69 the store cannot be asked at the start.
#include "boot_time.hpp"
#include "context.hpp"
#include "errors.hpp"
#include "exit_codes.hpp"
#include "instant.hpp"
#include "lock_wait.hpp"
#include "output.hpp"
#include "signal_inbox.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace holdfast::cli {
namespace {

struct watch_arguments {
    std::string prefix;
};

[[nodiscard]] bool is_about_a_lock(const lock_change& change) noexcept {
    return change.what != change_kind::interrupted && change.what != change_kind::resumed;
}

[[nodiscard]] bool is_held_now(const lock_change& change) noexcept {
    return change.what == change_kind::held || change.what == change_kind::taken ||
           change.what == change_kind::handed_over;
}

boost::json::object row_of(const lock_change& change, std::int64_t at_ms) {
    boost::json::object row;
    row["at_ms"] = at_ms;
    row["change"] = to_string(change.what);
    if (!is_about_a_lock(change)) return row;
    for (const auto& [key, value] : to_json(change.lock)) row[key] = value;
    row["held"] = is_held_now(change);
    return row;
}

std::string to_line(const lock_change& change, std::int64_t at_ms) {
    std::string line = rfc3339(at_ms).value_or(std::to_string(at_ms));
    line.append(" ").append(to_string(change.what));
    if (change.what == change_kind::interrupted)
        return line + ": the store cannot be asked; it is tried again\n";
    if (!is_about_a_lock(change)) return line + "\n";
    holder_info who = change.lock.holder;
    if (!is_held_now(change)) who.remaining = std::chrono::milliseconds{-1};
    line += " " + in_quotes(change.lock.name) + (is_held_now(change) ? " by " : ", was held by ") +
            describe(who);
    if (const auto token = token_text(change.lock.fencing_token); !token.empty())
        line += ", fence " + token;
    return line + "\n";
}

int run_watch(const context& ctx, const watch_arguments& given) {
    const signal_inbox signals;
    auto locks = open_locker(ctx);
    if (!locks) return fail("watch", locks.error());
    std::optional<result<void>> outcome;
    const auto work = [&](const std::stop_token& told) {
        std::stop_source over;
        const std::stop_callback on_signal(told, [&over] { over.request_stop(); });
        const auto print = [&](const lock_change& change) {
            const std::int64_t at_ms = wall_now_ms();
            const bool printed =
                ctx.json ? print_json(row_of(change, at_ms)) : print_text(to_line(change, at_ms));
            if (!printed) over.request_stop();  // Who read it went away.
        };
        outcome.emplace(locks->watch(given.prefix, print, over.get_token()));
    };
    static_cast<void>(work_until_signal(work, signals, {}));
    return *outcome ? exit_done : fail("watch", outcome->error());
}

}  // namespace

void add_watch(CLI::App& app, context& ctx) {
    auto given = std::make_shared<watch_arguments>();
    auto* command = app.add_subcommand("watch", "Print each change of locks as it happens");
    command->add_option("PREFIX", given->prefix, "Only names that begin so")->type_name("");
    command->callback([&ctx, given] { ctx.exit_code = run_watch(ctx, *given); });
}

}  // namespace holdfast::cli
