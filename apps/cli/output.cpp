// SPDX-License-Identifier: BSL-1.0
#include "output.hpp"

#include "store_address.hpp"

#include <boost/json/serialize.hpp>

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace holdfast::cli {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

// @return The length of the UTF-8 character at the start of `text`, or 0 if there is none there.
// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const auto lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xC0U) != 0x80U) return 0;
    }
    const auto second = byte(1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
    if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
    return length;
}

// Calls `take(character, valid)` for each character, or each byte that belongs to none.
template <class Take>
void for_each_character(std::string_view text, const Take& take) {
    while (!text.empty()) {
        const auto length = utf8_length(text);
        take(text.substr(0, std::max<std::size_t>(length, 1)), length != 0);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
}

// C0, DEL and, as UTF-8, C1: a terminal may obey them.
bool is_control(std::string_view character) {
    const auto lead = static_cast<unsigned char>(character.front());
    if (lead < ' ' || lead == 127) return true;
    return lead == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

int first_print_error = 0;

std::string_view mode_text(const lock_info& info) {
    if (info.counted) return "counted";
    return info.mode == lock_mode::shared ? "shared" : "exclusive";
}

}  // namespace

std::string printable(std::string_view bytes) {
    std::string text;
    for_each_character(bytes, [&](std::string_view character, bool valid) {
        if (valid && !is_control(character)) {
            text += character;
            return;
        }
        for (const char c : character) {
            const auto byte = static_cast<unsigned char>(c);
            text += {'\\', 'x', hex_digits[byte >> 4U], hex_digits[byte & 15U]};
        }
    });
    return text;
}

std::string in_quotes(std::string_view bytes) { return '"' + printable(bytes) + '"'; }

std::string short_id(std::string_view id) {
    return printable(id.substr(0, std::min<std::size_t>(8, id.size() / 2))) + "…";
}

std::string spoken(std::chrono::milliseconds time) {
    if (time.count() < 1000) return std::to_string(time.count()) + " ms";
    const auto tenths = time.count() / 100;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " s";
}

void put_bytes(boost::json::object& row, std::string_view key, std::string_view bytes) {
    std::string text;
    std::string hex;
    bool all_valid = true;
    for_each_character(bytes, [&](std::string_view character, bool valid) {
        text += valid ? character : std::string_view{"\xEF\xBF\xBD"};
        all_valid = all_valid && valid;
    });
    row[key] = text;
    if (all_valid) return;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        hex += {hex_digits[byte >> 4U], hex_digits[byte & 15U]};
    }
    row[std::string{key} + "_hex"] = hex;
}

void put_token(boost::json::object& row, std::uint64_t token) {
    if (token != 0)
        row["fence"] = token;
    else
        row["fence"] = nullptr;
}

boost::json::object to_json(const lock_info& info) {
    boost::json::object row;
    put_bytes(row, "name", info.name);
    row["held"] = true;
    row["id"] = short_id(info.id);
    put_bytes(row, "owner", info.holder.owner);
    put_bytes(row, "host", info.holder.host);
    row["pid"] = info.holder.pid;
    put_token(row, info.fencing_token);
    if (info.holder.remaining.count() >= 0) {
        row["remaining_ms"] = info.holder.remaining.count();
    } else {
        row["remaining_ms"] = nullptr;
    }
    row["mode"] = mode_text(info);
    row["holders"] = info.holders;
    row["waiters"] = info.waiters;
    return row;
}

std::string token_text(std::uint64_t token) { return token != 0 ? std::to_string(token) : ""; }

fields to_fields(const lock_info& info) {
    const auto known = info.holder.remaining.count() >= 0;
    return {{"name", printable(info.name)},
            {"id", short_id(info.id)},
            {"owner", printable(info.holder.owner)},
            {"host", printable(info.holder.host)},
            {"pid", info.holder.pid != 0 ? std::to_string(info.holder.pid) : ""},
            {"fence", token_text(info.fencing_token)},
            {"remaining_ms", known ? std::to_string(info.holder.remaining.count()) : ""},
            {"mode", std::string{mode_text(info)}},
            {"holders", std::to_string(info.holders)},
            {"waiters", std::to_string(info.waiters)}};
}

bool print_text(std::string_view text) {
    if (write_all(STDOUT_FILENO, text)) return true;
    if (first_print_error == 0) first_print_error = errno != 0 ? errno : EIO;
    return false;
}

int print_error() noexcept { return first_print_error; }

bool print_json(const boost::json::object& row) {
    return print_text(boost::json::serialize(row) + '\n');
}

bool print_fields(const fields& lines) {
    std::string text;
    std::size_t width = 0;
    for (const auto& [key, value] : lines) width = std::max(width, key.size());
    for (const auto& [key, value] : lines) {
        text += key;
        if (!value.empty()) text += std::string(width + 2 - key.size(), ' ') + value;
        text += '\n';
    }
    return print_text(text);
}

void say(std::string_view what, std::string_view why) {
    // One write, so that lines of several processes do not mix.
    const auto line = "holdfast: " + printable(what) + ": " + printable(hide_passwords(why)) + '\n';
    write_all(STDERR_FILENO, line);
}

}  // namespace holdfast::cli
