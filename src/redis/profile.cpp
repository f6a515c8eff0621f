// SPDX-License-Identifier: BSL-1.0
#include "redis/profile.hpp"

#include "redis/dialect_id.hpp"

#include <array>

namespace holdfast {
namespace {

struct dialect_name {
    dialect which;
    std::string_view name;
};

constexpr std::array dialect_names{dialect_name{dialect::redlock, "redlock"},
                                   dialect_name{dialect::warlock, "warlock"},
                                   dialect_name{dialect::dist_lock, "dist-lock"},
                                   dialect_name{dialect::dist_lock_1, "dist-lock-1"},
                                   dialect_name{dialect::process_lock, "process-lock"}};

constexpr std::size_t names_max = 64;

}  // namespace

std::string_view to_string(dialect which) noexcept {
    for (const auto& known : dialect_names)
        if (known.which == which) return known.name;
    return "unknown";
}

std::optional<dialect> dialect_named(std::string_view name) noexcept {
    for (const auto& known : dialect_names)
        if (known.name == name) return known.which;
    return std::nullopt;
}

result<std::string> join_names(const std::vector<std::string>& names) {
    if (names.empty() || names.size() > names_max)
        return failure{errc::misuse, "a lock has 1 to " + std::to_string(names_max) +
                                         " resources, not " + std::to_string(names.size())};
    std::string joined;
    for (const std::string& name : names) {
        if (name.empty() || name.size() > name_bytes_max)
            return failure{errc::misuse, "a resource has 1 to " + std::to_string(name_bytes_max) +
                                             " bytes, this one has " + std::to_string(name.size())};
        if (name.find('\0') != std::string::npos)
            return failure{errc::misuse, "a resource holds no NUL byte"};
        if (!joined.empty()) joined += '\0';
        joined += name;
    }
    return joined;
}

namespace redis {
namespace {

std::string as_it_is(std::string_view name) { return std::string(name); }
std::string with_suffix(std::string_view name) { return std::string(name) + ":lock"; }
std::string with_prefix(std::string_view name) { return "lock:" + std::string(name); }

}  // namespace

profile profile_of(dialect which, key_function key_of) {
    using namespace std::chrono_literals;
    profile how{.which = which, .name_limit = name_bytes_max};
    switch (which) {
        case dialect::redlock:
            how.tokens = false;
            how.several_names = true;
            how.name_limit = names_max * (name_bytes_max + 1);
            how.draw_id = hex_id;
            how.key_of = as_it_is;
            break;
        case dialect::warlock:
            how.draw_id = base64_uuid;
            how.key_of = with_suffix;
            break;
        case dialect::dist_lock:
            how.hash = true;
            how.draw_id = cuid;
            how.key_of = with_prefix;
            break;
        case dialect::dist_lock_1:
            how.granularity = 1s;
            how.draw_id = cuid;
            how.key_of = with_prefix;
            break;
        case dialect::process_lock:
            how.granularity = 1s;
            how.draw_id = uuid_v4;
            how.key_of = as_it_is;
            break;
    }
    if (key_of) how.key_of = std::move(key_of);
    return how;
}

std::vector<std::string> keys_of(const profile& how, std::string_view name) {
    if (!how.several_names) return {how.key_of(name)};
    std::vector<std::string> keys;
    for (;;) {  // Ends with the name.
        const std::size_t end = name.find('\0');
        keys.push_back(how.key_of(name.substr(0, end)));
        if (end == std::string_view::npos) return keys;
        name.remove_prefix(end + 1);
    }
}

std::optional<std::string> fence_key_beside(std::string_view key) {
    const std::string text(key);
    const std::size_t open = key.find('{');
    if (open == std::string_view::npos) {
        if (key.find('}') != std::string_view::npos) return std::nullopt;
        return "{" + text + "}:hf:fence";
    }
    const std::size_t close = key.find('}', open + 1);
    if (close == std::string_view::npos || close == open + 1) return std::nullopt;
    return text + ":hf:fence";
}

std::chrono::milliseconds round_up(const profile& how, std::chrono::milliseconds ttl) {
    const auto parts = (ttl + how.granularity - std::chrono::milliseconds(1)) / how.granularity;
    return parts * how.granularity;
}

}  // namespace redis
}  // namespace holdfast
