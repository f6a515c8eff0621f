// SPDX-License-Identifier: BSL-1.0
#include "table.hpp"

#include <algorithm>

namespace holdfast::cli {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

const std::string& shown(const std::string& cell) {
    static const std::string nothing = "-";
    return cell.empty() ? nothing : cell;
}

}  // namespace

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string shortened(const std::string& text, std::size_t columns_max) {
    if (columns(text) <= columns_max) return text;
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end)
        if (begins_character(text[end]) && ++seen == columns_max) break;
    return text.substr(0, end) + "…";
}

std::string to_table(const table_rows& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns(shown(row[i])));
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string& cell = shown(row[i]);
            const bool last = i + 1 == row.size();
            text += cell + (last ? "\n" : std::string(widths[i] + 2 - columns(cell), ' '));
        }
    }
    return text;
}

}  // namespace holdfast::cli
