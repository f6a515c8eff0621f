// SPDX-License-Identifier: BSL-1.0
//
// What it is: what all commands share: the options before the command, the way to the store, and
// the exit code.
// Thread safety: for one thread; `open_locker` must come after every fork.
#pragma once

#include <holdfast/dialect.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/lease.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/options.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// The shared options, and what the program ends with.
struct context {
    std::vector<std::string> stores;                               ///< `--store`
    std::optional<dialect> whose;                                  ///< `--dialect`
    bool json{false};                                              ///< `--json`
    bool verbose{false};                                           ///< `--verbose`
    std::chrono::milliseconds timeout = locker_options{}.timeout;  ///< `--timeout`
    std::vector<std::string> command;  ///< What stands behind `--`, for `run`.
    bool default_sigpipe{true};        ///< SIGPIPE was not ignored when we were started.
    int exit_code{0};
};

/// @return The URLs of the stores that the options and the environment name.
[[nodiscard]] result<std::vector<std::string>> store_urls(const context& ctx);
/// @return A locker on those stores, in the dialect that was asked for. Connects later.
[[nodiscard]] result<locker> open_locker(const context& ctx, const std::vector<std::string>& urls);
/// The same on `store_urls(ctx)`.
[[nodiscard]] result<locker> open_locker(const context& ctx);
/// @return How the options say to speak with the store.
[[nodiscard]] locker_options options_of(const context& ctx);
/// @return Whether locks have fencing tokens: where votes are counted, they have none.
[[nodiscard]] bool gives_tokens(const context& ctx) noexcept;

/// Adds an option that takes a duration with a unit.
CLI::Option* add_duration(CLI::App& command, const std::string& flag,
                          std::chrono::milliseconds& target, const std::string& help);
/// As `add_duration`; the word `forever` is allowed too.
CLI::Option* add_wait(CLI::App& command, const std::string& flag, std::chrono::milliseconds& target,
                      const std::string& help);
/// Adds the lock's name as the first argument; checked before anything is sent.
CLI::Option* add_name(CLI::App& command, std::string& name);
/// Adds `--ttl`, with the library's limits and default.
CLI::Option* add_ttl(CLI::App& command, std::chrono::milliseconds& ttl);
/// Adds `--owner`.
CLI::Option* add_owner(CLI::App& command, std::string& owner);
/// Adds `--dialect`, where this program was built with the dialects.
void add_dialect(CLI::App& command, context& ctx);
/// Adds the id as an argument; `-` is read from stdin when it is used, see `read_id`.
CLI::Option* add_id(CLI::App& command, std::string& id);

/// @return `given`, or the first line of stdin if it is `-`.
[[nodiscard]] std::string read_id(const std::string& given);

/// The commands: each adds itself to `app`; when it was chosen, it leaves `ctx.exit_code`.
void add_run(CLI::App& app, context& ctx);
void add_acquire(CLI::App& app, context& ctx);
void add_renew(CLI::App& app, context& ctx);
void add_release(CLI::App& app, context& ctx);
void add_break(CLI::App& app, context& ctx);
void add_show(CLI::App& app, context& ctx);
void add_list(CLI::App& app, context& ctx);
void add_bench(CLI::App& app, context& ctx);
void add_doctor(CLI::App& app, context& ctx);
void add_watch(CLI::App& app, context& ctx);
void add_completion(CLI::App& app, context& ctx);
void add_range(CLI::App& app, context& ctx);
/// The options before the command, and all the commands.
void add_everything(CLI::App& app, context& ctx);

}  // namespace holdfast::cli
