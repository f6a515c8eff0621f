// SPDX-License-Identifier: BSL-1.0
#include "mysql/range_rows.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

namespace holdfast::mysql {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t us_per_ms = 1000;
/// How many cells a row has, and where the parts begin that not all statements ask for.
constexpr std::size_t light_cells = 6;
constexpr std::size_t told_cells = 8;
constexpr std::size_t whole_cells = 10;
constexpr std::size_t key_cells = 5;

std::uint64_t length_of(range where) noexcept {
    return static_cast<std::uint64_t>(where.end) - static_cast<std::uint64_t>(where.start);
}

}  // namespace

hold_row read_hold(const std::vector<cell>& cells) {
    hold_row row;
    if (cells.size() < light_cells) return row;
    row.id = text_of(cells[0]);
    row.starts = whole_of(cells[1]);
    row.ends = whole_of(cells[2]);
    row.units = whole_of(cells[3]);
    row.fence = whole_of(cells[4]);
    row.expires = whole_of(cells[5]);
    if (cells.size() < told_cells) return row;
    row.owner = text_of(cells[6]);
    row.data = text_of(cells[7]);
    if (cells.size() < whole_cells) return row;
    row.in_class = whole_of(cells[8]);
    row.granted = whole_of(cells[9]);
    return row;
}

key_row read_key(const std::vector<cell>& cells) {
    key_row row;
    if (cells.size() < key_cells) return row;
    row.fence = whole_of(cells[0]);
    row.capacity = whole_of(cells[1]);
    row.seen = whole_of(cells[2]);
    row.classes = static_cast<std::uint64_t>(whole_of(cells[3]));
    row.clock = whole_of(cells[4]);
    return row;
}

range_hold tell_hold(std::string_view key, hold_row from, std::int64_t now) {
    range_hold told;
    told.key = key;
    told.id = std::move(from.id);
    told.start = from.starts;
    told.end = from.ends;
    told.units = static_cast<std::uint32_t>(from.units);
    told.fencing_token = static_cast<std::uint64_t>(from.fence);
    told.permanent = from.expires == permanent_expiry;
    if (!told.permanent) {
        const std::int64_t left = (from.expires - now + us_per_ms - 1) / us_per_ms;
        told.remaining = milliseconds(std::max<std::int64_t>(left, 1));
    }
    told.owner = std::move(from.owner);
    told.data = std::move(from.data);
    return told;
}

int class_of(range where, std::int64_t capacity) noexcept {
    if (capacity == 1) return 0;
    return std::min(longest_class, 1 + static_cast<int>(std::bit_width(length_of(where) - 1)));
}

std::int64_t lowest_start(range where, int c) noexcept {
    constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
    if (c >= longest_class) return lowest;
    const std::int64_t reach = std::int64_t{1} << (c - 1);
    return where.start < lowest + reach ? lowest : where.start - reach;
}

std::uint64_t class_bit(int c) noexcept { return c == 0 ? 0 : std::uint64_t{1} << (c - 1); }

std::vector<int> classes_of(const key_row& key) {
    std::vector<int> used{0};
    for (int c = 1; c <= longest_class; ++c)
        if ((key.classes & class_bit(c)) != 0) used.push_back(c);
    return used;
}

bool fits(std::span<const hold_row> others, range where, std::int64_t units,
          std::int64_t capacity) {
    // What ends at a point makes room for what starts there: negative changes come first.
    std::vector<std::pair<std::int64_t, std::int64_t>> changes;
    changes.reserve(2 * others.size());
    for (const hold_row& each : others) {
        changes.emplace_back(std::max(each.starts, where.start), each.units);
        changes.emplace_back(std::min(each.ends, where.end), -each.units);
    }
    std::sort(changes.begin(), changes.end());
    std::int64_t taken = units;
    for (const auto& [point, change] : changes)
        if ((taken += change) > capacity) return false;
    return taken <= capacity;
}

void put_in_order(std::vector<hold_row>& holds) {
    std::sort(holds.begin(), holds.end(), [](const hold_row& a, const hold_row& b) {
        return std::tie(a.starts, a.fence) < std::tie(b.starts, b.fence);
    });
}

failure blocked_by(const std::string& address, std::string_view key, std::vector<hold_row> blockers,
                   std::int64_t now) {
    put_in_order(blockers);
    if (blockers.size() > blockers_max) blockers.resize(blockers_max);
    failure why(errc::contended, address + ": somebody else holds what overlaps it");
    why.name = key;
    for (hold_row& each : blockers) {
        each.id.clear();
        why.blockers.push_back(tell_hold(key, std::move(each), now));
    }
    return why;
}

failure too_many_units(const std::string& address, std::int64_t wanted, std::int64_t capacity) {
    return {errc::misuse, address + ": " + std::to_string(wanted) +
                              " units are more than the capacity, " + std::to_string(capacity)};
}

failure another_hold(const std::string& address) {
    return {errc::misuse, address + ": the id is another hold of the key"};
}

failure confirmed_hold(const std::string& address) {
    return {errc::misuse, address + ": the hold with this id is confirmed already"};
}

failure replaced_hold(const std::string& address) {
    return {lost_reason::taken, address + ": its id is another hold by now"};
}

failure no_such_hold(const std::string& address) {
    return {lost_reason::deleted, address + ": no such hold, or it has run out"};
}

}  // namespace holdfast::mysql
