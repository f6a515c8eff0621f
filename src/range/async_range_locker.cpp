// SPDX-License-Identifier: BSL-1.0
#include <holdfast/async_range_locker.hpp>

#include "lock/observe.hpp"
#include "range/holding.hpp"
#include "range/verbs.hpp"

#include <utility>

namespace holdfast {

struct async_range_locker::parts : ranges::opened {};

namespace {

/// Awaits `work`, for which `keep` has to live, even if the locker does not.
template <class Keep, class T>
asio::awaitable<T> keeping(Keep keep, asio::awaitable<T> work) {
    auto said = co_await std::move(work);
    keep.reset();
    co_return said;
}

asio::awaitable<result<std::chrono::milliseconds>> renew_or_refuse(lock::engine& engine,
                                                                   result<lease> known) {
    if (!known) co_return known.error();
    co_return co_await engine.renew_known(std::move(*known));
}

}  // namespace

asio::awaitable<result<void>> async_range_guard::renew(std::chrono::milliseconds ttl) {
    if (!state_) co_return lock::empty_guard();
    const auto session = session_;
    auto verb = [state = state_, ttl](lock::engine& engine) { return engine.renew(state, ttl); };
    co_return co_await session->call_async(std::move(verb));
}

asio::awaitable<result<void>> async_range_guard::move(std::int64_t start, std::int64_t end) {
    if (auto ready = check(); !ready) co_return ready.error();
    const auto session = session_;
    const auto verbs = verbs_;
    const auto state = state_;
    auto verb = [&](lock::engine&) {
        return verbs->move_held(state, what_.key, what_.id, {.start = start, .end = end});
    };
    auto moved = co_await session->call_async(std::move(verb));
    if (state_ != state) co_return lock::empty_guard();  // It was given up meanwhile.
    if (!moved) co_return note(moved.error());
    what_.start = moved->start;
    what_.end = moved->end;
    what_.fencing_token = moved->fencing_token;
    co_return result<void>{};
}

asio::awaitable<result<range_hold>> async_range_guard::confirm() {
    if (auto ready = check(); !ready) co_return ready.error();
    const auto session = session_;
    const auto verbs = verbs_;
    const auto state = state_;
    auto verb = [&](lock::engine&) { return verbs->confirm_held(state, what_.key, what_.id); };
    auto told = co_await session->call_async(std::move(verb));
    if (state_ != state) co_return told;  // It was given up meanwhile.
    if (!told) co_return note(told.error());
    confirmed();
    co_return told;
}

asio::awaitable<result<void>> async_range_guard::release() {
    if (!state_) co_return lock::empty_guard();
    const auto session = session_;
    auto verb = [state = std::exchange(state_, nullptr)](lock::engine& engine) {
        return engine.release(state);
    };
    clear();
    co_return co_await session->call_async(std::move(verb));
}

async_range_locker::async_range_locker(const asio::any_io_executor& executor, std::string_view url,
                                       const locker_options& options)
    : async_range_locker(executor, lock::range_factory_for(url).value(), options) {}

async_range_locker::async_range_locker(const asio::any_io_executor& executor,
                                       const range_store_factory& make,
                                       const locker_options& options)
    : parts_(std::make_shared<const parts>(
          parts{ranges::open_ranges(make, options, &executor).value()})) {}

async_range_locker::async_range_locker(async_range_locker&&) noexcept = default;
async_range_locker& async_range_locker::operator=(async_range_locker&&) noexcept = default;
async_range_locker::~async_range_locker() = default;

asio::awaitable<result<async_range_guard>> async_range_locker::hold(std::string key,
                                                                    std::int64_t start,
                                                                    std::int64_t end) {
    return hold(std::move(key), start, end, range_options());
}

asio::awaitable<result<async_range_guard>> async_range_locker::hold(std::string key,
                                                                    std::int64_t start,
                                                                    std::int64_t end,
                                                                    range_options options) {
    return hold_planned(parts_, ranges::plan_hold(key, {.start = start, .end = end}, options));
}

asio::awaitable<result<async_range_guard>> async_range_locker::hold_planned(
    std::shared_ptr<const parts> all, result<ranges::hold_plan> plan) {
    if (!plan) co_return plan.error();
    auto verb = [&](lock::engine& engine) {
        return engine.acquire(std::move(plan->wish), std::move(plan->how));
    };
    auto held = co_await all->session->call_async(std::move(verb));
    if (!held) co_return ranges::translate(held.error());
    range_hold what = ranges::as_held(std::move(plan->what), **held);
    co_return async_range_guard(all->use, all->session, std::move(*held), std::move(what));
}

asio::awaitable<result<std::vector<async_range_guard>>> async_range_locker::hold_all(
    std::vector<range_request> wanted, range_options options) {
    return hold_all_planned(parts_, ranges::plan_all(wanted, options));
}

asio::awaitable<result<std::vector<async_range_guard>>> async_range_locker::hold_all_planned(
    std::shared_ptr<const parts> all, result<ranges::bundle_plan> plan) {
    if (!plan) co_return plan.error();
    auto verb = [&](lock::engine& engine) {
        return engine.acquire_all(std::move(plan->wishes), std::move(plan->how));
    };
    auto held = co_await all->session->call_async(std::move(verb));
    if (!held) co_return ranges::translate(held.error());
    std::vector<async_range_guard> guards;
    for (std::size_t i = 0; i < held->size(); ++i) {
        range_hold what = ranges::as_held(std::move(plan->what[i]), *(*held)[i]);
        guards.push_back(
            async_range_guard(all->use, all->session, std::move((*held)[i]), std::move(what)));
    }
    co_return guards;
}

asio::awaitable<result<async_range_guard>> async_range_locker::adopt(std::string key,
                                                                     std::string id,
                                                                     range_options options) {
    auto look = get(std::move(key), id);
    return adopt_found(parts_, std::move(look), std::move(id), std::move(options));
}

asio::awaitable<result<async_range_guard>> async_range_locker::adopt_found(
    std::shared_ptr<const parts> all, asio::awaitable<result<std::optional<range_hold>>> look,
    std::string id, range_options options) {
    auto there = co_await std::move(look);
    if (!there) co_return there.error();
    if (!*there) co_return failure(lost_reason::deleted, "no such hold, or it has run out");
    auto plan = ranges::plan_adoption(**there, options);
    if (!plan) co_return plan.error();
    const lease known{.name = plan->wish,
                      .id = std::move(id),
                      .fencing_token = (*there)->fencing_token,
                      .ttl = options.ttl};
    auto verb = [&](lock::engine& engine) { return engine.adopt(known, plan->how); };
    auto held = co_await all->session->call_async(std::move(verb));
    if (!held) co_return ranges::translate(held.error());
    co_return async_range_guard(all->use, all->session, std::move(*held), std::move(**there));
}

asio::awaitable<result<std::optional<range_hold>>> async_range_locker::get(std::string key,
                                                                           std::string id) {
    auto verb = [&](lock::engine&) { return parts_->use->get(std::move(key), std::move(id)); };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<std::chrono::milliseconds>> async_range_locker::renew(
    std::string key, std::string id, std::chrono::milliseconds ttl) {
    return renew(std::move(key), std::move(id), ttl, 0);
}

asio::awaitable<result<std::chrono::milliseconds>> async_range_locker::renew(
    std::string key, std::string id, std::chrono::milliseconds ttl, std::uint64_t fencing_token) {
    auto known = ranges::lease_of(key, id, ttl);
    if (known) known->fencing_token = fencing_token;
    auto verb = [&](lock::engine& engine) { return renew_or_refuse(engine, std::move(known)); };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<void>> async_range_locker::release(std::string key, std::string id) {
    return release(std::move(key), std::move(id), 0);
}

asio::awaitable<result<void>> async_range_locker::release(std::string key, std::string id,
                                                          std::uint64_t fencing_token) {
    auto verb = [&](lock::engine&) {
        return parts_->use->release(std::move(key), std::move(id), fencing_token);
    };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<range_hold>> async_range_locker::confirm(std::string key, std::string id) {
    return confirm(std::move(key), std::move(id), 0);
}

asio::awaitable<result<range_hold>> async_range_locker::confirm(std::string key, std::string id,
                                                                std::uint64_t fencing_token) {
    auto verb = [&](lock::engine&) {
        return parts_->use->confirm(std::move(key), std::move(id), fencing_token);
    };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<range_hold>> async_range_locker::move(std::string key, std::string id,
                                                             std::int64_t start, std::int64_t end) {
    return move(std::move(key), std::move(id), start, end, 0);
}

asio::awaitable<result<range_hold>> async_range_locker::move(std::string key, std::string id,
                                                             std::int64_t start, std::int64_t end,
                                                             std::uint64_t fencing_token) {
    auto verb = [&](lock::engine&) {
        return parts_->use->move(std::move(key), std::move(id), fencing_token,
                                 {.start = start, .end = end});
    };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<std::vector<range_hold>>> async_range_locker::list(std::string key,
                                                                          range window,
                                                                          std::size_t limit) {
    auto verb = [&](lock::engine&) { return parts_->use->list(std::move(key), window, limit); };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<std::optional<range>>> async_range_locker::free_gap(std::string key,
                                                                           std::int64_t length,
                                                                           range window,
                                                                           std::uint32_t units) {
    auto verb = [&](lock::engine&) {
        return parts_->use->free_gap(std::move(key), length, window, units);
    };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<void>> async_range_locker::set_capacity(std::string key,
                                                               std::uint32_t units) {
    auto verb = [&](lock::engine&) { return parts_->use->set_capacity(std::move(key), units); };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<std::uint32_t>> async_range_locker::capacity(std::string key) {
    auto verb = [&](lock::engine&) { return parts_->use->capacity(std::move(key)); };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

asio::awaitable<result<std::vector<range_hold>>> async_range_locker::watch(
    std::string key, range window, std::vector<range_hold> known, std::chrono::milliseconds wait) {
    auto verb = [&](lock::engine&) {
        return parts_->use->watch(std::move(key), window, std::move(known), wait,
                                  std::stop_token());
    };
    return keeping(parts_, parts_->session->call_async(std::move(verb)));
}

lock_statistics async_range_locker::statistics() const { return parts_->session->statistics(); }
const std::string& async_range_locker::address() const noexcept {
    return parts_->session->address();
}
asio::any_io_executor async_range_locker::get_executor() const noexcept {
    return parts_->session->executor();
}

}  // namespace holdfast
