// SPDX-License-Identifier: BSL-1.0
#include "mysql/late_takings.hpp"

#include "mysql/client/server_error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;

/// A session waits for one second for each row, and a hold for three of them.
constexpr auto late_max = 5s;
/// How often a release is said whose row somebody has locked, for a second each.
constexpr unsigned take_back_tries_max = 4;

std::string bytes_of(const cell& from) {
    const auto* bytes = std::get_if<octets>(&from);
    return bytes ? bytes->bytes : std::string();
}

}  // namespace

/// Among those who wait for a statement, until the coroutine goes on, or is destroyed.
class late_takings::place {
public:
    place(std::shared_ptr<taking> of, alarm& bell) : of_(std::move(of)), bell_(bell) {
        of_->waiting.insert(&bell_);
    }
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() { of_->waiting.erase(&bell_); }

private:
    std::shared_ptr<taking> of_;
    alarm& bell_;
};

void late_takings::adopt(lent line) {
    if (stopped_) return;
    line.set_aside();
    const std::vector<cell>& values = line->left_values();
    auto mine = std::make_shared<taking>();
    mine->name = bytes_of(values.at(0));
    mine->holder = bytes_of(values.at(1));
    all_.push_back(mine);
    asio::co_spawn(env_.executor, finish(shared_from_this(), std::move(mine), std::move(line)),
                   asio::detached);
}

std::shared_ptr<late_takings::taking> late_takings::find(std::string_view name,
                                                         std::string_view holder) {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& each) {
        return each->name == name && each->holder == holder;
    });
    return found == all_.end() ? nullptr : *found;
}

asio::awaitable<bool> late_takings::settle(std::string name, std::string holder, statement release,
                                           time_point deadline) {
    while (!stopped_) {  // Ends with the last of them, or at the deadline.
        const std::shared_ptr<taking> under_way = find(name, holder);
        if (!under_way) co_return true;
        alarm bell(env_.time);
        const place mine(under_way, bell);
        const wake_reason why = co_await bell.wait_until(deadline);
        if (why == wake_reason::woken) continue;
        under_way->release = std::move(release);
        co_return false;
    }
    co_return true;  // Who asks the store now is told that it was closed.
}

asio::awaitable<void> late_takings::finish(std::shared_ptr<late_takings> self,
                                           std::shared_ptr<taking> mine, lent line) {
    const time_point limit = self->env_.time.now() + late_max;
    co_await line->finish(limit);
    if (!self->stopped_ && !mine->release.sql.empty() && line->usable())
        co_await take_back(self, std::move(mine->release), *line);
    std::erase(self->all_, mine);
    for (alarm* const bell : mine->waiting) bell->wake();
}

asio::awaitable<void> late_takings::take_back(std::shared_ptr<late_takings> self, statement release,
                                              connection& line) {
    for (unsigned tries = 0; tries < take_back_tries_max && !self->stopped_; ++tries) {
        std::vector<cell> values = release.values;
        const time_point limit = self->env_.time.now() + late_max;
        const auto said = co_await line.run(release.sql, std::move(values), limit);
        const bool again = !said && line.usable() && classify(line.number()).what == verdict::busy;
        if (!again) co_return;
    }
}

}  // namespace holdfast::mysql
