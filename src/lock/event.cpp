// SPDX-License-Identifier: BSL-1.0
#include <holdfast/event.hpp>

#include <array>
#include <chrono>

namespace holdfast {
namespace {

void append_quoted(std::string& line, std::string_view key, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (text.empty()) return;
    line.append(" ").append(key).append("=\"");
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e) {
            line.append("\\x").push_back(digits[byte >> 4]);
            line.push_back(digits[byte & 15]);
            continue;
        }
        if (c == '"' || c == '\\') line.push_back('\\');
        line.push_back(c);
    }
    line.push_back('"');
}

void append_plain(std::string& line, std::string_view key, std::string_view word) {
    line.append(" ").append(key).append("=").append(word);
}

/// What the duration of an event of that kind is.
std::string_view duration_key(event_kind kind) noexcept {
    switch (kind) {
        case event_kind::slow_acquire: return "took_ms";
        case event_kind::lost: return "held_ms";
        case event_kind::renewal_late: return "left_ms";
        case event_kind::connect_failed: return "retry_in_ms";
        default: return {};
    }
}

}  // namespace

std::string_view to_string(event_level level) noexcept {
    switch (level) {
        case event_level::info: return "info";
        case event_level::warning: return "warning";
        case event_level::error: return "error";
    }
    return "unknown";
}

std::string_view to_string(event_kind kind) noexcept {
    constexpr std::array<std::string_view, 11> names{
        "unknown",     "connected",    "disconnected",     "connect-failed",
        "lost",        "slow-acquire", "release-in-doubt", "renewal-late",
        "quarantined", "node-skipped", "node-back"};
    const auto index = static_cast<std::size_t>(kind);
    return index < names.size() ? names[index] : names[0];
}

std::string to_string(const event& what) {
    std::string line(to_string(what.kind));
    append_plain(line, "level", to_string(what.level));
    append_quoted(line, "name", what.name);
    append_quoted(line, "node", what.node);
    append_quoted(line, "id", what.id);
    if (what.code) append_plain(line, "code", to_string(*what.code));
    if (what.reason != lost_reason::none) append_plain(line, "reason", to_string(what.reason));
    if (const auto key = duration_key(what.kind); !key.empty()) {
        const auto length = std::chrono::floor<std::chrono::milliseconds>(what.duration);
        append_plain(line, key, std::to_string(length.count()));
    }
    if (what.suppressed > 0) append_plain(line, "suppressed", std::to_string(what.suppressed));
    append_quoted(line, "text", what.text);
    return line;
}

}  // namespace holdfast
