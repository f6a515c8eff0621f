// SPDX-License-Identifier: BSL-1.0
#include "range_timeline.hpp"

#include "instant.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace holdfast::cli {
namespace {

constexpr std::size_t usual_columns = 80;
constexpr std::size_t lanes_max = timeline_lines_max - 2;  // Beside the edges and what is left out.

/// One row of the picture: a letter for each column, which `glyph` makes a character of.
struct lane {
    std::string cells;
    std::int64_t end{0};  // Of the last hold in it.
};

// Turns numbers into columns.
struct scale {
    range shown;
    std::size_t width;

    [[nodiscard]] std::uint64_t distance(std::int64_t at) const {
        // Wraps around, as it should: the distance may be above what the signed type has.
        return static_cast<std::uint64_t>(at) - static_cast<std::uint64_t>(shown.start);
    }
    /// @return The column in which `at` is; `width` at the right edge.
    [[nodiscard]] std::size_t column(std::int64_t at) const {
        const auto part =
            static_cast<long double>(distance(at)) / static_cast<long double>(distance(shown.end));
        return static_cast<std::size_t>(part * static_cast<long double>(width));
    }
};

range edges_of(const std::vector<range_hold>& holds, range window) {
    if (window.start == everything.start) window.start = holds.front().start;
    if (window.end == everything.end) {
        window.end = holds.front().end;
        for (const range_hold& one : holds) window.end = std::max(window.end, one.end);
    }
    return window;
}

void draw(std::string& cells, const range_hold& hold, const scale& by) {
    const std::size_t last_column = cells.size() - 1;
    const std::size_t first =
        std::min(by.column(std::max(hold.start, by.shown.start)), last_column);
    const std::size_t end = by.column(std::min(hold.end, by.shown.end));
    const std::size_t last = std::clamp(end, first + 1, last_column + 1) - 1;
    for (std::size_t at = first; at <= last; ++at) {
        const char letter = at < last ? 'h' : 'e';
        const char drawn = hold.permanent ? (at < last ? 'H' : 'E') : letter;
        cells[at] = cells[at] == ' ' ? drawn : '+';
    }
}

std::string_view glyph(char letter) {
    switch (letter) {
        case 'h': return "▒";
        case 'e': return "░";
        case 'H': return "█";
        case 'E': return "▌";
        case '+': return "+";
        default: return " ";
    }
}

std::string edge_text(std::int64_t at, bool in_time) {
    const auto instant = in_time ? rfc3339(at) : std::nullopt;
    return instant ? *instant : std::to_string(at);
}

std::string edge_line(const scale& by, bool in_time) {
    const std::string left = edge_text(by.shown.start, in_time);
    const std::string right = edge_text(by.shown.end, in_time);
    const std::size_t taken = left.size() + right.size();
    return left + std::string(taken < by.width ? by.width - taken : 1, ' ') + right + '\n';
}

}  // namespace

std::optional<std::size_t> output_columns() {
    if (::isatty(STDOUT_FILENO) != 1) return std::nullopt;
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : usual_columns;
}

std::string draw_timeline(const std::vector<range_hold>& holds, range window, std::size_t width,
                          bool in_time) {
    const scale by{edges_of(holds, window), width};
    std::vector<lane> lanes;
    std::size_t left_out = 0;
    for (const range_hold& one : holds) {
        auto free = std::find_if(lanes.begin(), lanes.end(),
                                 [&](const lane& row) { return row.end <= one.start; });
        if (free == lanes.end() && lanes.size() == lanes_max) {
            ++left_out;
            continue;
        }
        if (free == lanes.end()) free = lanes.insert(free, {std::string(width, ' '), 0});
        draw(free->cells, one, by);
        free->end = one.end;
    }
    std::string text = edge_line(by, in_time);
    for (lane& row : lanes) {
        row.cells.erase(row.cells.find_last_not_of(' ') + 1);
        for (const char letter : row.cells) text += glyph(letter);
        text += '\n';
    }
    if (left_out > 0) text += "… and " + std::to_string(left_out) + " more, on top of these\n";
    return text;
}

}  // namespace holdfast::cli
