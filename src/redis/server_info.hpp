// SPDX-License-Identifier: BSL-1.0
//
// What it is: the reply to INFO, or to CONFIG GET, as names and values.
// Thread safety: plain values.
#pragma once

#include "redis/resp/reply.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::redis {

/// See the top of the file. What a name means is the server's affair: others wrote the values.
class server_info {
public:
    /// Reads lines of `name:value`.
    void add_lines(std::string_view info);
    /// Reads the names and values of CONFIG GET; of a name that is known already nothing changes.
    void add_pairs(const resp::reply& config);

    /// @return The value; empty if there is none.
    [[nodiscard]] std::string_view text(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
    /// @return The whole number; nothing if it is none.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace holdfast::redis
