// SPDX-License-Identifier: BSL-1.0
//
// What it is: which keys a lock has on a Redis server: `{hf:NAME}` for the lock, and behind it `:f`
// for its fence counter, `:q` for the line of those who wait and `:w` for what they want, NAME
// encoded; and `{hr:NAME}:` and a letter for holds on ranges of NAME, see range_book.lua. The
// braces are a hash tag: in a cluster all keys of one name lie in one slot, and as names are
// encoded no name can move the tag.
// Thread safety: pure functions.
#pragma once

#include "base/name.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

[[nodiscard]] inline std::string lock_key(std::string_view name) {
    return "{hf:" + base::encode_name(name) + "}";
}

[[nodiscard]] inline std::string fence_key(std::string_view name) { return lock_key(name) + ":f"; }
[[nodiscard]] inline std::string line_key(std::string_view name) { return lock_key(name) + ":q"; }
[[nodiscard]] inline std::string waiters_key(std::string_view name) {
    return lock_key(name) + ":w";
}

/// @return What all keys and channels of the holds on ranges of `name` begin with.
[[nodiscard]] inline std::string range_key(std::string_view name) {
    return "{hr:" + base::encode_name(name) + "}";
}

/// @return All four, in the order that scripts have them.
[[nodiscard]] inline std::vector<std::string> all_keys(std::string_view name) {
    const std::string key = lock_key(name);
    std::vector<std::string> keys;
    keys.reserve(4);
    for (const char* const end : {"", ":f", ":q", ":w"}) keys.push_back(key + end);
    return keys;
}

/// The same keys without an allocation, one at a time.
class key_texts {
public:
    /// @param name  At most `name_bytes_max` bytes.
    explicit key_texts(std::string_view name) noexcept {
        char* end = std::copy_n("{hf:", 4, text_.data());
        end = base::encode_name(name.substr(0, name_bytes_max), end);
        *end++ = '}';
        lock_bytes_ = static_cast<std::size_t>(end - text_.data());
        *end = ':';
    }
    [[nodiscard]] std::string_view lock() const noexcept { return {text_.data(), lock_bytes_}; }
    [[nodiscard]] std::string_view fence() noexcept { return behind('f'); }
    [[nodiscard]] std::string_view line() noexcept { return behind('q'); }
    [[nodiscard]] std::string_view waiters() noexcept { return behind('w'); }

private:
    /// Valid until the next call.
    std::string_view behind(char what) noexcept {
        text_[lock_bytes_ + 1] = what;
        return {text_.data(), lock_bytes_ + 2};
    }

    std::array<char, base::encoded_bytes_max(name_bytes_max) + 8> text_;
    std::size_t lock_bytes_;
};

/// @return The name whose lock key this is, or nothing if it is no lock key.
[[nodiscard]] inline std::optional<std::string> name_of_key(std::string_view key) {
    if (!key.starts_with("{hf:") || !key.ends_with("}")) return std::nullopt;
    auto name = base::decode_name(key.substr(4, key.size() - 5));
    if (name && base::check_name(*name)) return std::nullopt;
    return name;
}

/// @return A pattern for SCAN that matches the lock keys of names with this prefix.
[[nodiscard]] inline std::string lock_key_pattern(std::string_view prefix) {
    std::string pattern = "{hf:";
    for (const char c : base::encode_name(prefix)) {
        if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern + "*}";
}

}  // namespace holdfast::redis
