// SPDX-License-Identifier: BSL-1.0
//
// How a grant or a renewal comes to count only once replicas have it: with `durability=replicated`.
#include "redis/client/client.hpp"
#include "redis/client/server_error.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// How long the server may wait for its replicas; meanwhile it answers nothing else here.
std::chrono::milliseconds patience(const locker_options& options) {
    return std::clamp<std::chrono::milliseconds>(options.timeout / 4, 1ms, 1s);
}

}  // namespace

// One question for all that goes out in one write. WAIT counts the replicas that have everything
// which this connection wrote before it.
void client::ask_replicas() {
    resp::append_command(outgoing_, "WAIT", where_.replicas, patience(env_.options).count());
    sent_.push_back({nullptr, 1, true});
}

// What too few replicas have may be forgotten in a failover, or may reach them a moment later: so
// it is in doubt. Who asks again is recognised by its value; who gives up releases it.
void client::conclude_lasting(const resp::reply& answer) {
    const auto told = std::exchange(lasting_, {});
    const bool number = answer.is(resp::kind::integer);
    if (number && answer.integer >= static_cast<std::int64_t>(where_.replicas)) {
        for (request* const one : told) {
            one->answered_ = true;
            enlist(*one);
        }
        return;
    }
    std::string text = where_.address + ": ";
    if (number)
        text += std::to_string(answer.integer) + " of " + std::to_string(where_.replicas) +
                " replicas have acknowledged it within " +
                std::to_string(patience(env_.options).count()) + " ms";
    else
        text += "replicas were not asked: " + tidy_text(answer.text);
    for (request* const one : told) finish(*one, {errc::in_doubt, text});
}

}  // namespace holdfast::redis
