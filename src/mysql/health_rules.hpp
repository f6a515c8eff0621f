// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a MySQL or MariaDB server's account of itself means for locks. Pure: whoever
// asks the server is `health_check`.
// Thread safety: pure functions.
#pragma once

#include <holdfast/diagnosis.hpp>

#include "mysql/client/settings.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mysql {

/// What was learned of a server.
struct server_account {
    std::map<std::string, std::string, std::less<>> values;  ///< Variables and status.
    std::map<std::string, std::string, std::less<>> tables;  ///< Engines of those that are there.
    std::vector<std::string> denied;                         ///< What the server said to trials.
    std::optional<std::chrono::microseconds> clock_ahead{};
    std::chrono::microseconds clock_doubt{0};  ///< How wrong that may be.
    std::chrono::microseconds round_trip{0};

    /// @return The value; empty if the server does not know it.
    [[nodiscard]] std::string_view value(std::string_view name) const {
        const auto found = values.find(name);
        return found == values.end() ? std::string_view{} : std::string_view(found->second);
    }
};

[[nodiscard]] std::vector<finding> judge_server(const server_account& told, const settings& where);

}  // namespace holdfast::mysql
