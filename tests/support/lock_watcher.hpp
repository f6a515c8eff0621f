// SPDX-License-Identifier: BSL-1.0
//
// What it is: a watch on a thread of its own, and what it has told.
// Thread safety: every call from any thread.
#pragma once

#include <holdfast/locker.hpp>

#include "support/poll.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::test {

/// See the top of the file.
class lock_watcher {
public:
    /// Begins. What is held now, and nothing that happens later, is told as `held`.
    explicit lock_watcher(const std::string& url, std::string prefix = {})
        : locks_(url, {.timeout = std::chrono::seconds(2)}),
          mark_(prefix + "the watch has begun"),
          seen_first_(locks_.acquire(mark_)),
          worker_([this, prefix = std::move(prefix)](std::stop_token stop) {
              auto ended = locks_.watch(
                  prefix, [this](const lock_change& change) { note(change); }, std::move(stop));
              const std::scoped_lock own(mutex_);
              outcome_.emplace(std::move(ended));
          }) {
        static_cast<void>(poll_until([this] { return begun_.load(); }));
        seen_first_ = errc::cancelled;  // Releases it.
    }

    /// Waits until it has told exactly these, as `taken NAME`, in this order.
    [[nodiscard]] bool tells(const std::vector<std::string>& all) {
        return poll_until([&] { return told().size() >= all.size(); }) && told() == all;
    }
    /// Waits until one of what it has told is `text`.
    [[nodiscard]] bool tells_once(const std::string& text) {
        return poll_until([&] {
            const auto all = told();
            return std::count(all.begin(), all.end(), text) > 0;
        });
    }
    [[nodiscard]] std::vector<std::string> told() const {
        const std::scoped_lock own(mutex_);
        return told_;
    }
    [[nodiscard]] lock_change last() const {
        const std::scoped_lock own(mutex_);
        return last_;
    }
    /// Ends it. @return How it ended.
    result<void> end() {
        worker_.request_stop();
        worker_.join();
        return *outcome_;
    }

private:
    void note(const lock_change& change) {
        if (change.lock.name == mark_) {
            begun_ = true;
            return;
        }
        const std::scoped_lock own(mutex_);
        std::string text(to_string(change.what));
        if (!change.lock.name.empty()) text += " " + change.lock.name;
        told_.push_back(std::move(text));
        last_ = change;
    }

    locker locks_;
    std::string mark_;
    result<guard> seen_first_;
    std::atomic<bool> begun_{false};
    mutable std::mutex mutex_;
    std::vector<std::string> told_;
    lock_change last_;
    std::optional<result<void>> outcome_;
    std::jthread worker_;
};

}  // namespace holdfast::test
