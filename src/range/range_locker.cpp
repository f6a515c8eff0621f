// SPDX-License-Identifier: BSL-1.0
#include <holdfast/range_locker.hpp>

#include "range/holding.hpp"
#include "range/verbs.hpp"

#include <utility>

namespace holdfast {

struct range_locker::parts : ranges::opened {};

range_locker::range_locker(std::unique_ptr<parts> opened) noexcept : parts_(std::move(opened)) {}

range_locker::range_locker(std::string_view url, const locker_options& options)
    : range_locker(lock::range_factory_for(url).value(), options) {}

range_locker::range_locker(const range_store_factory& make, const locker_options& options)
    : range_locker(open(make, options).value()) {}

result<range_locker> range_locker::open(std::string_view url, const locker_options& options) {
    const auto make = lock::range_factory_for(url);
    if (!make) return make.error();
    return open(*make, options);
}

result<range_locker> range_locker::open(const range_store_factory& make,
                                        const locker_options& options) {
    auto opened = ranges::open_ranges(make, options, nullptr);
    if (!opened) return opened.error();
    return range_locker(std::make_unique<parts>(parts{std::move(*opened)}));
}

range_locker::range_locker(range_locker&&) noexcept = default;
range_locker& range_locker::operator=(range_locker&&) noexcept = default;
range_locker::~range_locker() = default;

result<range_guard> range_locker::hold(std::string_view key, std::int64_t start, std::int64_t end,
                                       const range_options& options) {
    auto plan = ranges::plan_hold(key, {.start = start, .end = end}, options);
    if (!plan) return plan.error();
    auto held = parts_->session->acquire(plan->wish, plan->how);
    if (!held) return ranges::translate(held.error());
    range_hold what = ranges::as_held(std::move(plan->what), **held);
    return range_guard(parts_->use, parts_->session, std::move(*held), std::move(what));
}

result<std::vector<range_guard>> range_locker::hold_all(const std::vector<range_request>& wanted,
                                                        const range_options& options) {
    auto plan = ranges::plan_all(wanted, options);
    if (!plan) return plan.error();
    auto held = parts_->session->call([&](lock::engine& engine) {
        return engine.acquire_all(std::move(plan->wishes), std::move(plan->how));
    });
    if (!held) return ranges::translate(held.error());
    std::vector<range_guard> guards;
    for (std::size_t i = 0; i < held->size(); ++i) {
        range_hold what = ranges::as_held(std::move(plan->what[i]), *(*held)[i]);
        guards.push_back(
            range_guard(parts_->use, parts_->session, std::move((*held)[i]), std::move(what)));
    }
    return guards;
}

result<range_guard> range_locker::adopt(std::string_view key, std::string_view id,
                                        const range_options& options) {
    auto there = get(key, id);
    if (!there) return there.error();
    if (!*there) return failure(lost_reason::deleted, "no such hold, or it has run out");
    auto plan = ranges::plan_adoption(**there, options);
    if (!plan) return plan.error();
    const lease known{.name = plan->wish,
                      .id = std::string(id),
                      .fencing_token = (*there)->fencing_token,
                      .ttl = options.ttl};
    auto held =
        parts_->session->call([&](lock::engine& engine) { return engine.adopt(known, plan->how); });
    if (!held) return ranges::translate(held.error());
    return range_guard(parts_->use, parts_->session, std::move(*held), std::move(**there));
}

result<std::optional<range_hold>> range_locker::get(std::string_view key, std::string_view id) {
    return parts_->session->call(
        [&](lock::engine&) { return parts_->use->get(std::string(key), std::string(id)); });
}

result<std::chrono::milliseconds> range_locker::renew(std::string_view key, std::string_view id,
                                                      std::chrono::milliseconds ttl,
                                                      std::uint64_t fencing_token) {
    auto known = ranges::lease_of(key, id, ttl);
    if (!known) return known.error();
    known->fencing_token = fencing_token;
    return parts_->session->call([&](lock::engine& engine) { return engine.renew_known(*known); });
}

result<void> range_locker::release(std::string_view key, std::string_view id,
                                   std::uint64_t fencing_token) {
    return parts_->session->call([&](lock::engine&) {
        return parts_->use->release(std::string(key), std::string(id), fencing_token);
    });
}

result<range_hold> range_locker::confirm(std::string_view key, std::string_view id,
                                         std::uint64_t fencing_token) {
    return parts_->session->call([&](lock::engine&) {
        return parts_->use->confirm(std::string(key), std::string(id), fencing_token);
    });
}

result<range_hold> range_locker::move(std::string_view key, std::string_view id, std::int64_t start,
                                      std::int64_t end, std::uint64_t fencing_token) {
    return parts_->session->call([&](lock::engine&) {
        return parts_->use->move(std::string(key), std::string(id), fencing_token,
                                 {.start = start, .end = end});
    });
}

result<std::vector<range_hold>> range_locker::list(std::string_view key, range window,
                                                   std::size_t limit) {
    return parts_->session->call(
        [&](lock::engine&) { return parts_->use->list(std::string(key), window, limit); });
}

result<std::optional<range>> range_locker::free_gap(std::string_view key, std::int64_t length,
                                                    range window, std::uint32_t units) {
    return parts_->session->call([&](lock::engine&) {
        return parts_->use->free_gap(std::string(key), length, window, units);
    });
}

result<void> range_locker::set_capacity(std::string_view key, std::uint32_t units) {
    return parts_->session->call(
        [&](lock::engine&) { return parts_->use->set_capacity(std::string(key), units); });
}

result<std::uint32_t> range_locker::capacity(std::string_view key) {
    return parts_->session->call(
        [&](lock::engine&) { return parts_->use->capacity(std::string(key)); });
}

result<std::vector<range_hold>> range_locker::watch(std::string_view key, range window,
                                                    const std::vector<range_hold>& known,
                                                    std::chrono::milliseconds wait,
                                                    std::stop_token stop) {
    return parts_->session->call([&](lock::engine&) {
        return parts_->use->watch(std::string(key), window, known, wait, std::move(stop));
    });
}

lock_statistics range_locker::statistics() const { return parts_->session->statistics(); }

const std::string& range_locker::address() const noexcept { return parts_->session->address(); }

}  // namespace holdfast
