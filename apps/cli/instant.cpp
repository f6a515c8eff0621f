// SPDX-License-Identifier: BSL-1.0
#include "instant.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>

namespace holdfast::cli {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes an instant apart, from its start on.
struct reader {
    std::string_view left;
    bool good{true};
    bool too_fine{false};   ///< It has digits that would be lost.
    bool no_offset{false};  ///< It ends where the distance to UTC should stand.

    /// Takes exactly `digits` digits.
    int number(std::size_t digits) {
        int value = 0;
        good = good && left.size() >= digits;
        for (std::size_t i = 0; good && i < digits; ++i) {
            good = is_digit(left[i]);
            value = value * 10 + (left[i] - '0');
        }
        if (good) left.remove_prefix(digits);
        return value;
    }
    /// Takes one of `allowed`. @return It; 0 if it is not there.
    char one_of(std::string_view allowed) {
        good = good && !left.empty() && allowed.find(left.front()) != std::string_view::npos;
        if (!good) return 0;
        const char found = left.front();
        left.remove_prefix(1);
        return found;
    }
    /// Takes a fraction of a second, if there is one. @return Milliseconds.
    int fraction() {
        if (!good || !left.starts_with('.')) return 0;
        left.remove_prefix(1);
        const auto digits = static_cast<std::size_t>(
            std::find_if_not(left.begin(), left.end(), is_digit) - left.begin());
        good = digits > 0;
        int value = 0;
        for (std::size_t i = 0; i < std::max<std::size_t>(digits, 3); ++i) {
            const int digit = i < digits ? left[i] - '0' : 0;
            if (i < 3)
                value = value * 10 + digit;
            else
                too_fine = too_fine || digit != 0;
        }
        left.remove_prefix(digits);
        return value;
    }
    /// Takes `Z`, or the distance to UTC. @return It.
    std::chrono::minutes offset() {
        no_offset = good && left.empty();
        const char sign = one_of("Zz+-");
        if (!good || sign == 'Z' || sign == 'z') return {};
        const int hours = number(2);
        one_of(":");
        const int minutes = number(2);
        good = good && hours <= 23 && minutes <= 59;
        const std::chrono::minutes distance(hours * 60 + minutes);
        return sign == '-' ? -distance : distance;
    }
};

constexpr std::string_view either = "a whole number, or an instant such as 2026-11-21T10:00:00Z";
constexpr std::string_view of_64_bits =
    "a whole number from -9223372036854775808 to 9223372036854775807";
constexpr std::string_view with_offset =
    "an instant with its offset at the end: Z, or one such as +01:00";
constexpr std::string_view in_milliseconds = "an instant no finer than a millisecond";
constexpr std::string_view in_the_calendar = "a date and a time that exist; a leap second is none";

// RFC 3339, section 5.6.
// @param instead  What it should have been, if it is none.
std::optional<std::int64_t> parse_rfc3339(std::string_view text, std::string_view& instead) {
    reader from{text};
    const std::chrono::year year(from.number(4));
    from.one_of("-");
    const std::chrono::month month(static_cast<unsigned>(from.number(2)));
    from.one_of("-");
    const std::chrono::day day(static_cast<unsigned>(from.number(2)));
    from.one_of("Tt");
    const int hours = from.number(2);
    from.one_of(":");
    const int minutes = from.number(2);
    from.one_of(":");
    const int seconds = from.number(2);
    const std::chrono::milliseconds fraction(from.fraction());
    const std::chrono::minutes offset = from.offset();
    const std::chrono::year_month_day date(year, month, day);
    const bool exists = date.ok() && hours <= 23 && minutes <= 59 && seconds <= 59;
    if (from.no_offset) instead = with_offset;
    if (!from.good || !from.left.empty()) return std::nullopt;
    instead = from.too_fine ? in_milliseconds : in_the_calendar;
    if (from.too_fine || !exists) return std::nullopt;
    const std::chrono::sys_time<std::chrono::milliseconds> when =
        std::chrono::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
        std::chrono::seconds(seconds) + fraction - offset;
    return when.time_since_epoch().count();
}

std::optional<std::int64_t> parse(std::string_view text, std::string_view& instead) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (stop == end && error == std::errc{}) return number;
    if (stop == end && error == std::errc::result_out_of_range) {
        instead = of_64_bits;
        return std::nullopt;
    }
    return parse_rfc3339(text, instead);
}

using sys_ms = std::chrono::sys_time<std::chrono::milliseconds>;

sys_ms beginning_of(int year) {
    return std::chrono::sys_days(std::chrono::year(year) / std::chrono::January / 1);
}

/// @return `number`, at least 0, with zeros in front.
std::string padded(std::int64_t number, std::size_t digits) {
    const std::string text = std::to_string(number);
    return std::string(digits - std::min(digits, text.size()), '0') + text;
}

}  // namespace

std::optional<std::int64_t> parse_instant(std::string_view text) {
    std::string_view instead;
    return parse(text, instead);
}

std::string_view instead_of_instant(std::string_view text) {
    std::string_view instead = either;
    static_cast<void>(parse(text, instead));
    return instead;
}

std::optional<std::string> rfc3339(std::int64_t ms) {
    const sys_ms when{std::chrono::milliseconds(ms)};
    if (when < beginning_of(0) || when >= beginning_of(10'000)) return std::nullopt;
    const auto midnight = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss time(when - midnight);
    std::string text = padded(static_cast<int>(date.year()), 4) + '-' +
                       padded(static_cast<unsigned>(date.month()), 2) + '-' +
                       padded(static_cast<unsigned>(date.day()), 2) + 'T' +
                       padded(time.hours().count(), 2) + ':' + padded(time.minutes().count(), 2) +
                       ':' + padded(time.seconds().count(), 2);
    if (time.subseconds().count() != 0) text += '.' + padded(time.subseconds().count(), 3);
    return text + 'Z';
}

}  // namespace holdfast::cli
