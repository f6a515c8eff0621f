// SPDX-License-Identifier: BSL-1.0
#include <holdfast/compat/dist_lock.hpp>
#include <holdfast/compat/redlock.hpp>
#include <holdfast/compat/warlock.hpp>
#include <holdfast/dialect.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/quorum.hpp>

#include "interop/party.hpp"

#include <boost/asio/use_future.hpp>

#include <cstdint>
#include <future>
#include <stdexcept>
#include <utility>

namespace holdfast::test {
namespace {

// @return false if the facade says that somebody else has it, or that it is not ours.
template <class T>
bool accepted(const result<T>& answer) {
    if (answer) return true;
    const errc code = answer.error().code;
    if (code != errc::contended && code != errc::lost)
        throw std::runtime_error(answer.error().message());
    return false;
}

// Waits by the verbs' asynchronous form; `grip_of` makes a grip of what a verb answers.
template <class T, class GripOf>
look_for_grip look_at(std::future<T> answer, GripOf grip_of) {
    auto shared = std::make_shared<std::future<T>>(std::move(answer));
    return [shared, grip_of]() -> std::optional<grip> {
        if (shared->wait_for(milliseconds{0}) != std::future_status::ready) return std::nullopt;
        return grip_of(shared->get());
    };
}

// The facade offers nothing by id, as the original does not; a locker on the same store does.
store_factory redlock_store(const names& urls) {
    std::vector<store_factory> nodes;
    for (const std::string& url : urls)
        nodes.push_back(open_dialect(dialect::redlock, url).value());
    return quorum_of(std::move(nodes));
}

class cpp_redlock : public party {
public:
    explicit cpp_redlock(const names& urls)
        : once_(urls, {.retry_count = 0}),
          patient_(
              urls,
              {.retry_count = -1, .retry_delay = retry_delay, .retry_jitter = milliseconds{1}}),
          by_id_(redlock_store(urls)) {}

    std::optional<grip> take(const names& which, milliseconds ttl) override {
        return grip_of(once_.lock(which, ttl));
    }
    look_for_grip wait_for(const std::string& name, milliseconds ttl) override {
        return look_at(patient_.lock(name, ttl, asio::use_future), grip_of);
    }
    bool release_by_id(const std::string& name, const std::string& id) override {
        return accepted(by_id_.release({.name = name, .id = id}));
    }
    bool extend_by_id(const std::string& name, const std::string& id, milliseconds ttl) override {
        return accepted(by_id_.renew({.name = name, .id = id, .ttl = ttl}));
    }

private:
    static std::optional<grip> grip_of(const result<compat::redlock_lock>& answer) {
        if (!accepted(answer)) return std::nullopt;
        auto lock = *answer;
        // To unlock a lock that has ended is no error.
        const auto release = [lock]() mutable {
            const bool held = lock.expiration() > boot_clock::now();
            return accepted(lock.unlock()) && held;
        };
        const auto extend = [lock](milliseconds ttl) mutable { return accepted(lock.extend(ttl)); };
        return grip{lock.value(), release, extend};
    }

    compat::redlock once_;
    compat::redlock patient_;
    locker by_id_;
};

class cpp_warlock : public party {
public:
    explicit cpp_warlock(const std::string& url) : locks_(url) {}

    std::optional<grip> take(const names& which, milliseconds ttl) override {
        return grip_of(which.front(), locks_.lock(which.front(), ttl));
    }
    look_for_grip wait_for(const std::string& name, milliseconds ttl) override {
        auto answer = locks_.optimistic(name, ttl, 1'000'000'000, retry_delay, asio::use_future);
        return look_at(std::move(answer),
                       [this, name](const auto& got) { return grip_of(name, got); });
    }
    bool release_by_id(const std::string& name, const std::string& id) override {
        return locks_.unlock(name, id).value() == 1;
    }
    bool extend_by_id(const std::string& name, const std::string& id, milliseconds ttl) override {
        return locks_.touch(name, id, ttl).value();
    }

private:
    std::optional<grip> grip_of(const std::string& name,
                                const result<compat::warlock_answer>& answer) {
        const auto& got = answer.value();
        if (!got) return std::nullopt;
        return grip{
            got.id, [unlock = got.unlock] { return unlock().value() == 1; },
            [this, name, id = got.id](milliseconds ttl) { return extend_by_id(name, id, ttl); }};
    }

    compat::warlock locks_;
};

class cpp_dist_lock : public party {
public:
    explicit cpp_dist_lock(std::string url) : url_(std::move(url)), locks_(url_) {}

    // The ttl is the facade's there, not the lock's.
    std::optional<grip> take(const names& which, milliseconds ttl) override {
        compat::dist_lock locks(url_, {.ttl = ttl, .max_retries = 0});
        return grip_of(locks.acquire(which.front(), "interop"));
    }
    look_for_grip wait_for(const std::string& name, milliseconds ttl) override {
        compat::dist_lock locks(url_, {.ttl = ttl, .retry_delay = retry_delay});
        auto answer = locks.acquire(name, "interop", asio::use_future);
        return look_at(std::move(answer), grip_of);
    }
    bool release_by_id(const std::string& name, const std::string& id) override {
        return locks_.release_lock(name, id).value();
    }
    bool extend_by_id(const std::string& name, const std::string& id, milliseconds ttl) override {
        return locks_.extend_lock(name, id, ttl).value();
    }

private:
    static std::optional<grip> grip_of(const result<std::optional<compat::dist_lock_lock>>& got) {
        if (!got.value()) return std::nullopt;
        auto lock = **got;
        return grip{lock.id(), [lock]() mutable { return lock.release().value(); },
                    [lock](milliseconds ttl) mutable { return lock.extend(ttl).value(); }};
    }

    std::string url_;
    compat::dist_lock locks_;
};

}  // namespace

std::string_view to_string(package which) noexcept {
    switch (which) {
        case package::redlock_4: return "redlock4";
        case package::redlock_5: return "redlock5";
        case package::warlock: return "warlock";
        case package::dist_lock_2: return "distlock2";
    }
    return "unknown";
}

std::unique_ptr<party> make_cpp_party(package which, const names& urls) {
    if (is_redlock(which)) return std::make_unique<cpp_redlock>(urls);
    if (which == package::warlock) return std::make_unique<cpp_warlock>(urls.front());
    return std::make_unique<cpp_dist_lock>(urls.front());
}

}  // namespace holdfast::test
