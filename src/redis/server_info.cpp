// SPDX-License-Identifier: BSL-1.0
#include "redis/server_info.hpp"

#include <charconv>

namespace holdfast::redis {

void server_info::add_lines(std::string_view info) {
    while (!info.empty()) {
        const std::size_t end = info.find('\n');
        std::string_view line = info.substr(0, end);
        info.remove_prefix(end == std::string_view::npos ? info.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || line.starts_with('#')) continue;
        values_.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
}

void server_info::add_pairs(const resp::reply& config) {
    for (std::size_t i = 0; i + 1 < config.items.size(); i += 2)
        values_.emplace(config.items[i].text, config.items[i + 1].text);
}

std::string_view server_info::text(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::int64_t> server_info::number(std::string_view name) const {
    const std::string_view digits = text(name);
    const char* const end = digits.data() + digits.size();
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

}  // namespace holdfast::redis
