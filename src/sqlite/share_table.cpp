// SPDX-License-Identifier: BSL-1.0
#include "sqlite/share_table.hpp"

#include "base/holder_record.hpp"
#include "sqlite/sql.hpp"

#include <limits>

namespace holdfast::sqlite {
namespace {

// No claim has such a value: they begin with an id.
constexpr std::string_view shared_value = "shared|0@|shared by several";
constexpr std::string_view counted_value = "counted|0@|held by several";

// Some of the pauses between the attempts of one who waits for those who share to go.
constexpr std::int64_t bar_length = std::chrono::nanoseconds(std::chrono::seconds{1}).count();

// For statements that give at most one row, of which only the first column counts.
void take_integer(run& found, int code, std::optional<std::int64_t>& out) {
    out.reset();
    if (code == SQLITE_ROW) out = found->integer(0);
}

}  // namespace

std::string_view share_table::stand_in(const claim& wanted) noexcept {
    if (wanted.permits > 0) return counted_value;
    return wanted.mode == lock_mode::shared ? shared_value : std::string_view{};
}

bool share_table::is_stand_in(std::string_view value) noexcept {
    return value == shared_value || value == counted_value;
}

bool share_table::is_counted(std::string_view value) noexcept { return value == counted_value; }

int share_table::prepare(const connection& db) {
    own_bars_.clear();
    return prepare_all(db, {
                               {set_, sql::share_set, {":name", ":value", ":expires"}},
                               {find_, sql::share_find, {":name", ":value", ":now"}},
                               {first_, sql::share_first, {":name", ":from", ":now"}},
                               {sum_, sql::share_sum, {":name", ":now"}},
                               {drop_, sql::share_drop, {":name", ":value"}},
                               {clear_, sql::share_clear, {":name", ":before"}},
                               {sweep_, sql::share_sweep, {":last", ":boot", ":now"}},
                               {bar_, sql::bar_set, {":name", ":boot", ":until"}},
                               {barred_, sql::bar_read, {":name", ":boot", ":now"}},
                               {lift_, sql::bar_lift, {":name"}},
                               {sweep_bars_, sql::bar_sweep, {":boot", ":now"}},
                           });
}

int share_table::set(std::string_view name, const share& holder) {
    return run(set_).all(blob{name}, blob{holder.value}, holder.expires);
}

int share_table::find(std::string_view name, std::string_view value, std::int64_t now,
                      std::optional<std::int64_t>& expires) {
    run found(find_);
    const int code = found->start(blob{name}, blob{value}, now);
    take_integer(found, code, expires);
    return row_or_none(code);
}

int share_table::choose(std::string_view name, std::string_view id, std::int64_t now,
                        std::optional<share>& holder) {
    if (!id.empty()) {
        // A record begins with the id.
        const int code = first_from(name, id, now, holder);
        if (code != SQLITE_OK) return code;
        if (holder && base::read_holder_record(holder->value).id == id) return SQLITE_OK;
    }
    return first_from(name, {}, now, holder);
}

int share_table::first_from(std::string_view name, std::string_view from, std::int64_t now,
                            std::optional<share>& holder) {
    run found(first_);
    const int code = found->start(blob{name}, blob{from}, now);
    holder.reset();
    if (code == SQLITE_ROW) holder = share{std::string(found->bytes(0)), found->integer(1)};
    return row_or_none(code);
}

int share_table::sum(std::string_view name, std::int64_t now, share_sum& all) {
    run found(sum_);
    const int code = found->start(blob{name}, now);
    if (code == SQLITE_ROW) all = {found->integer(0), found->integer(1), found->integer(2)};
    return row_or_none(code);
}

int share_table::drop(std::string_view name, std::string_view value) {
    return run(drop_).all(blob{name}, blob{value});
}

int share_table::clear(std::string_view name, std::int64_t before) {
    return run(clear_).all(blob{name}, before);
}

int share_table::clear_all(std::string_view name) {
    return clear(name, std::numeric_limits<std::int64_t>::max());
}

int share_table::bar(std::string_view name, const std::string& boot, std::int64_t now) {
    std::erase_if(own_bars_, [now](const auto& each) { return each.second <= now; });
    own_bars_.insert_or_assign(std::string(name), now + bar_length);
    return run(bar_).all(blob{name}, boot, now + bar_length);
}

int share_table::barred(std::string_view name, const std::string& boot, std::int64_t now,
                        std::optional<std::int64_t>& until) {
    run found(barred_);
    const int code = found->start(blob{name}, boot, now);
    take_integer(found, code, until);
    return row_or_none(code);
}

int share_table::lift(std::string_view name) {
    const auto own = own_bars_.find(name);
    if (own == own_bars_.end()) return SQLITE_OK;
    own_bars_.erase(own);
    return run(lift_).all(blob{name});
}

int share_table::sweep(std::string_view last, const std::string& boot, std::int64_t now) {
    const int code = run(sweep_).all(blob{last}, boot, now);
    return code == SQLITE_OK ? run(sweep_bars_).all(boot, now) : code;
}

}  // namespace holdfast::sqlite
