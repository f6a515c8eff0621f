// SPDX-License-Identifier: BSL-1.0
#include "memory/memory_store.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <atomic>
#include <utility>

namespace holdfast::memory {
namespace {

std::string new_place() {
    static std::atomic<std::uint64_t> count{0};
    return std::to_string(++count);
}

}  // namespace

/// Where a seat finds what it was told.
struct memory_seat::mailbox {
    explicit mailbox(timeline& time) : bell(time) {}

    alarm bell;
    std::optional<grant> given{};
};

memory_seat::memory_seat(memory_store& owner, std::string name)
    : owner_(owner),
      name_(std::move(name)),
      place_(new_place()),
      mail_(std::make_shared<mailbox>(owner.env_.time)) {
    owner_.waiting_.emplace(&mail_->bell, std::shared_ptr<alarm>(mail_, &mail_->bell));
}

memory_seat::~memory_seat() { owner_.waiting_.erase(&mail_->bell); }

// Called with the table's mutex held, on any thread.
lock_table::notice memory_seat::notice() const {
    return [executor = owner_.env_.executor, box = std::weak_ptr(mail_)](const grant& given) {
        asio::post(executor, [box, given] {
            const auto open = box.lock();
            if (!open) return;
            open->given = given;
            open->bell.wake();
        });
    };
}

asio::awaitable<result<grant>> memory_seat::ask(const claim& wanted, const line_terms& terms,
                                                time_point) {
    if (owner_.stopped_) co_return memory_store::closed();
    // What was told before is settled by this answer.
    mail_->given.reset();
    co_return owner_.table_->ask(place_, wanted, terms, notice(), owner_.now());
}

asio::awaitable<std::optional<grant>> memory_seat::await_turn(time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (owner_.stopped_) co_return std::nullopt;
    const auto mail = mail_;
    if (!mail->given) static_cast<void>(co_await mail->bell.wait_until(until));
    co_return std::exchange(mail->given, std::nullopt);
}

asio::awaitable<result<std::optional<grant>>> memory_seat::pass_on(std::string_view held,
                                                                   const claim& wanted,
                                                                   const line_terms& terms,
                                                                   time_point) {
    if (owner_.stopped_) co_return memory_store::closed();
    mail_->given.reset();
    co_return owner_.table_->pass_on(place_, held, wanted, terms, notice(), owner_.now());
}

asio::awaitable<result<void>> memory_seat::leave(std::string_view value, time_point) {
    if (owner_.stopped_) co_return memory_store::closed();
    co_return owner_.table_->leave(name_, place_, value, owner_.now());
}

}  // namespace holdfast::memory
