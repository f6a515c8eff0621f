// SPDX-License-Identifier: BSL-1.0
#include "redis/client/sentinels.hpp"

#include "core/backoff.hpp"
#include "port/one_shot.hpp"
#include "redis/client/client.hpp"
#include "redis/client/server_error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

/// For how long sentinels are waited for, at most; a frozen one must not use up a caller's time.
constexpr std::chrono::milliseconds patience_max = 500ms;
/// How long a sentinel may be silent before it is asked whether it lives.
constexpr std::chrono::nanoseconds silence_max = 10s;
/// What sentinels publish when the master is another one.
constexpr std::string_view switch_channel = "+switch-master";
/// For how long one that refuses to be listened to is only asked.
constexpr std::chrono::nanoseconds refused_pause = 60s;
/// How far apart attempts to listen to one are, at most.
constexpr std::chrono::nanoseconds retry_max = 2s;

std::optional<std::uint16_t> read_port(std::string_view digits) {
    std::uint16_t port = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, port);
    if (error != std::errc{} || stop != end || port == 0) return std::nullopt;
    return port;
}

}  // namespace

result<base::server_place> read_master_place(const resp::reply& answer) {
    if (answer.is(resp::kind::error)) return failure{classify(answer.text), tidy_text(answer.text)};
    if (answer.is(resp::kind::nil)) return failure{errc::denied, "it watches no such master"};
    const bool pair = answer.is(resp::kind::array) && answer.items.size() == 2;
    const auto port = pair ? read_port(answer.items[1].text) : std::nullopt;
    if (!port || answer.items[0].text.empty())
        return failure{errc::protocol, "an answer that does not fit its command"};
    return base::server_place{answer.items[0].text, *port};
}

std::optional<base::server_place> read_switch(std::string_view message,
                                              std::string_view master_name) {
    std::array<std::string_view, 5> words;
    for (std::string_view& word : words) {
        const auto space = message.find(' ');
        word = message.substr(0, space);
        message = space == message.npos ? std::string_view{} : message.substr(space + 1);
    }
    const auto port = read_port(words[4]);
    if (words[0] != master_name || words[3].empty() || !port || !message.empty())
        return std::nullopt;
    return base::server_place{std::string(words[3]), *port};
}

struct sentinels::question {
    std::vector<std::optional<result<base::server_place>>> answers;
    port::one_shot ended{};
    bool decided{false};

    [[nodiscard]] std::size_t votes_for(const base::server_place& place) const {
        return static_cast<std::size_t>(
            std::count_if(answers.begin(), answers.end(),
                          [&](const auto& said) { return said && *said && **said == place; }));
    }
    void tell(std::size_t which, result<base::server_place> said) {
        auto& mine = answers[which];
        mine.emplace(std::move(said));
        const bool most = *mine && votes_for(**mine) > answers.size() / 2;
        const bool all = std::all_of(answers.begin(), answers.end(),
                                     [](const auto& each) { return each.has_value(); });
        if (decided || (!most && !all)) return;
        decided = true;
        ended.fire();
    }
};

sentinels::sentinels(const store_environment& environment, const settings& where)
    : env_(environment), master_name_(where.master_name) {
    for (const base::server_place& place : where.sentinels)
        all_.push_back(std::make_unique<watcher>(
            std::make_shared<client>(environment, sentinel_settings(where, place)), env_.time));
}

asio::awaitable<result<base::server_place>> sentinels::find_master() {
    if (stopped_) co_return failure{errc::cancelled, "the store was closed"};
    start_listening();
    auto about = std::make_shared<question>();
    about->answers.resize(all_.size());
    for (std::size_t i = 0; i < all_.size(); ++i)
        asio::co_spawn(
            env_.executor, [self = shared_from_this(), i, about] { return self->ask(i, about); },
            asio::detached);
    static_cast<void>(co_await about->ended.wait());
    if (stopped_) co_return failure{errc::cancelled, "the store was closed"};
    co_return conclude(*about);
}

// Bounded by the deadline of the exchange; so every question ends.
asio::awaitable<void> sentinels::ask(std::size_t which, std::shared_ptr<question> about) {
    if (stopped_) co_return about->tell(which, failure{errc::cancelled, "the store was closed"});
    const auto line = all_[which]->line;
    const auto patience = std::min(patience_max, env_.options.timeout / 4);
    batch command;
    command.add("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name_);
    const auto answers = co_await line->exchange(std::move(command), env_.time.now() + patience);
    if (!answers) {
        about->tell(which, answers.error());
        co_return;
    }
    auto place = read_master_place(answers->front());
    if (!place) {
        failure why = place.error();
        why.text = line->where().address + ": " + why.text;
        place = std::move(why);
    }
    about->tell(which, std::move(place));
}

// Those that know nothing of the master do not vote: they may have been given their list a moment
// ago. If all say so, it is a mistake in the URL.
result<base::server_place> sentinels::conclude(const question& about) const {
    const base::server_place* best = nullptr;
    std::size_t most = 0;
    failure why{errc::denied, "no sentinel tells where the master '" + master_name_ + "' is"};
    for (const auto& said : about.answers) {
        if (!said) continue;
        if (!*said) {
            const failure& refused = said->error();
            if (refused.code != errc::denied) why.code = errc::unreachable;
            why.text += "; " + refused.text;
            continue;
        }
        const std::size_t votes = about.votes_for(**said);
        if (votes <= most) continue;
        most = votes;
        best = &**said;
    }
    if (best == nullptr) return why;
    return *best;
}

void sentinels::tell(std::weak_ptr<client> who) {
    std::erase_if(clients_, [](const auto& each) { return each.expired(); });
    clients_.push_back(std::move(who));
}

void sentinels::stop() {
    stopped_ = true;
    for (const auto& each : all_) {
        each->line->stop();
        each->bell.wake();
    }
}

void sentinels::start_listening() {
    if (std::exchange(listening_, true)) return;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        auto ended = [self = weak_from_this(), i] {
            const auto alive = self.lock();
            if (!alive || alive->stopped_) return;
            alive->all_[i]->bell.wake();
        };
        auto told = [self = weak_from_this()](const resp::reply& push) {
            if (const auto alive = self.lock()) alive->take_in(push);
        };
        all_[i]->line->hear({std::move(told), std::move(ended)});
        asio::co_spawn(
            env_.executor, [self = shared_from_this(), i] { return self->listen(i); },
            asio::detached);
    }
}

// Until it is stopped. SUBSCRIBE is answered like a message; the reply to PING says that it was
// carried out, and that the sentinel lives. Where the newer protocol cannot be had nothing is
// heard, and a failover is noticed by what becomes of the connection to the master.
asio::awaitable<void> sentinels::listen(std::size_t which) {
    watcher& one = *all_[which];
    for (unsigned failures = 0; !stopped_;) {
        const auto told = co_await subscribe(one.line);
        if (stopped_) co_return;
        if (told) {
            const auto woken = co_await one.bell.wait_until(env_.time.now() + silence_max);
            if (stopped_ || woken == wake_reason::reached) {
                failures = 0;
                continue;
            }
        }
        // A refusal stands before the reply to PING, so it is a reply too many.
        const bool refused = !told && told.error().code == errc::protocol;
        const auto pause =
            refused ? refused_pause
                    : core::backoff_pause(++failures, 50ms, retry_max, env_.random.jitter_bits());
        const time_point again = env_.time.now() + pause;
        while (!stopped_ && env_.time.now() < again)
            static_cast<void>(co_await one.bell.wait_until(again));
    }
}

asio::awaitable<result<void>> sentinels::subscribe(std::shared_ptr<client> line) {
    const time_point deadline = env_.time.now() + env_.options.timeout;
    batch greeting;
    greeting.add("PING");
    const auto greeted = co_await line->exchange(std::move(greeting), deadline);
    if (!greeted) co_return greeted.error();
    if (!line->facts().resp3) co_return result<void>{};
    batch commands;
    commands.add("SUBSCRIBE", switch_channel);
    commands.add("PING");
    commands.count = 1;
    const auto answers = co_await line->exchange(std::move(commands), deadline);
    if (!answers) co_return answers.error();
    if (!answers->front().is(resp::kind::error)) co_return result<void>{};
    co_return failure{errc::protocol, tidy_text(answers->front().text)};
}

void sentinels::take_in(const resp::reply& push) {
    if (push.items.size() != 3 || push.items[0].text != "message") return;
    if (push.items[1].text != switch_channel) return;
    const auto place = read_switch(push.items[2].text, master_name_);
    if (!place) return;
    for (const auto& each : clients_)
        if (const auto alive = each.lock()) alive->master_is(*place);
}

std::shared_ptr<sentinels> sentinels_of(const store_environment& environment,
                                        const settings& where) {
    if (where.sentinels.empty()) return nullptr;
    return std::make_shared<sentinels>(environment, where);
}

}  // namespace holdfast::redis
