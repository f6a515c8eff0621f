// SPDX-License-Identifier: BSL-1.0
//
// What it is: writes commands as a Redis server reads them: arrays of bulk strings.
// Thread safety: plain functions.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::redis::resp {

namespace detail {

inline void append_number(std::string& out, char type, std::integral auto value) {
    char line[24];
    line[0] = type;
    char* end = line + 1;
    if (value >= 0 && value < 10)  // Most of them.
        *end++ = static_cast<char>('0' + value);
    else
        end = std::to_chars(end, line + sizeof line - 2, value).ptr;
    end[0] = '\r';
    end[1] = '\n';
    out.append(line, static_cast<std::size_t>(end + 2 - line));
}

inline void append_argument(std::string& out, std::string_view argument) {
    append_number(out, '$', argument.size());
    out.append(argument).append("\r\n", 2);
}

inline void append_argument(std::string& out, std::integral auto value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    append_argument(out, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

}  // namespace detail

/// Appends one command to `out`: its name and arguments, texts (any bytes) or whole numbers.
template <class... Arguments>
void append_command(std::string& out, const Arguments&... arguments) {
    detail::append_number(out, '*', sizeof...(arguments));
    (detail::append_argument(out, arguments), ...);
}

}  // namespace holdfast::redis::resp
