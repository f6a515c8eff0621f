// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the commands of `holdfast range` share: how ranges are given, the way to the
// store, and how holds are printed.
// Thread safety: for one thread.
#pragma once

#include <holdfast/range.hpp>
#include <holdfast/range_locker.hpp>

#include "context.hpp"
#include "output.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cli {

/// A range as it was given.
struct given_range {
    range which = everything;
    bool in_time{false};  ///< As instants: people are told instants, too, beside the numbers.
};

/// Adds KEY.
void add_range_key(CLI::App& command, std::string& key);
/// Adds START and END.
void add_start_and_end(CLI::App& command, given_range& target);
/// Adds `--from` and `--to`.
void add_window(CLI::App& command, given_range& target, bool required);
/// Adds an option, or an argument, that takes 1 to 1,000,000 units.
CLI::Option* add_units(CLI::App& command, const std::string& flag, std::uint32_t& target,
                       const std::string& help);

/// @return A locker on the one store that the options and the environment name. Connects later.
/// @par Errors  `misuse`: there are several stores, or the URL is wrong.
[[nodiscard]] result<range_locker> open_range_locker(const context& ctx);

/// Whether an id is printed as it is, or only its beginning: whoever knows it can release it.
enum class shown_id { whole, beginning };

/// @return An id for people.
[[nodiscard]] std::string id_text(std::string_view id, shown_id how);
/// @return An end of a range for people: the number, and the instant if it is one.
[[nodiscard]] std::string bound_text(std::int64_t at, bool in_time);
/// @return When a hold runs out, for people: milliseconds, or `confirmed`.
[[nodiscard]] std::string remaining_text(const range_hold& hold);

/// @return A hold's row in JSON, its id short; without one if the store told none.
[[nodiscard]] boost::json::object to_json(const range_hold& hold);
/// Prints a hold; as JSON, `done` is true. @return Whether all of it was written.
bool print_hold(const context& ctx, std::string_view done, const range_hold& hold, shown_id how,
                bool in_time);

/// Says why `command` did not succeed with `key`: with the holds in the way if it was taken, which
/// are printed, too. As JSON, `done` is false. @return The exit code.
int report_failure(const context& ctx, std::string_view command, std::string_view done,
                   std::string_view key, bool in_time, const failure& why);
/// Says that `key` lacks something; as JSON, `field` is false. @return The exit code.
int report_none(const context& ctx, std::string_view command, std::string_view key,
                std::string_view field, const std::string& lack);
/// The same of a hold.
int report_no_hold(const context& ctx, std::string_view command, std::string_view key);
/// Says, as JSON only, that it was released. @return The exit code.
int report_released(const context& ctx, std::string_view key);

/// The commands of the group: each adds itself to `group`.
void add_range_hold(CLI::App& group, context& ctx);
void add_range_get(CLI::App& group, context& ctx);
void add_range_release(CLI::App& group, context& ctx);
void add_range_renew(CLI::App& group, context& ctx);
void add_range_confirm(CLI::App& group, context& ctx);
void add_range_move(CLI::App& group, context& ctx);
void add_range_list(CLI::App& group, context& ctx);
void add_range_free(CLI::App& group, context& ctx);
void add_range_capacity(CLI::App& group, context& ctx);

}  // namespace holdfast::cli
