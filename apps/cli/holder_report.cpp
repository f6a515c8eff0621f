// SPDX-License-Identifier: BSL-1.0
#include "holder_report.hpp"

#include "errors.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

namespace holdfast::cli {

int report_holder(const context& ctx, std::string_view command, std::string_view name,
                  const result<std::optional<lock_info>>& found) {
    if (!found) return fail(command, name, found.error());
    if (*found) {
        ctx.json ? print_json(to_json(**found)) : print_fields(to_fields(**found));
        return exit_done;
    }
    if (ctx.json) {
        boost::json::object row;
        put_bytes(row, "name", name);
        row["held"] = false;
        print_json(row);
    } else {
        say(command, in_quotes(name) + " is not held");
    }
    return exit_not_there;
}

int report_not_mine(const context& ctx, std::string_view command, std::string_view name,
                    std::string_view done, const failure& why) {
    if (ctx.json && why.code == errc::lost) {
        boost::json::object row;
        put_bytes(row, "name", name);
        row[done] = false;
        print_json(row);
    }
    return fail(command, name, why);
}

}  // namespace holdfast::cli
