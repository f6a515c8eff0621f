// SPDX-License-Identifier: BSL-1.0
#include "redis/line_seat.hpp"

#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// The first of the line watches the key only if it is not handed over at once.
constexpr auto watch_after = 2ms;
/// For so long a release that passes the lock on may wait for the connection that tells of things.
constexpr auto release_delay = 100ms;

failure cancelled() { return {errc::cancelled, "cancelled"}; }

asio::awaitable<bool> was_cancelled() {
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

line_seat::line_seat(const store_environment& environment, std::shared_ptr<client> server,
                     std::shared_ptr<notices> told, std::string_view name)
    : env_(environment),
      server_(std::move(server)),
      told_(std::move(told)),
      key_(lock_key(name)),
      bell_(env_.time) {}

line_seat::~line_seat() {
    unwatch();
    if (number_ != 0) told_->leave(number_);
}

std::string line_seat::id() const { return told_->channel() + "." + std::to_string(number_); }

// Before the first asking, so that nothing that it leads to is missed; where that takes too long,
// we ask again now and then instead.
asio::awaitable<void> line_seat::join(time_point until) {
    if (number_ != 0) co_return;
    number_ = told_->enter(*this);
    if (told_->listening()) co_return;
    static_cast<void>(co_await told_->ready(until));
    ask_again_ = false;
}

asio::awaitable<result<grant>> line_seat::ask(const claim& wanted, const line_terms& terms,
                                              time_point deadline) {
    return stand(verb::ask, {}, wanted, terms, deadline);
}

asio::awaitable<result<std::optional<grant>>> line_seat::pass_on(std::string_view held,
                                                                 const claim& wanted,
                                                                 const line_terms& terms,
                                                                 time_point deadline) {
    auto answer = co_await stand(verb::pass, held, wanted, terms, deadline);
    if (answer) co_return std::optional<grant>(*answer);
    if (answer.error().code == errc::contended) co_return std::optional<grant>();
    co_return answer.error();
}

asio::awaitable<result<grant>> line_seat::stand(verb which, std::string_view held,
                                                const claim& wanted, const line_terms& terms,
                                                time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const bool passes = which == verb::pass;
    // A release does not wait for long until we are told of things: else we ask again.
    const time_point joined_by = now() + (deadline - now()) / 2;
    co_await join(passes ? std::min(joined_by, now() + release_delay) : joined_by);
    const bool stopped = co_await was_cancelled();
    if (stopped) co_return cancelled();
    ask_again_ = false;
    heard_first_ = false;
    const char* const mode = wanted.permits > 0                 ? "c"
                             : wanted.mode == lock_mode::shared ? "s"
                                                                : "x";
    std::string wish = mode;
    for (const std::uint64_t part :
         {std::uint64_t{wanted.permits}, std::uint64_t{wanted.fence ? terms.tokens : 0},
          std::uint64_t{heard_surely()}, ++sent_})
        wish.append(":").append(std::to_string(part));
    wish.append(":").append(wanted.value);
    texts keys{key_};
    texts arguments{id(),
                    passes ? "pass" : "ask",
                    std::string(held),
                    std::move(wish),
                    std::to_string(wanted.ttl.count()),
                    std::to_string(terms.lease.count()),
                    terms.waited ? std::to_string(terms.waited->count()) : std::string()};
    counted_ = wanted.permits > 0;
    beat_ = terms.beat;
    auto answer = co_await call_script(server_, passes ? scripts().line : scripts().ask,
                                       std::move(keys), std::move(arguments), deadline);
    if (answer) co_return settle(*answer);
    if (answer.error().code == errc::wrong_type)
        co_return co_await wrong_type(server_, key_, deadline);
    co_return answer.error();
}

// In a cluster a message reaches us from servers that count no receiver of theirs: so whether there
// is one is no sign of our life.
bool line_seat::heard_surely() const {
    return told_->listening() && !server_->where().in_cluster();
}

result<grant> line_seat::settle(const resp::reply& answer) {
    if (!answer.is(resp::kind::array) || answer.items.empty()) return nonsense(*server_);
    const auto& told = answer.items;
    const std::int64_t verdict = told[0].integer;
    if (verdict < 0) {
        step_out();
        return verdict == -1 ? failure(lost_reason::taken, "somebody else holds it")
                             : failure(lost_reason::deleted, "nobody holds it");
    }
    if (verdict == 1 && told.size() == 2) {
        step_out();
        return grant{.fencing_token = static_cast<std::uint64_t>(told[1].integer)};
    }
    if (verdict != 0 || told.size() != 4) return nonsense(*server_);
    answered_ = sent_;
    // A message may overtake the answer.
    if (const bool first = told[1].integer == 1 || heard_first_; first != first_) {
        first_ = first;
        first_since_ = now();
        if (!first) unwatch();
    }
    free_at_ = time_point::max();
    if (told[3].integer >= 0) free_at_ = now() + milliseconds(told[3].integer + 1);
    return held_by(told[2], told[3]);
}

// What was handed over before does not count any more.
void line_seat::step_out() {
    ++sent_;
    handed_.reset();
    first_ = false;
    unwatch();
}

void line_seat::unwatch() {
    if (std::exchange(watching_, false)) told_->unwatch(key_, *this, notices::also::messages);
}

asio::awaitable<std::optional<grant>> line_seat::await_turn(time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const bool told = told_->listening();
    // Nobody tells us anything: we have to ask.
    if (!told) until = std::min(until, now() + poll_pause(env_.random));
    for (;;) {  // Ends at `until`.
        if (auto given = take_handed()) co_return given;
        if (std::exchange(ask_again_, false)) co_return std::nullopt;
        const time_point next = told ? look_again_at(until) : until;
        const wake_reason why = co_await bell_.wait_until(next);
        if (why == wake_reason::cancelled) co_return std::nullopt;
        if (why == wake_reason::reached && (next == until || now() >= free_at_))
            co_return take_handed();
    }
}

std::optional<grant> line_seat::take_handed() {
    if (!handed_) return std::nullopt;
    handed last = *std::exchange(handed_, std::nullopt);
    last.given.beat = beat_;
    if (last.serial != answered_ || answered_ != sent_) {
        // Of an asking whose answer was lost: whoever asks is told all of it.
        if (last.serial >= answered_) ask_again_ = true;
        return std::nullopt;
    }
    step_out();
    return last.given;
}

// Who is not the first of the line has nothing to look at.
time_point line_seat::look_again_at(time_point until) {
    if (!first_) return until;
    if (!watching_ && now() >= first_since_ + watch_after) {
        watching_ = true;
        told_->watch(key_, *this, notices::also::messages);
    }
    const time_point next = std::min(until, free_at_);
    return watching_ ? next : std::min(next, first_since_ + watch_after);
}

asio::awaitable<result<void>> line_seat::leave(std::string_view value, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    step_out();
    if (number_ == 0) number_ = told_->enter(*this);
    texts keys{key_};
    texts arguments{id(), "leave", std::string(value)};
    auto answer = co_await call_script(server_, scripts().line, std::move(keys),
                                       std::move(arguments), deadline);
    // What is no lock any more is not ours either, and the place was left before.
    if (!answer && answer.error().code != errc::wrong_type) co_return answer.error();
    co_return result<void>{};
}

// "g SERIAL TOKEN": it was handed over. "h": we are the first now.
void line_seat::on_message(std::string_view words) {
    if (words == "h") {
        heard_first_ = true;
        if (!std::exchange(first_, true)) {
            first_since_ = now();
            free_at_ = time_point::max();
        }
        return bell_.wake();
    }
    if (!words.starts_with("g ")) return;
    handed news{};
    const char* const end = words.data() + words.size();
    const auto serial = std::from_chars(words.data() + 2, end, news.serial);
    if (serial.ec != std::errc{} || serial.ptr == end) return;
    const auto token = std::from_chars(serial.ptr + 1, end, news.given.fencing_token);
    if (token.ec != std::errc{} || token.ptr != end) return;
    if (handed_ && handed_->serial > news.serial) return;
    handed_ = news;
    bell_.wake();
}

void line_seat::on_left(std::int64_t left_ms) {
    if (left_ms == -2)
        ask_again_ = true;
    else if (!counted_)  // A counted lock's key lives longer than the lease that is in the way.
        free_at_ = left_ms < 0 ? time_point::max() : now() + milliseconds(left_ms + 1);
    bell_.wake();
}

void line_seat::on_restart() {
    ask_again_ = true;
    bell_.wake();
}

}  // namespace holdfast::redis
