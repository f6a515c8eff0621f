// SPDX-License-Identifier: BSL-1.0
#include "mysql/seed_cells.hpp"

#include <holdfast/options.hpp>

#include "mysql/seed_number.hpp"

namespace holdfast::mysql {
namespace {

constexpr std::int64_t characters_max = 255;
/// Up to here doubles, by which originals compare, tell whole numbers apart.
constexpr std::int64_t bound_max = std::int64_t{1} << 53;
/// In the answers that hold a row, its id stands here.
constexpr std::size_t first_cell = 2;
constexpr std::size_t row_cells = 6;

failure bad(std::string rule) { return {errc::misuse, std::move(rule)}; }

}  // namespace

bool is_passing(errc code) noexcept {
    return code == errc::unreachable || code == errc::timed_out || code == errc::in_doubt;
}

std::optional<seed_row> read_row(const answer& said) {
    if (said.rows.empty() || said.rows[0].size() != first_cell + row_cells) return std::nullopt;
    const cell* const cells = &said.rows[0][first_cell];
    if (std::holds_alternative<std::monostate>(cells[0])) return std::nullopt;
    seed_row row{.id = text_of(cells[0]),
                 .key = text_of(cells[1]),
                 .from = read_number(text_of(cells[2]), rounding::down),
                 .to = read_number(text_of(cells[3]), rounding::up),
                 .expiry_ms = read_number(text_of(cells[4]), rounding::up)};
    if (!std::holds_alternative<std::monostate>(cells[5])) row.data = text_of(cells[5]);
    return row;
}

std::optional<failure> check_text(std::string_view what, std::string_view text) {
    const std::int64_t characters = count_characters(text);
    if (characters < 0) return bad(std::string(what) + " is not UTF-8");
    if (characters < 1 || characters > characters_max)
        return bad(std::string(what) + " has 1 to 255 characters, not " +
                   std::to_string(characters));
    if (text.find('\0') != std::string_view::npos)
        return bad(std::string(what) + " holds no NUL byte");
    return std::nullopt;
}

std::optional<failure> check_wish(const seed_wish& wanted) {
    if (auto wrong = check_text("id", wanted.id)) return wrong;
    if (auto wrong = check_text("key", wanted.key)) return wrong;
    const std::string from = std::to_string(wanted.from);
    const std::string to = std::to_string(wanted.to);
    if (wanted.from < -bound_max || wanted.from > bound_max)
        return bad("from lies within plus and minus 2^53, unlike " + from);
    if (wanted.to < -bound_max || wanted.to > bound_max)
        return bad("to lies within plus and minus 2^53, unlike " + to);
    if (wanted.from >= wanted.to) return bad("from lies below to, unlike " + from + " and " + to);
    if (wanted.ttl < ttl_min || wanted.ttl > ttl_max)
        return bad("ttl lies between 10 ms and 24 h, unlike " + std::to_string(wanted.ttl.count()) +
                   " ms");
    if (!wanted.data) return std::nullopt;
    const std::int64_t characters = count_characters(*wanted.data);
    if (characters < 0) return bad("data is not UTF-8");
    if (characters > characters_max)
        return bad("data has at most 255 characters, not " + std::to_string(characters));
    return std::nullopt;
}

}  // namespace holdfast::mysql
