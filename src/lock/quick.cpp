// SPDX-License-Identifier: BSL-1.0
//
// The way of a lock that nobody else wants: one attempt, one release, no coroutine and nothing
// allocated. Whatever is no plain yes goes on in the coroutines, from where it got to.
#include "lock/option_rules.hpp"
#include "lock/pursuit.hpp"

#include <boost/asio/co_spawn.hpp>

#include <iterator>
#include <utility>

namespace holdfast::lock {
namespace {

/// How many calls are kept for later.
constexpr std::size_t spare_calls_max = 1024;

/// Goes on with `work`, a coroutine of `owner`, which is kept alive until `to` was told its end.
template <class T>
void go_on(const asio::any_io_executor& executor, std::shared_ptr<engine> owner,
           asio::awaitable<result<T>> work, receiver<T>& to) {
    to.goes_on();
    auto tell = [owner = std::move(owner), &to](const std::exception_ptr& thrown, result<T> end) {
        if (thrown)
            to.fail(thrown);
        else
            to.receive(std::move(end));
    };
    asio::co_spawn(executor, std::move(work), std::move(tell));
}

/// As `acquire_plan(options)`, in the room that `into` has.
void plan_plainly(const acquire_options& options, acquire_plan& into) {
    into.options = options;
    into.retry.reset();
    into.renew_ahead = {};
    into.ids.clear();
    into.alone = false;
}

}  // namespace

/// One acquisition or release under way; it is used again and again.
struct engine::quick_call final : shortcut::caller {
    explicit quick_call(engine& by) : owner(by), way(by.parts_.where->make_shortcut()) {}

    void on_answer() override {
        if (acquiring)
            owner.on_acquired(*this);
        else
            owner.on_released(*this);
    }

    engine& owner;
    std::unique_ptr<shortcut> way;
    std::list<quick_call>::iterator place{};  // In the list that it is in.

    receiver<held_ptr>* acquiring{nullptr};
    acquire_plan plan{acquire_options{}};
    claim wanted{};
    identity who{};
    time_point started{};
    core::claim_steps steps{core::claim_limits{}};

    receiver<void>* releasing{nullptr};
    held_ptr held{};
    time_point deadline{};
    std::shared_ptr<engine> kept{};  // Where nobody else keeps it until the end.
};

engine::engine(engine_parts parts)
    : parts_(std::move(parts)), keeper_alarm_(*parts_.time), idle_alarm_(*parts_.time) {
    if (!parts_.watch) parts_.watch = std::make_shared<monitor>(*parts_.time, parts_.options);
    if (!parts_.watch->has_several()) parts_.watch->has_store(address());
    const bool told = parts_.watch->listened_to() && parts_.options.slow_acquire.count() > 0;
    slow_ = told ? core::nanoseconds(parts_.options.slow_acquire) : core::nanoseconds::max();
}

engine::~engine() {
    while (!watched_.empty()) unwatch(*watched_.begin());
}

bool engine::is_quick(std::string_view name, const acquire_options& options) const {
    return has_shortcuts_ && !stopped_ && options.mode == lock_mode::exclusive &&
           options.permits == 0 && !options.fair && !options.stop.stop_possible() &&
           !check_acquire(name, options, name_limit()) &&
           (lines_.empty() || !lines_.contains(name));
}

engine::quick_call* engine::take_call() {
    if (spare_calls_.empty()) {
        if (!has_shortcuts_) return nullptr;
        spare_calls_.emplace_back(*this);
        has_shortcuts_ = spare_calls_.back().way != nullptr;
        if (!has_shortcuts_) {
            spare_calls_.clear();
            return nullptr;
        }
    }
    calls_.splice(calls_.begin(), spare_calls_, spare_calls_.begin());
    calls_.front().place = calls_.begin();
    return &calls_.front();
}

void engine::put_back(quick_call& done) noexcept {
    done.acquiring = nullptr;
    done.releasing = nullptr;
    done.held.reset();
    if (spare_calls_.size() < spare_calls_max)
        spare_calls_.splice(spare_calls_.begin(), calls_, done.place);
    else
        calls_.erase(done.place);
}

void engine::start_acquire(std::string_view name, const acquire_options& options,
                           receiver<held_ptr>& to) {
    if (quick_call* const call = is_quick(name, options) ? take_call() : nullptr) {
        plan_plainly(options, call->plan);
        if (send_acquire(*call, name, to)) return;
    }
    go_on(parts_.executor, shared_from_this(), acquire(std::string(name), options), to);
}

void engine::start_acquire(std::string_view name, const acquire_plan& plan,
                           receiver<held_ptr>& to) {
    const bool quick = !plan.retry && is_quick(name, plan.options);
    if (quick_call* const call = quick ? take_call() : nullptr) {
        call->plan = plan;
        if (send_acquire(*call, name, to)) return;
    }
    go_on(parts_.executor, shared_from_this(), acquire(std::string(name), plan), to);
}

// The first attempt of `call.plan`. @return false if it was not sent; the call was put back then.
bool engine::send_acquire(quick_call& call, std::string_view name, receiver<held_ptr>& to) {
    const acquire_options& options = call.plan.options;
    call.started = now();
    call.steps = core::claim_steps(limits_of(call.plan, call.started));
    if (call.plan.ids.empty())
        draw_identity(options.owner, call.who);
    else
        call.who.value = call.who.id = call.plan.ids.front();
    call.wanted.name = name;
    std::swap(call.wanted.value, call.who.value);
    call.wanted.ttl = options.ttl;
    call.wanted.fence = options.fence;
    call.acquiring = &to;
    call.steps.sending(call.started);
    const time_point deadline = call.started + parts_.options.timeout;
    if (!call.way->start_acquire(call.wanted, deadline, call)) {
        put_back(call);
        return false;
    }
    counted_.attempts.add();
    return true;
}

void engine::on_acquired(quick_call& call) {
    receiver<held_ptr>& to = *call.acquiring;
    if (const auto given = call.way->granted()) {
        core::claim_steps steps = call.steps;
        if (steps.granted(given->taken_earlier, now()) == core::step::succeed) {
            std::swap(call.wanted.value, call.who.value);
            held_ptr held = make_first(call.wanted.name, call.who, call.plan, steps,
                                       given->fencing_token, call.started);
            put_back(call);
            return to.receive(std::move(held));
        }
    }
    go_on(parts_.executor, shared_from_this(), conclude_acquire(call), to);
}

asio::awaitable<result<held_ptr>> engine::conclude_acquire(quick_call& call) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const time_point deadline = call.started + parts_.options.timeout;
    auto answer = co_await call.way->conclude_acquire(call.wanted, deadline);
    first_try begun{.started = call.started,
                    .steps = call.steps,
                    .who = {.id = call.who.id, .value = call.wanted.value},
                    .answer = std::move(answer)};
    std::string name = call.wanted.name;
    acquire_plan plan = call.plan;
    put_back(call);
    co_return co_await acquire_now(std::move(name), std::move(plan), std::move(begun));
}

void engine::start_release(const held_ptr& held, receiver<void>& to) {
    const bool plain = has_shortcuts_ && !stopped_ && !line_of(*held);
    quick_call* const call = plain && held->held() ? take_call() : nullptr;
    if (call && held->give_up()) {
        unwatch(*held);
        const time_point present = now();
        note_end(*held, present);
        call->held = held;
        call->releasing = &to;
        call->deadline = present + parts_.options.timeout;
        if (&to == &nobody_) call->kept = shared_from_this();
        if (call->way->start_release(held->name, held->value, held->fencing_token, call->deadline,
                                     *call))
            return;
        release_begun begun;
        begun.until = call->deadline;
        const auto alive = std::move(call->kept);
        put_back(*call);
        auto rest = after_release(held, std::move(begun));
        return go_on(parts_.executor, shared_from_this(), std::move(rest), to);
    }
    if (call) put_back(*call);
    go_on(parts_.executor, shared_from_this(), release(held), to);
}

void engine::on_released(quick_call& call) {
    const auto alive = std::move(call.kept);  // Until all is told.
    receiver<void>& to = *call.releasing;
    if (!call.way->released()) {
        go_on(parts_.executor, shared_from_this(), conclude_release(call), to);
        return;
    }
    counted_.releases.add();
    put_back(call);
    to.receive({});
}

asio::awaitable<result<void>> engine::conclude_release(quick_call& call) {
    const held_ptr held = call.held;
    release_begun begun;
    begun.until = call.deadline;
    auto answer = co_await call.way->conclude_release(held->name, held->value, held->fencing_token,
                                                      call.deadline);
    put_back(call);
    begun.answer = std::move(answer);
    co_return co_await after_release(held, std::move(begun));
}

}  // namespace holdfast::lock
