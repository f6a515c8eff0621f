// SPDX-License-Identifier: BSL-1.0
//
// What it is: a verb of the engine that a coroutine awaits, without a coroutine of the engine: it
// moves from the awaiter's executor to the engine's, and back with the answer. Kept by its session
// for the next one.
// Thread safety: made and ended on the engine's executor.
#pragma once

#include <holdfast/errc.hpp>

#include "lock/forwarded.hpp"
#include "lock/receiver.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace holdfast::lock {

namespace asio = boost::asio;

class session;

/// Calls that have ended, for their room.
template <class Call>
class spare_calls {
public:
    [[nodiscard]] std::unique_ptr<Call> take() {
        if (spare_.empty()) return std::make_unique<Call>();
        std::unique_ptr<Call> last = std::move(spare_.back());
        spare_.pop_back();
        return last;
    }
    void put_back(std::unique_ptr<Call> ended) {
        if (spare_.size() < spare_max) spare_.push_back(std::move(ended));
    }

private:
    static constexpr std::size_t spare_max = 1024;
    std::vector<std::unique_ptr<Call>> spare_;
};

/// See the top of the file. The engine tells a `Told`, the awaiter gets an `Answer`.
template <class Told, class Answer>
class async_call final : public receiver<Told> {
public:
    using spares = spare_calls<async_call>;

    /// Calls `start(call)` and sees to the rest.
    template <class Start>
    static void begin(std::shared_ptr<session> owner, spares& from, resumption<Answer> awaiter,
                      const asio::any_io_executor& home, Start start) {
        std::unique_ptr<async_call> call = from.take();
        call->owner_ = std::move(owner);
        call->from_ = &from;
        call->keep_running(awaiter, home);
        call->awaiter_.emplace(std::move(awaiter));
        call->within_start_ = true;
        call->told_early_ = false;
        async_call& mine = *call.release();  // Until it is told.
        start(mine);
        mine.within_start_ = false;
        if (mine.told_early_) mine.deliver();
    }

    void receive(result<Told> end) override {
        answer_.emplace(make_answer(owner_, std::move(end)));
        told();
    }
    void fail(std::exception_ptr thrown) override {
        thrown_ = std::move(thrown);
        answer_.emplace(failure{});
        told();
    }

private:
    static Answer make_answer(const std::shared_ptr<session>& owner, result<Told> end);

    // The awaiter's execution context must not run out of work; the engine's does not.
    void keep_running(const resumption<Answer>& awaiter, const asio::any_io_executor& home) {
        executor_ = asio::get_associated_executor(awaiter);
        const auto& theirs = asio::query(executor_, asio::execution::context);
        if (&theirs == &asio::query(home, asio::execution::context)) return;
        executor_ = asio::prefer(executor_, asio::execution::outstanding_work.tracked);
    }

    void told() {
        told_early_ = within_start_;
        if (!within_start_) deliver();
    }

    // Its own room is free before the awaiter goes on, who may begin the next call at once.
    void deliver() {
        const bool posted = told_early_;
        resumption<Answer> awaiter = std::move(*awaiter_);
        awaiter_.reset();
        Answer answer = std::move(*answer_);
        answer_.reset();
        std::exception_ptr thrown = std::exchange(thrown_, nullptr);
        const asio::any_io_executor executor = std::exchange(executor_, {});
        const std::shared_ptr<session> owner = std::move(owner_);
        from_->put_back(std::unique_ptr<async_call>(this));
        const auto* const bare = executor.target<asio::io_context::executor_type>();
        if (!posted && bare && bare->running_in_this_thread())
            return awaiter(std::move(thrown), std::move(answer));
        auto resume = [awaiter = std::move(awaiter), thrown = std::move(thrown),
                       answer = std::move(answer)]() mutable {
            awaiter(std::move(thrown), std::move(answer));
        };
        if (posted)
            asio::post(executor, std::move(resume));
        else
            asio::dispatch(executor, std::move(resume));
    }

    std::shared_ptr<session> owner_;
    spares* from_{nullptr};
    std::optional<resumption<Answer>> awaiter_;
    asio::any_io_executor executor_;
    std::optional<Answer> answer_;
    std::exception_ptr thrown_;
    bool within_start_{false};
    bool told_early_{false};
};

}  // namespace holdfast::lock
