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
    asking_replicas_ = true;
}

// What too few replicas have may be forgotten in a failover, or may reach them a moment later: so
// it is in doubt. Who asks again is recognised by its value; who gives up releases it.
void client::conclude_lasting(const resp::reply& answer) {
    asking_replicas_ = false;
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
    for (request* const one : told) {
        if (changed_something(*one)) {
            finish(*one, {errc::in_doubt, text});
            continue;
        }
        one->answered_ = true;
        enlist(*one);
    }
}

// Of a transaction the last reply tells; of renewals each one is a lock's own.
bool client::changed_something(const request& done) {
    const auto yes = [](const resp::reply& said) {
        const resp::reply* first = &said;
        if (said.is(resp::kind::array) && !said.items.empty()) first = &said.items.front();
        return first->is(resp::kind::text) ||
               (first->is(resp::kind::integer) && first->integer > 0);
    };
    const auto answers = done.answers();
    if (done.commands.grants) return !answers.empty() && yes(answers.back());
    return std::any_of(answers.begin(), answers.end(), yes);
}

}  // namespace holdfast::redis
