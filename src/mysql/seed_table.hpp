// SPDX-License-Identifier: BSL-1.0
//
// What it is: the table of the Node package "range-lock", used so that two of ours never hold
// overlapping ranges of a key, whatever happens to the mutex that all users of the table share.
// Ours exclude each other by a row of a table beside it, `lock_key`, that each set locks before it
// looks; all times are the server's; an original that inserted beside us makes us withdraw.
// What an original inserts over a row of ours after we looked only the guard prevents.
//
// Thread safety: none; it belongs to its executor. It outlives its coroutines.
// Rules for every verb: it completes by its `deadline`; it never throws; `unreachable` means that
// it had no effect, `in_doubt` that this is not known; when cancelled it ends with `cancelled`.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "mysql/client/pool.hpp"
#include "mysql/client/settings.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mysql {

/// A range that somebody wants.
struct seed_wish {
    std::string id{};  ///< Unique; see `seed_table::new_id`. 1 to 255 characters.
    std::string key;   ///< 1 to 255 characters; compared as the table's collation says.
    std::int64_t from{0};
    std::int64_t to{0};  ///< Above `from`; both within ±2^53, because originals compare doubles.
    std::chrono::milliseconds ttl{0};   ///< [10 ms, 24 h].
    std::optional<std::string> data{};  ///< At most 255 characters.
};

/// A row of the table. What others wrote is read as far as it makes sense: numbers that are not
/// whole are rounded outwards, those that do not fit become the nearest that do.
struct seed_row {
    std::string id{};
    std::string key{};
    std::int64_t from{0};
    std::int64_t to{0};
    std::int64_t expiry_ms{
        0};  ///< Since 1970, by the clock of whoever wrote it; ours: the server's.
    std::optional<std::string> data{};
};

/// How a set went.
struct set_outcome {
    /// The live row that overlaps, the one with the lowest start; nothing: the range is held.
    std::optional<seed_row> blocker{};
    std::int64_t expiry_ms{0};  ///< Since 1970, by the server's clock; 0 if blocked.
    std::uint64_t fence{0};     ///< Rises with each set of ours on the key; 0 if blocked.
};

/// See the top of the file.
class seed_table {
public:
    /// @param where  Its database holds the table. Nothing is sent before the first verb.
    seed_table(const store_environment& environment, settings where);
    seed_table(const seed_table&) = delete;
    seed_table& operator=(const seed_table&) = delete;

    /// Holds `wanted` if no live row of its key overlaps it. Repeating it with the same id finds
    /// the row that is there already.
    ///
    /// @param mutex_valid_until  Until when the caller's mutex on the key is certainly its own: no
    ///                           row is written after that, and what was only seen to be written
    ///                           later is withdrawn.
    /// @par Errors  `misuse`: nothing was sent, or a column cannot hold the text. `timed_out`: the
    ///              mutex ran out first, or others kept the table busy; nothing is held.
    ///              `in_doubt`: the row may stand until its ttl has passed. `wrong_type`,
    ///              `denied`, `unreachable`, `protocol`, `cancelled`: nothing is held, but that
    ///              after `cancelled` the row may stand until its ttl has passed.
    /// @par Cost    2 round trips, blocked or not. 6, and 4 if blocked, where the server has no
    ///              compound statements that can be prepared.
    [[nodiscard]] asio::awaitable<result<set_outcome>> set(seed_wish wanted,
                                                           time_point mutex_valid_until,
                                                           time_point deadline);
    /// @return The row, if it is live by the server's clock. @par Cost  1 round trip.
    [[nodiscard]] asio::awaitable<result<std::optional<seed_row>>> get(std::string key,
                                                                       std::string id,
                                                                       time_point deadline);
    /// Removes a row. @return Whether it was there. @par Cost  1 round trip.
    [[nodiscard]] asio::awaitable<result<bool>> clear(std::string key, std::string id,
                                                      time_point deadline);
    /// Removes rows that expired more than 60 s ago by the server's clock (originals go by their
    /// own), at most some thousands. @return How many.
    [[nodiscard]] asio::awaitable<result<std::uint64_t>> tidy(time_point deadline);

    /// @return An id as originals make them. Asks the server for the time, once.
    [[nodiscard]] asio::awaitable<result<std::string>> new_id(time_point deadline);

    /// Makes `lock`, as originals do, and `lock_key`, where they are missing.
    /// @par Errors  `wrong_type`, naming what is not as it should be. `denied`, naming the right.
    [[nodiscard]] asio::awaitable<result<void>> create(time_point deadline);

    /// Lets the server refuse overlapping rows whoever writes them, unmodified originals too: adds
    /// invisible numbers, an index and a trigger. Needs `create` before. Idempotent.
    /// @par Errors  `denied`, naming the right; what was half made is taken away again.
    [[nodiscard]] asio::awaitable<result<void>> install_guard(time_point deadline);
    /// Takes the guard away. Idempotent; `lock_key` stays.
    [[nodiscard]] asio::awaitable<result<void>> remove_guard(time_point deadline);

    /// Ends everything under way; what is called afterwards answers `cancelled`.
    void stop() noexcept;

    /// @return The address for people, without password.
    [[nodiscard]] const std::string& address() const noexcept { return pool_->where().address; }

private:
    struct set_try;
    struct column;

    asio::awaitable<void> try_set(const seed_wish& wanted, set_try& how);
    asio::awaitable<void> transact(const seed_wish& wanted, set_try& how);
    asio::awaitable<result<answer>> lock_and_look(const seed_wish& wanted, connection& line,
                                                  time_point deadline);
    asio::awaitable<void> look(const seed_wish& wanted, connection& line, set_try& how);
    asio::awaitable<void> write(const seed_wish& wanted, connection& line, set_try& how);
    asio::awaitable<void> write_at_once(std::vector<cell> row, const seed_wish& wanted,
                                        connection& line, set_try& how);
    asio::awaitable<void> write_and_commit(std::vector<cell> row, connection& line, set_try& how);
    asio::awaitable<void> confirm(const seed_wish& wanted, set_try& how);
    asio::awaitable<bool> withdraw(const seed_wish& wanted, set_try& how);
    asio::awaitable<result<bool>> was_written(const seed_wish& wanted, time_point deadline);
    asio::awaitable<result<bool>> find_behind(const seed_wish& wanted, time_point deadline);

    /// Whether a statement whose answer was lost may be said again.
    enum class repeats { never, harmless };
    asio::awaitable<result<answer>> ask(std::string_view sql, std::vector<cell> values,
                                        repeats allowed, time_point deadline);
    asio::awaitable<result<void>> change(std::string_view sql, unsigned tolerated,
                                         time_point deadline);
    asio::awaitable<wake_reason> pause(unsigned failures, time_point until);

    asio::awaitable<result<std::vector<column>>> columns_of(std::string table, time_point deadline);
    asio::awaitable<result<void>> ready_lock(std::string& collation, time_point deadline);
    asio::awaitable<result<void>> ready_lock_key(const std::string& collation, time_point deadline);
    asio::awaitable<result<bool>> has_guard_columns(time_point deadline);
    void note_server_time(const answer& said);

    store_environment env_;
    std::shared_ptr<pool> pool_;
    std::optional<std::chrono::microseconds>
        clock_offset_;          // The server's, since 1970, minus ours.
    bool has_compounds_{true};  // Until the server says that it does not know them.
};

}  // namespace holdfast::mysql
