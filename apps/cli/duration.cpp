// SPDX-License-Identifier: BSL-1.0
#include "duration.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t limit_ms = std::int64_t{100} * 366 * 24 * 3600 * 1000;

// Digits only: from_chars alone would take a minus sign.
std::optional<std::int64_t> parse_digits(std::string_view text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{}) return std::nullopt;
    return value;
}

std::int64_t unit_ms(std::string_view unit) {
    if (unit == "ms") return 1;
    if (unit == "s") return 1000;
    if (unit == "m") return 60'000;
    if (unit == "h") return 3'600'000;
    return 0;
}

std::optional<milliseconds> scaled(std::int64_t count, std::int64_t unit) {
    if (count > limit_ms / unit) return std::nullopt;
    return milliseconds{count * unit};
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = parse_digits(text.substr(0, digits));
    const auto unit = unit_ms(text.substr(digits));
    if (!count || unit == 0) return std::nullopt;
    return scaled(*count, unit);
}

std::optional<milliseconds> parse_seconds(std::string_view text) {
    const auto point = std::min(text.find('.'), text.size());
    const auto whole = text.substr(0, point);
    const auto fraction = point < text.size() ? text.substr(point + 1) : std::string_view{};
    if (whole.empty() && fraction.empty()) return std::nullopt;
    const auto seconds = whole.empty() ? std::optional<std::int64_t>{0} : parse_digits(whole);
    if (!seconds || (!fraction.empty() && !parse_digits(fraction.substr(0, 18))))
        return std::nullopt;
    if (fraction.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    auto total = scaled(*seconds, 1000);
    if (!total) return std::nullopt;
    std::int64_t unit = 100;  // Milliseconds in one unit of the digit.
    for (const char digit : fraction.substr(0, 3)) {
        *total += milliseconds{(digit - '0') * unit};
        unit /= 10;
    }
    const auto finer = fraction.size() > 3 ? fraction.substr(3) : std::string_view{};
    if (finer.find_first_not_of('0') != std::string_view::npos) *total += milliseconds{1};
    return total;
}

}  // namespace holdfast::cli
