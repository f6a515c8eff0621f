// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a server's own account of itself means for locks. Pure: whoever asks the server
// is `health_check`.
// Thread safety: pure functions.
#pragma once

#include <holdfast/diagnosis.hpp>

#include "redis/client/settings.hpp"
#include "redis/rights.hpp"
#include "redis/server_info.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// What was learned of a server.
struct server_account {
    server_info info;            ///< INFO and, as far as the user may, CONFIG GET.
    bool config_read{false};     ///< CONFIG GET was answered.
    bool resp3{false};           ///< It speaks the newer protocol.
    std::string info_refused{};  ///< The server's words, if it did not answer INFO.
    std::optional<std::chrono::microseconds> clock_ahead{};
    std::chrono::microseconds clock_doubt{0};  ///< How wrong that may be.
    std::chrono::microseconds round_trip{0};   ///< The shortest of a few.
};

/// @return What is to be said of the server itself.
[[nodiscard]] std::vector<finding> judge_server(const server_account& told, const settings& where);

/// What the server answered when the user tried a right.
struct tried_right {
    const right* which{nullptr};
    std::string answer{};  ///< The error; empty: it may.
};

/// @return A finding for each right that is missing.
/// @param user  As the server calls it.
[[nodiscard]] std::vector<finding> judge_rights(const std::vector<tried_right>& tried,
                                                std::string_view user, const std::string& address,
                                                std::string_view key_pattern);

/// @return The name of the product and its version: `Redis 7.0.15`; empty if it did not tell.
[[nodiscard]] std::string version_text(const server_info& info);

}  // namespace holdfast::redis
