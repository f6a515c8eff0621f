// SPDX-License-Identifier: BSL-1.0
#include "mysql/seed_table.hpp"

#include "core/backoff.hpp"
#include "mysql/client/server_error.hpp"
#include "mysql/seed_cells.hpp"
#include "mysql/seed_id.hpp"
#include "mysql/sql.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr unsigned connections_max = 4;
/// Originals go by their own clocks, which may be slow.
constexpr std::int64_t grace_ms = 60'000;
constexpr std::size_t ids_at_once = 16;     // As many as tidy.sql takes ...
constexpr std::size_t ids_looked_at = 128;  // ... and tidy_look.sql gives.
constexpr unsigned tidy_rounds_max = 32;

microseconds since_boot(time_point when) {
    return std::chrono::duration_cast<microseconds>(when.time_since_epoch());
}

}  // namespace

seed_table::seed_table(const store_environment& environment, settings where)
    : env_(environment),
      pool_(std::make_shared<pool>(environment, std::move(where), connections_max)) {}

void seed_table::stop() noexcept { pool_->stop(); }

// The time was taken before the answer arrived, so the server's clock is at least there.
void seed_table::note_server_time(const answer& said) {
    if (said.rows.empty() || said.rows[0].empty()) return;
    clock_offset_ = microseconds(whole_of(said.rows[0][0])) - since_boot(env_.time.now());
}

asio::awaitable<wake_reason> seed_table::pause(unsigned failures, time_point until) {
    const time_point end =
        env_.time.now() + core::backoff_pause(failures, 2ms, 64ms, env_.random.jitter_bits());
    alarm bell(env_.time);
    if (end >= until) co_return wake_reason::woken;  // It would be over before the next try.
    co_return co_await bell.wait_until(end);
}

// One statement by itself, again as long as that can help and changes nothing.
asio::awaitable<result<answer>> seed_table::ask(std::string_view sql, std::vector<cell> values,
                                                repeats allowed, time_point deadline) {
    for (unsigned tries = 1;; ++tries) {
        failure why;
        bool again = false;
        {
            auto line = co_await pool_->take(deadline);
            if (!line) co_return line.error();
            auto said = co_await (*line)->run(sql, values, deadline);
            if (said) co_return said;
            why = said.error();
            const bool busy = classify((*line)->number()).what == verdict::busy;
            again = busy || (allowed == repeats::harmless && is_passing(why.code));
        }
        if (!again || tries >= tries_max) co_return why;
        const wake_reason woken = co_await pause(tries, deadline);
        if (woken == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
        if (woken == wake_reason::woken) co_return why;
    }
}

asio::awaitable<result<std::optional<seed_row>>> seed_table::get(std::string key, std::string id,
                                                                 time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_text("key", key)) co_return *wrong;
    if (auto wrong = check_text("id", id)) co_return *wrong;
    std::vector<cell> values{std::move(key), std::move(id)};
    auto said = co_await ask(sql::get, std::move(values), repeats::harmless, deadline);
    if (!said) co_return without_effect(said.error());
    co_return read_row(*said);
}

asio::awaitable<result<bool>> seed_table::clear(std::string key, std::string id,
                                                time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto wrong = check_text("key", key)) co_return *wrong;
    if (auto wrong = check_text("id", id)) co_return *wrong;
    std::vector<cell> values{std::move(key), std::move(id)};
    const auto said = co_await ask(sql::clear, std::move(values), repeats::never, deadline);
    if (!said) co_return said.error();
    co_return said->affected > 0;
}

asio::awaitable<result<std::uint64_t>> seed_table::tidy(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    std::uint64_t removed = 0;
    for (unsigned round = 0; round < tidy_rounds_max; ++round) {
        std::vector<cell> grace{grace_ms};
        auto looked = co_await ask(sql::tidy_look, std::move(grace), repeats::harmless, deadline);
        if (!looked) co_return without_effect(looked.error());
        const std::size_t found = looked->rows.size();
        for (std::size_t first = 0; first < found; first += ids_at_once) {
            std::vector<cell> ids(ids_at_once);
            for (std::size_t i = first; i < std::min(found, first + ids_at_once); ++i)
                ids[i - first] = looked->rows[i].at(0);
            const auto said = co_await ask(sql::tidy, std::move(ids), repeats::harmless, deadline);
            if (!said) co_return said.error();
            removed += said->affected;
        }
        if (found < ids_looked_at) break;
    }
    co_return removed;
}

asio::awaitable<result<std::string>> seed_table::new_id(time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (!clock_offset_) {
        std::vector<cell> nothing;
        auto said = co_await ask(sql::server_time, std::move(nothing), repeats::harmless, deadline);
        if (!said) co_return without_effect(said.error());
        note_server_time(*said);
    }
    const microseconds now = since_boot(env_.time.now()) + clock_offset_.value_or(0us);
    co_return make_seed_id(now / 1ms, env_.random.id_bits());
}

}  // namespace holdfast::mysql
