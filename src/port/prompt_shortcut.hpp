// SPDX-License-Identifier: BSL-1.0
//
// What it is: the shortcut of a store that has its answers at once, with nobody to wait for. Who
// asks is told a little later all the same: from `store::attend`, or from a turn of the executor.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <holdfast/range_store.hpp>
#include <holdfast/store.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::port {

/// Those who have their answers, and are about to be told.
class prompt_answers : public std::enable_shared_from_this<prompt_answers> {
public:
    explicit prompt_answers(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    void enlist(shortcut::caller& who) {
        waiting_.push_back(&who);
        if (std::exchange(posted_, true)) return;
        asio::post(executor_, [self = shared_from_this()] {
            self->posted_ = false;
            static_cast<void>(self->tell());
        });
    }
    void forget(shortcut::caller* who) {
        for (auto* const all : {&waiting_, &telling_})
            std::replace(all->begin(), all->end(), who, static_cast<shortcut::caller*>(nullptr));
    }
    /// Tells all of them. @return false if there was nobody.
    bool tell() {
        if (waiting_.empty() || !telling_.empty()) return false;
        std::swap(waiting_, telling_);
        // Who is told may enlist again, and forget others.
        for (std::size_t i = 0; i < telling_.size(); ++i) {
            auto* const next = std::exchange(telling_[i], nullptr);
            if (!next) continue;
            try {
                next->on_answer();
            } catch (...) {
                // A callback of the user's threw: that is for whoever runs the executor.
                asio::post(executor_,
                           [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
            }
        }
        telling_.clear();
        return true;
    }

private:
    asio::any_io_executor executor_;
    std::vector<shortcut::caller*> waiting_;
    std::vector<shortcut::caller*> telling_;
    bool posted_{false};
};

/// See the top of the file. `Store` has
/// `std::optional<grant> take_now(const claim&)`, the grant if it is a plain yes, and
/// `bool release_now(std::string_view name, std::string_view value)`, whether it is one;
/// otherwise neither has done anything that may not be repeated.
template <class Store>
class prompt_shortcut final : public shortcut {
public:
    prompt_shortcut(Store& where, std::shared_ptr<prompt_answers> answers)
        : store_(where), answers_(std::move(answers)) {}
    ~prompt_shortcut() override { answers_->forget(caller_); }

    bool start_acquire(const claim& wanted, time_point /*deadline*/, caller& tell) override {
        given_ = store_.take_now(wanted);
        return given_ && enlist(tell);
    }
    std::optional<grant> granted() override { return given_; }
    asio::awaitable<result<grant>> conclude_acquire(const claim& /*wanted*/,
                                                    time_point /*deadline*/) override {
        co_return *given_;
    }

    bool start_release(std::string_view name, std::string_view value,
                       std::uint64_t /*fencing_token*/, time_point /*deadline*/,
                       caller& tell) override {
        return store_.release_now(name, value) && enlist(tell);
    }
    bool released() override { return true; }
    asio::awaitable<result<void>> conclude_release(std::string_view /*name*/,
                                                   std::string_view /*value*/,
                                                   std::uint64_t /*fencing_token*/,
                                                   time_point /*deadline*/) override {
        co_return result<void>{};
    }

private:
    bool enlist(caller& tell) {
        caller_ = &tell;
        answers_->enlist(tell);
        return true;
    }

    Store& store_;
    std::shared_ptr<prompt_answers> answers_;
    caller* caller_{nullptr};
    std::optional<grant> given_;
};

/// The same for holds. `Store` has `std::optional<range_grant> hold_now(const range_claim&)` and
/// `bool release_now(std::string_view key, std::string_view id, released_hold which)`, likewise.
template <class Store>
class prompt_range_shortcut final : public range_shortcut {
public:
    prompt_range_shortcut(Store& where, std::shared_ptr<prompt_answers> answers)
        : store_(where), answers_(std::move(answers)) {}
    ~prompt_range_shortcut() override { answers_->forget(caller_); }

    bool start_hold(const range_claim& wanted, time_point /*deadline*/,
                    shortcut::caller& tell) override {
        given_ = store_.hold_now(wanted);
        return given_ && enlist(tell);
    }
    std::optional<range_grant> granted() override { return given_; }
    asio::awaitable<result<range_grant>> conclude_hold(const range_claim& /*wanted*/,
                                                       time_point /*deadline*/) override {
        co_return *given_;
    }

    bool start_release(std::string_view key, std::string_view id, released_hold which,
                       time_point /*deadline*/, shortcut::caller& tell) override {
        return store_.release_now(key, id, which) && enlist(tell);
    }
    bool released() override { return true; }
    asio::awaitable<result<void>> conclude_release(std::string_view /*key*/,
                                                   std::string_view /*id*/, released_hold /*which*/,
                                                   time_point /*deadline*/) override {
        co_return result<void>{};
    }

private:
    bool enlist(shortcut::caller& tell) {
        caller_ = &tell;
        answers_->enlist(tell);
        return true;
    }

    Store& store_;
    std::shared_ptr<prompt_answers> answers_;
    shortcut::caller* caller_{nullptr};
    std::optional<range_grant> given_;
};

}  // namespace holdfast::port
