// SPDX-License-Identifier: BSL-1.0
#include "redis/resp/reply.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::redis::resp {
namespace {

/// The first bytes of all types; versions 2 and 3.
constexpr std::string_view types = "+-:$*_#,(!=~>%|";

bool has_items(char type) noexcept {
    return std::string_view("*~>%|").find(type) != std::string_view::npos;
}

std::optional<std::int64_t> number(std::string_view digits) {
    std::int64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

}  // namespace

reader::state reader::broken(std::string_view why) {
    why_broken_ = why;
    return state::broken;
}

reader::state reader::next(reply& into) {
    if (!why_broken_.empty()) return state::broken;
    cursor_ = taken_;
    const state found = read_value(into, 0);
    if (found == state::ready) {
        taken_ = cursor_;
        if (taken_ == buffer_.size() || taken_ > reply_bytes_max) {
            buffer_.erase(0, taken_);
            taken_ = 0;
        }
        return found;
    }
    if (found == state::incomplete && buffer_.size() - taken_ > reply_bytes_max)
        return broken("a reply of more than 2 MiB");
    return found;
}

std::optional<std::string_view> reader::read_line() {
    const auto end = buffer_.find("\r\n", cursor_);
    if (end == std::string::npos) return std::nullopt;
    const std::string_view line = std::string_view(buffer_).substr(cursor_, end - cursor_);
    cursor_ = end + 2;
    return line;
}

reader::state reader::read_value(reply& into, unsigned depth) {
    if (depth > reply_depth_max) return broken("a reply nested too deeply");
    if (cursor_ == buffer_.size()) return state::incomplete;
    const char type = buffer_[cursor_];
    // Looked at before the line is complete: what is no Redis server may never end a line.
    if (types.find(type) == std::string_view::npos) return broken("a reply of an unknown type");
    const auto line = read_line();
    if (!line) return state::incomplete;
    into.type = kind::nil;
    into.integer = 0;
    into.text.clear();
    if (!has_items(type)) into.items.clear();
    const std::string_view rest = line->substr(1);
    switch (type) {
        case '+':
        case ',':
        case '(':
            into.type = kind::text;
            into.text = rest;
            return state::ready;
        case '-':
            into.type = kind::error;
            into.text = rest;
            return state::ready;
        case '_': return state::ready;
        case '#':
            if (rest != "t" && rest != "f") return broken("a boolean that is neither t nor f");
            into.type = kind::integer;
            into.integer = rest == "t" ? 1 : 0;
            return state::ready;
        default: break;
    }
    const auto count = number(rest);
    if (!count) return broken("a length or number that is none");
    switch (type) {
        case ':':
            into.type = kind::integer;
            into.integer = *count;
            return state::ready;
        case '$':
        case '=': into.type = kind::text; return read_blob(into, *count, type == '=');
        case '!': into.type = kind::error; return read_blob(into, *count, false);
        case '*':
        case '~': into.type = kind::array; return read_items(into, *count, depth);
        case '>': into.type = kind::push; return read_items(into, *count, depth);
        case '%':
        case '|': {
            into.type = kind::array;
            if (*count < 0 || *count > static_cast<std::int64_t>(reply_bytes_max))
                return broken("a map of impossible length");
            const state map = read_items(into, 2 * *count, depth);
            // An attribute only decorates the value that follows it.
            if (map != state::ready || type == '%') return map;
            return read_value(into, depth + 1);
        }
        default: return broken("a reply of an unknown type");
    }
}

reader::state reader::read_blob(reply& into, std::int64_t bytes, bool verbatim) {
    if (bytes == -1) {
        into.type = kind::nil;
        return state::ready;
    }
    if (bytes < 0 || bytes > static_cast<std::int64_t>(reply_bytes_max))
        return broken("a string of impossible length");
    const auto length = static_cast<std::size_t>(bytes);
    if (buffer_.size() - cursor_ < length + 2) return state::incomplete;
    std::string_view content = std::string_view(buffer_).substr(cursor_, length);
    if (std::string_view(buffer_).substr(cursor_ + length, 2) != "\r\n")
        return broken("a string without its end");
    cursor_ += length + 2;
    // A verbatim string begins with three letters for its format, and a colon.
    if (verbatim) content.remove_prefix(std::min<std::size_t>(4, content.size()));
    into.text = content;
    return state::ready;
}

reader::state reader::read_items(reply& into, std::int64_t count, unsigned depth) {
    if (count == -1) {
        into.type = kind::nil;
        into.items.clear();
        return state::ready;
    }
    // Each item has at least three bytes, so a greater count could never be completed.
    if (count < 0 || count > static_cast<std::int64_t>(reply_bytes_max / 3))
        return broken("an array of impossible length");
    // What is claimed is not believed before it has come.
    into.items.reserve(std::min<std::size_t>(static_cast<std::size_t>(count), 16));
    const auto items = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < items; ++i) {
        if (i == into.items.size()) into.items.emplace_back();
        const state item = read_value(into.items[i], depth + 1);
        if (item != state::ready) return item;
    }
    into.items.resize(items);
    return state::ready;
}

}  // namespace holdfast::redis::resp
