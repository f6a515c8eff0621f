// SPDX-License-Identifier: BSL-1.0
//
// What is told of holds.
#include "redis/keys.hpp"
#include "redis/range_record.hpp"
#include "redis/redis_range_store.hpp"

#include <boost/asio/this_coro.hpp>

#include <array>

namespace holdfast::redis {
namespace {

/// A page ends behind so many bytes: less than a reply may have, more than a hold has.
constexpr std::size_t page_bytes = 512 * 1024;

struct expected_type {
    const char* suffix;
    std::string_view type;
};
constexpr std::array expected_types{expected_type{":s", "zset"}, expected_type{":x", "zset"},
                                    expected_type{":h", "hash"}, expected_type{":m", "hash"}};

}  // namespace

asio::awaitable<result<std::optional<range_hold>>> redis_range_store::get(std::string_view key,
                                                                          std::string_view id,
                                                                          time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts arguments{write_id(id)};
    auto answer = co_await call(scripts().range_get, key, std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    if (answer->is(resp::kind::nil)) co_return std::optional<range_hold>();
    if (answer->items.size() != 2) co_return nonsense(*client_);
    auto told = read_record(answer->items[0].text, answer->items[1].integer);
    if (!told) co_return nonsense(*client_);
    told->key = key;
    told->id = id;
    co_return told;
}

asio::awaitable<result<range_page>> redis_range_store::list(std::string_view key, range window,
                                                            std::optional<range_cursor> after,
                                                            std::size_t limit,
                                                            time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    texts arguments{write_bound(window.start), write_bound(window.end),
                    after ? write_cursor(*after) : std::string(), std::to_string(limit),
                    std::to_string(page_bytes)};
    auto answer =
        co_await call_until_tidy(scripts().range_list, key, std::move(arguments), deadline);
    if (!answer) co_return answer.error();
    const auto& told = answer->items;
    if (told.size() < 2) co_return nonsense(*client_);
    auto holds = read_holds(key, std::span(told).subspan(2), true);
    if (!holds) co_return nonsense(*client_);
    range_page page;
    page.holds = std::move(*holds);
    page.more = told[1].integer == 1 && !page.holds.empty();
    page.capacity = static_cast<std::uint32_t>(told[0].integer);
    co_return page;
}

std::optional<std::vector<range_hold>> redis_range_store::read_holds(
    std::string_view key, std::span<const resp::reply> told, bool with_ids) const {
    if (told.size() % 3 != 0) return std::nullopt;
    std::vector<range_hold> holds;
    for (std::size_t i = 0; i < told.size(); i += 3) {
        auto hold = read_record(told[i].text, told[i + 2].integer);
        auto id = read_id(told[i + 1].text);
        if (!hold || !id) return std::nullopt;
        hold->key = key;
        if (with_ids) hold->id = std::move(*id);
        holds.push_back(std::move(*hold));
    }
    return holds;
}

asio::awaitable<failure> redis_range_store::wrong_type_of(std::string_view key,
                                                          time_point deadline) {
    const std::string begin = range_key(key);
    batch commands;
    for (const expected_type& each : expected_types) commands.add("TYPE", begin + each.suffix);
    auto answers = co_await client_->exchange(std::move(commands), deadline);
    failure why{errc::wrong_type, address() + ": a key of " + begin + " is no key of holds"};
    if (!answers) co_return why;
    for (std::size_t i = 0; i < expected_types.size(); ++i) {
        const std::string& type = (*answers)[i].text;
        if (!(*answers)[i].is(resp::kind::text) || type == "none" || type == expected_types[i].type)
            continue;
        why.text = address() + ": the key " + begin + expected_types[i].suffix + " is a " + type +
                   ", where that of holds is a " + std::string(expected_types[i].type);
        break;
    }
    co_return why;
}

}  // namespace holdfast::redis
