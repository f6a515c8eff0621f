// SPDX-License-Identifier: BSL-1.0
#include "redis/lock_reply.hpp"

#include "base/holder_record.hpp"
#include "core/fence_rule.hpp"
#include "redis/client/server_error.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::redis {
namespace {

std::uint64_t counter_of(const resp::reply& token) {
    std::uint64_t counter = 0;
    std::from_chars(token.text.data(), token.text.data() + token.text.size(), counter);
    return counter;
}

}  // namespace

bool is_being_lifted(const resp::reply& token) {
    return token.is(resp::kind::text) && core::needs_floor(counter_of(token));
}

lock_info describe(std::string_view name, const resp::reply& value, const resp::reply& remaining,
                   const resp::reply& token) {
    auto record = base::read_holder_record(value.text);
    // Below zero: somebody set the key without an expiry.
    record.holder.remaining =
        std::chrono::milliseconds(std::max<std::int64_t>(remaining.integer, -1));
    lock_info info{.name = std::string(name),
                   .id = std::move(record.id),
                   .holder = std::move(record.holder),
                   .value = value.text};
    if (!is_being_lifted(token)) info.fencing_token = counter_of(token);
    return info;
}

failure held_by(const resp::reply& value, const resp::reply& remaining) {
    failure busy(errc::contended, "somebody else holds it");
    if (value.is(resp::kind::text)) busy.holder = describe({}, value, remaining, {}).holder;
    return busy;
}

result<void> ownership(const resp::reply& answer, const std::string& address) {
    if (answer.is(resp::kind::error))
        return failure{classify(answer.text), address + ": " + tidy_text(answer.text)};
    if (!answer.is(resp::kind::integer))
        return failure{errc::protocol, address + ": an answer that does not fit its command"};
    if (answer.integer == 1) return {};
    if (answer.integer == 0)
        return failure(lost_reason::taken, address + ": somebody else holds it");
    return failure(lost_reason::deleted, address + ": nobody holds it");
}

void sort_by_name(std::vector<lock_info>& found) {
    std::sort(found.begin(), found.end(),
              [](const lock_info& a, const lock_info& b) { return a.name < b.name; });
    // SCAN may tell a key twice.
    const auto twice = [](const lock_info& a, const lock_info& b) { return a.name == b.name; };
    found.erase(std::unique(found.begin(), found.end(), twice), found.end());
}

}  // namespace holdfast::redis
