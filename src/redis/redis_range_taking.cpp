// SPDX-License-Identifier: BSL-1.0
//
// How one hold is made and ended, where nothing else is to be expected: docs/internals/ranges.md.
#include "redis/keys.hpp"
#include "redis/range_record.hpp"
#include "redis/redis_range_shortcut.hpp"
#include "redis/redis_range_store.hpp"

#include <boost/asio/this_coro.hpp>

#include <span>
#include <utility>

namespace holdfast::redis {

std::unique_ptr<range_shortcut> redis_range_store::make_shortcut() {
    return std::make_unique<redis_range_shortcut>(*this, client_);
}

void redis_range_store::add_hold(batch& into, const range_claim& wanted) const {
    const script& what = scripts().range_hold;
    const range where{.start = wanted.start, .end = wanted.end};
    into.grants = what.grants();
    into.add("EVALSHA", what.sha1(client_->facts().version_major), 1, range_key(wanted.key),
             write_bound(where.start), write_bound(where.end), class_of(where), write_id(wanted.id),
             wanted.units, wanted.capacity, wanted.ttl.count(),
             write_labels(wanted.owner, wanted.data));
}

void redis_range_store::add_release(batch& into, std::string_view key, std::string_view id,
                                    released_hold which) const {
    const std::string_view sha1 = scripts().range_release.sha1(client_->facts().version_major);
    into.add("EVALSHA", sha1, 1, range_key(key), write_id(id), which.permanent ? "any" : "passing",
             write_token(which.fencing_token));
}

std::optional<range_grant> plain_hold(const resp::reply& answer) noexcept {
    const auto& told = answer.items;
    const bool yes = answer.is(resp::kind::array) && told.size() == 2 &&
                     told[0].is(resp::kind::integer) && told[0].integer == 1 &&
                     told[1].is(resp::kind::integer);
    if (!yes) return std::nullopt;
    return range_grant{.fencing_token = static_cast<std::uint64_t>(told[1].integer)};
}

bool is_plain_release(const resp::reply& answer) noexcept {
    return answer.is(resp::kind::integer) && answer.integer == 1;
}

asio::awaitable<result<range_grant>> redis_range_store::conclude_hold(const range_claim& wanted,
                                                                      const resp::reply& answer,
                                                                      time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::span<const range_claim> one(&wanted, 1);
    const bool ask_again = unknown_script(answer) || is_untidy(answer);
    if (!ask_again && answer.is(resp::kind::error)) {
        failure why = refused(*client_, answer);
        co_return co_await refusal(wanted.key, std::move(why), deadline);
    }
    result<std::vector<range_grant>> given = failure{};
    if (ask_again)
        given = co_await hold_all(one, deadline);
    else
        given = granted(one, answer);
    if (!given) co_return given.error();
    co_return given->front();
}

asio::awaitable<result<void>> redis_range_store::conclude_release(std::string_view key,
                                                                  std::string_view id,
                                                                  released_hold which,
                                                                  const resp::reply& answer,
                                                                  time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (unknown_script(answer)) co_return co_await release(key, id, which, deadline);
    if (answer.is(resp::kind::error)) {
        failure why = refused(*client_, answer);
        co_return co_await refusal(key, std::move(why), deadline);
    }
    co_return told_of_release(answer);
}

}  // namespace holdfast::redis
