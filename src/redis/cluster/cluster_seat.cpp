// SPDX-License-Identifier: BSL-1.0
//
// How one stands in a line whose slot may move: the place moves with it, and keeps its name, which
// is that of a channel. What is published there any server of the cluster brings, so who listens at
// the master of old goes on doing so.
#include "redis/cluster/cluster_store.hpp"
#include "redis/line_seat.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// Masters that one call asks.
constexpr int seats_max = 5;
/// For how long a turn is waited for without asking again: of a slot that has moved meanwhile the
/// server that we listen to does not tell when a lease ends.
constexpr std::chrono::nanoseconds ask_after = 1s;

/// See the top of the file.
class cluster_seat final : public seat {
public:
    cluster_seat(const store_environment& environment, std::shared_ptr<cluster_store> where,
                 std::string_view name)
        : env_(environment), where_(std::move(where)), name_(name) {}

    asio::awaitable<result<grant>> ask(const claim& wanted, const line_terms& terms,
                                       time_point deadline) override {
        const auto verb = [&wanted, &terms, deadline](seat& here) {
            return here.ask(wanted, terms, deadline);
        };
        return at_master<grant>(verb, deadline);
    }
    asio::awaitable<result<std::optional<grant>>> pass_on(std::string_view held,
                                                          const claim& wanted,
                                                          const line_terms& terms,
                                                          time_point deadline) override {
        const auto verb = [&wanted, &terms, held = std::string(held), deadline](seat& here) {
            return here.pass_on(held, wanted, terms, deadline);
        };
        return at_master<std::optional<grant>>(verb, deadline);
    }
    asio::awaitable<result<void>> leave(std::string_view value, time_point deadline) override {
        const auto verb = [value = std::string(value), deadline](seat& here) {
            return here.leave(value, deadline);
        };
        return at_master<void>(verb, deadline);
    }
    asio::awaitable<std::optional<grant>> await_turn(time_point until) override;

private:
    template <class Answer, class Verb>
    asio::awaitable<result<Answer>> at_master(Verb verb, time_point deadline);

    store_environment env_;
    std::shared_ptr<cluster_store> where_;
    std::string name_;
    redis_store* master_{nullptr};  // At which `here_` is.
    std::unique_ptr<line_seat> here_;
};

template <class Answer, class Verb>
asio::awaitable<result<Answer>> cluster_seat::at_master(Verb verb, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    for (int moves = 0;; ++moves) {  // Ends after `seats_max` of them.
        const auto master = co_await where_->master_of(name_, deadline);
        if (!master) co_return master.error();
        if (!here_)
            here_ = (*master)->make_seat(name_);
        else if (master_ != *master)
            here_->move_to((*master)->through());
        master_ = *master;
        auto work = verb(*here_);
        result<Answer> answer = co_await std::move(work);
        if (answer || !where_->may_be_elsewhere(answer.error()) || moves >= seats_max)
            co_return answer;
        const bool moved = co_await where_->has_moved(name_, *master_, deadline);
        if (!moved) co_return answer;
    }
}

asio::awaitable<std::optional<grant>> cluster_seat::await_turn(time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const time_point look = std::min(until, env_.time.now() + ask_after);
    if (here_) co_return co_await here_->await_turn(look);
    // It could not ask anybody so far.
    const auto pause = 5ms + std::chrono::microseconds(env_.random.jitter_bits() % 30'000);
    static_cast<void>(co_await sleep_until(env_.time, std::min(look, env_.time.now() + pause)));
    co_return std::nullopt;
}

}  // namespace

std::unique_ptr<seat> cluster_store::take_seat(std::string_view name) {
    if (strict_) return nullptr;
    return std::make_unique<cluster_seat>(env_, shared_from_this(), name);
}

}  // namespace holdfast::redis
