// SPDX-License-Identifier: BSL-1.0
//
// How callers ask, and how what they asked ends.
#include "base/doubt.hpp"
#include "redis/client/client.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace holdfast::redis {

struct client::conversation final : request {
    using handler = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

    // Posted, so that whoever cancels is not re-entered by the caller.
    void cancel() {
        if (auto resume = take_caller()) asio::post(std::move(*resume));
    }
    void resume() override {
        if (auto resume = take_caller()) (*resume)();
    }
    std::optional<handler> take_caller() {
        auto taken = std::exchange(caller, std::nullopt);
        if (!taken) return taken;
        if (auto slot = asio::get_associated_cancellation_slot(*taken); slot.is_connected())
            slot.clear();
        return taken;
    }

    std::optional<handler> caller{};
};

bool client::start(request& what, time_point deadline) {
    if (!ready_ || stopped_ || deadline <= env_.time.now()) return false;
    what.filled_ = 0;
    what.answered_ = false;
    what.ended_ = false;
    what.deadline_ = deadline;
    queued_.push_back(&what);
    expect_by(deadline);
    flush();
    return true;
}

asio::awaitable<result<replies>> client::exchange(batch commands, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (stopped_) co_return failure{errc::cancelled, "the store was closed"};
    const time_point now = env_.time.now();
    if (deadline <= now)
        co_return failure{errc::unreachable, where_.address + ": no time was left to ask"};
    // During a back-off the last attempt's failure is the answer: nobody waits for nothing.
    if (!running_ && now < back_off_until_) co_return last_failure_;
    conversation mine;
    mine.commands = std::move(commands);
    mine.answers_.reserve(mine.commands.count);
    if (!start(mine, deadline)) {
        mine.deadline_ = deadline;
        mine.ended_ = false;
        queued_.push_back(&mine);
        expect_by(deadline);
        start_running();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!mine.ended_ && state.cancelled() == asio::cancellation_type::none) {
        auto start = [&mine](auto&& resume) {
            if (auto slot = asio::get_associated_cancellation_slot(resume); slot.is_connected())
                slot.assign([&mine](asio::cancellation_type) { mine.cancel(); });
            mine.caller.emplace(std::forward<decltype(resume)>(resume));
        };
        co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start,
                                                                             asio::use_awaitable);
    }
    const bool ended = mine.ended_;
    forget(mine);
    if (!ended) co_return failure{errc::cancelled, "cancelled"};
    if (!mine.answered_) co_return mine.failed_;
    co_return std::move(mine.answers_);
}

// Resumed later, so that whoever ends a request is not re-entered by its caller.
void client::finish(request& done, const failure& why) {
    if (done.ended_) return;
    done.failed_ = why;
    enlist(done);
    if (resume_posted_) return;
    resume_posted_ = true;
    asio::post(env_.executor, [self = shared_from_this()] {
        self->resume_posted_ = false;
        self->resume_ended();
    });
}

void client::enlist(request& ended) {
    ended.ended_ = true;
    ended.listed_ = true;
    ended_.push_back(&ended);
}

// What was sent keeps its place in the line.
void client::forget(request& what) {
    if (what.listed_)
        std::replace(ended_.begin(), ended_.end(), &what, static_cast<request*>(nullptr));
    what.listed_ = false;
    if (what.ended_) return;
    what.ended_ = true;
    std::erase(queued_, &what);
    std::erase(lasting_, &what);
    for (sent_request& sent : sent_)
        if (sent.caller == &what) sent.caller = nullptr;
    if (ready_ || !line_ || !queued_.empty()) return;
    timed_out_ = true;  // Nobody waits for the connection that is being opened.
    line_->close();
}

void client::fail_queued(const failure& why) {
    for (request* waiting : std::exchange(queued_, {})) finish(*waiting, why);
}

void client::fail_sent(const failure& why) {
    failure doubt(errc::in_doubt, why.text + std::string(base::effect_unknown));
    for_each_sent([&](request& sent) { finish(sent, doubt); });
    sent_ = {};
    lasting_ = {};
}

}  // namespace holdfast::redis
