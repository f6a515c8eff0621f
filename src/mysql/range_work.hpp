// SPDX-License-Identifier: BSL-1.0
//
// What it is: a transaction on holds, step by step on one connection: the row of each key is locked
// first, then what overlaps is looked at, and only then something is written.
// Thread safety: none.
// Invariants: once a key is locked, nobody else's holds of it appear or move until the transaction
// ends; they may be released, renewed and confirmed. What has run out and overlaps is removed
// before something is granted there, so that a transaction of the application's that has locked
// its hold keeps the range until it ends; nobody waits for that with a key locked.
#pragma once

#include <holdfast/range_store.hpp>

#include "mysql/client/connection.hpp"
#include "mysql/range_rows.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::mysql {

/// See the top of the file.
class range_work {
public:
    /// @param line  Lives longer, as does `address`.
    range_work(connection& line, const std::string& address, time_point deadline)
        : line_(line), address_(address), deadline_(deadline) {}

    /// Begins, and locks the rows of `keys`, in the order of their bytes.
    [[nodiscard]] asio::awaitable<result<void>> begin(std::vector<std::string> keys);
    /// Ends with what was done. @par Errors  `in_doubt`.
    [[nodiscard]] asio::awaitable<result<void>> commit();
    /// Ends what was refused: what had run out stays removed, if that can be had.
    [[nodiscard]] asio::awaitable<void> end_refused();

    /// Whether a claim can be had: `contended` and `misuse` as `range_store::hold_all` says. What
    /// is held already for it is found by `grant`.
    [[nodiscard]] asio::awaitable<result<void>> judge(const range_claim& wanted);
    /// Makes the hold of a claim that was judged, or prolongs it.
    [[nodiscard]] asio::awaitable<result<range_grant>> grant(const range_claim& wanted);
    /// Moves the hold that has this token; 0: whichever has the id.
    [[nodiscard]] asio::awaitable<result<range_hold>> move(const std::string& key,
                                                           const std::string& id,
                                                           std::uint64_t token, range to);
    /// Writes down what was done with the keys.
    [[nodiscard]] asio::awaitable<result<void>> note_keys();

private:
    using holds = std::vector<hold_row>;

    asio::awaitable<result<answer>> run(std::string_view sql, std::vector<cell> values);
    asio::awaitable<result<void>> lock(const std::string& key);
    asio::awaitable<result<std::optional<hold_row>>> own(const std::string& key,
                                                         const std::string& id);
    /// Whether a range can be had: `contended`.
    asio::awaitable<result<void>> look(const std::string& key, const std::string& self, range where,
                                       std::int64_t units, std::int64_t capacity);
    /// What overlaps, live. Nothing: something changed meanwhile, so it has to be looked at again.
    asio::awaitable<result<std::optional<holds>>> overlapping(const std::string& key,
                                                              const std::string& self, range where,
                                                              std::size_t enough);
    asio::awaitable<result<std::int64_t>> first_start(const std::string& key, int c, range where);
    /// What became of a row that had run out.
    enum class fate { gone, live_again, locked };
    asio::awaitable<result<fate>> drop(const std::string& key, const std::string& id);
    /// @param stayed  Is given those that somebody else has locked.
    /// @return Whether one is live after all.
    asio::awaitable<result<bool>> drop_all(const std::string& key, holds expired, holds& stayed);
    asio::awaitable<failure> refuse(const std::string& key, holds blockers);
    static std::int64_t draw_token(key_row& key);

    connection& line_;
    const std::string& address_;
    time_point deadline_;
    unsigned rests_{0};  // Between tries to lock what has run out.
    std::map<std::string, key_row> keys_;
    std::map<std::pair<std::string, std::string>, hold_row> ours_;  // By key and id.
};

}  // namespace holdfast::mysql
