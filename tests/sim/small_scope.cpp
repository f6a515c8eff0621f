// SPDX-License-Identifier: BSL-1.0
#include "sim/small_scope.hpp"

#include "lock/engine.hpp"
#include "lock/quorum_store.hpp"
#include "memory/lock_table.hpp"
#include "support/seeded_entropy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

namespace holdfast::sim {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t clients = 2;
constexpr std::size_t servers = 3;
constexpr milliseconds ttl_of_all = 300ms;
constexpr milliseconds timeout = 200ms;
constexpr milliseconds time_held = 150ms;  // Longer than a third of the ttl: it is renewed once.
constexpr milliseconds later = 350ms;      // Then who was refused tries again: a lease has run out.

std::uint64_t mix(std::uint64_t state, std::uint64_t more) {
    std::uint64_t z = state * 0x9e3779b97f4a7c15ULL + more + 0x632be59bd9b4e019ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

std::uint64_t number_of(time_point when) {
    return static_cast<std::uint64_t>(when.time_since_epoch().count());
}

class path;

class scope_timeline final : public timeline {
public:
    explicit scope_timeline(const time_point& now) : now_(now) {}
    ~scope_timeline() override { abandon(); }
    [[nodiscard]] time_point now() const noexcept override { return now_; }
    void reschedule() noexcept override {}
    [[nodiscard]] time_point next() const {
        return waiting_.empty() ? time_point::max() : waiting_.begin()->first;
    }
    void ring() { static_cast<void>(ring_due(now_)); }
    /// Destroys who waits.
    void close() noexcept { abandon(); }

private:
    const time_point& now_;
};

/// What is told where there is nothing to tell. Not a `bool`: a result of that can be made of
/// another result, which counts for true or false.
struct nothing {};

/// A message under way.
struct letter {
    std::size_t who;
    std::size_t where;
    bool to_server;
    std::uint64_t sent;  ///< In which order, of all.
    std::uint64_t tag;   ///< Stands for what it says, and for all that its sender knew.
    std::function<void()> open;
};

struct party {
    explicit party(const time_point& now) : time(std::make_shared<scope_timeline>(now)) {}
    std::shared_ptr<scope_timeline> time;
    std::shared_ptr<lock::quorum_store> where{};
    std::shared_ptr<lock::engine> engine;
    lock::held_ptr held;
    std::uint64_t history{0};
    std::uint64_t sent{0};
    bool paused{false};
    bool done{false};
};

struct node {
    memory::lock_table table;
    std::uint64_t history{0};
    bool up{true};
    time_point opens{};  ///< It grants nothing before.
};

/// What may happen next.
struct step {
    enum class kind {
        arrive,
        swap,
        hold,
        arrive_late,
        tick,
        crash,
        restart,
        pause,
        resume,
        resume_late
    };
    kind what;
    std::size_t which{0};
};

/// One way on which it may go, from the beginning on.
class path {
public:
    explicit path(const search_scope& scope);
    ~path();

    /// Does all that takes no choice.
    void settle();
    [[nodiscard]] std::vector<step> steps() const;
    void take(const step& next);
    [[nodiscard]] std::uint64_t state() const;
    [[nodiscard]] bool over() const {
        return std::all_of(parties_.begin(), parties_.end(), [](const auto& p) { return p->done; });
    }
    [[nodiscard]] const std::string& violation() const { return violation_; }
    [[nodiscard]] std::uint64_t grants() const { return grants_; }

private:
    friend class scope_store;
    asio::awaitable<void> play(party& me, int rounds);
    void check();
    void arrive(letter what);
    void crash(std::size_t where);
    [[nodiscard]] time_point next_alarm() const;
    [[nodiscard]] static bool is_busy(const party& me);
    [[nodiscard]] bool busy() const;
    [[nodiscard]] bool waits() const;

    const search_scope& scope_;
    asio::io_context context_;
    time_point now_{1h};
    unsigned losses_;
    unsigned crashes_;
    unsigned pauses_;
    std::optional<unsigned> swaps_;
    std::uint64_t letters_{0};
    std::array<node, servers> nodes_;
    std::vector<std::unique_ptr<party>> parties_;
    // One for each way of each connection: what goes there arrives in order.
    std::array<std::deque<letter>, clients * servers * 2> ways_;
    std::vector<letter> held_back_;
    std::uint64_t last_token_{0};
    std::uint64_t grants_{0};
    std::string violation_;
    bool ending_{false};  ///< Nobody answers any more.
};

std::size_t way_of(std::size_t who, std::size_t where, bool to_server) {
    return (who * servers + where) * 2 + (to_server ? 0 : 1);
}

/// The way of one client to one server.
class scope_store final : public store {
public:
    scope_store(path& p, std::size_t who, std::size_t where)
        : path_(p), who_(who), where_(where), address_("node:" + std::to_string(where)) {}

    store_abilities abilities() const noexcept override { return {.raises = true}; }
    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override {
        std::function<result<grant>()> act = [this, wanted, which]() -> result<grant> {
            if (path_.now_ < at().opens) return failure{errc::quarantined, "it grants nothing yet"};
            return at().table.acquire(wanted, which, path_.now_);
        };
        co_return co_await converse(std::move(act), deadline);
    }
    asio::awaitable<void> renew(std::span<renewal> batch, time_point deadline) override {
        for (renewal& ask : batch) {
            std::function<result<nothing>()> act = [this, name = std::string(ask.name),
                                                    value = std::string(ask.value),
                                                    length = ask.ttl]() -> result<nothing> {
                const renewal again{.name = name, .value = value, .ttl = length};
                return done(at().table.renew(again, path_.now_));
            };
            auto said = co_await converse(std::move(act), deadline);
            if (said)
                ask.outcome = result<void>{};
            else
                ask.outcome = said.error();
        }
    }
    asio::awaitable<result<void>> raise_token(std::string_view name, std::string_view value,
                                              std::uint64_t at_least,
                                              time_point deadline) override {
        std::function<result<nothing>()> act = [this, name = std::string(name),
                                                value = std::string(value), at_least]() {
            return done(at().table.raise_token(name, value, at_least, path_.now_));
        };
        auto said = co_await converse(std::move(act), deadline);
        if (!said) co_return said.error();
        co_return result<void>{};
    }
    asio::awaitable<result<void>> release(std::string_view name, std::string_view value,
                                          time_point deadline) override {
        std::function<result<nothing>()> act = [this, name = std::string(name),
                                                value = std::string(value)]() {
            return done(at().table.release(name, value, path_.now_));
        };
        auto said = co_await converse(std::move(act), deadline);
        if (!said) co_return said.error();
        co_return result<void>{};
    }
    asio::awaitable<result<std::optional<lock_info>>> inspect(std::string_view, std::string_view,
                                                              time_point) override {
        co_return failure{errc::misuse, "not asked for here"};
    }
    asio::awaitable<result<std::vector<lock_info>>> list(std::string_view, time_point) override {
        co_return failure{errc::misuse, "not asked for here"};
    }
    asio::awaitable<result<std::optional<lock_info>>> take_away(std::string_view,
                                                                time_point) override {
        co_return failure{errc::misuse, "not asked for here"};
    }
    asio::awaitable<void> await_change(std::string_view, time_point until) override {
        static_cast<void>(co_await sleep_until(*me().time, until));
    }
    void stop() override {}
    const std::string& address() const noexcept override { return address_; }

private:
    [[nodiscard]] node& at() const { return path_.nodes_.at(where_); }
    [[nodiscard]] party& me() const { return *path_.parties_.at(who_); }
    static result<nothing> done(const result<void>& end) {
        if (!end) return end.error();
        return nothing{};
    }
    template <class T>
    asio::awaitable<result<T>> converse(std::function<result<T>()> act, time_point deadline) {
        co_await asio::this_coro::throw_if_cancelled(false);
        if (path_.ending_) co_return failure{errc::misuse, "it is over"};
        struct talk {
            explicit talk(timeline& time) : bell(time) {}
            alarm bell;
            std::optional<result<T>> answer;
        };
        const auto state = std::make_shared<talk>(*me().time);
        const auto arrived = [this, state, act = std::move(act)] {
            letter back{who_,
                        where_,
                        false,
                        ++path_.letters_,
                        mix(at().history, way_of(who_, where_, false)),
                        {}};
            back.open = [state, answer = act()] {
                state->answer = answer;
                state->bell.wake();
            };
            path_.ways_.at(way_of(who_, where_, false)).push_back(std::move(back));
        };
        party& mine = me();
        const std::uint64_t tag = mix(mine.history, mix(++mine.sent, where_));
        path_.ways_.at(way_of(who_, where_, true))
            .push_back({who_, where_, true, ++path_.letters_, tag, arrived});
        const wake_reason why = co_await state->bell.wait_until(deadline);
        if (state->answer) co_return *state->answer;
        if (why == wake_reason::cancelled) co_return failure{errc::cancelled, "cancelled"};
        co_return failure{errc::in_doubt, "no reply in time"};
    }

    path& path_;
    std::size_t who_;
    std::size_t where_;
    std::string address_;
};

path::path(const search_scope& scope)
    : scope_(scope),
      losses_(scope.losses),
      crashes_(scope.crashes),
      pauses_(scope.pauses),
      swaps_(scope.swaps) {
    for (std::size_t i = 0; i < clients; ++i) parties_.push_back(std::make_unique<party>(now_));
    for (std::size_t i = 0; i < clients; ++i) {
        party& me = *parties_[i];
        const auto random = std::make_shared<test::seeded_entropy>(i + 1);
        const locker_options options{.timeout = timeout};
        std::vector<std::shared_ptr<store>> ways;
        for (std::size_t n = 0; n < servers; ++n)
            ways.push_back(std::make_shared<scope_store>(*this, i, n));
        const store_environment environment{context_.get_executor(), *me.time, *random, options};
        me.where = std::make_shared<lock::quorum_store>(environment, ways);
        lock::engine_parts parts{.executor = context_.get_executor(),
                                 .time = me.time,
                                 .random = random,
                                 .where = me.where,
                                 .options = options,
                                 .host = "client",
                                 .pid = static_cast<std::int64_t>(i),
                                 .signal = [](std::stop_source lost) { lost.request_stop(); }};
        me.engine = std::make_shared<lock::engine>(std::move(parts));
    }
    for (std::size_t i = 0; i < clients; ++i)
        asio::co_spawn(context_, play(*parties_[i], i == 0 ? 1 : 2), asio::detached);
}

// What is under way ends without an answer: a question and who waits for its end keep each other.
path::~path() {
    ending_ = true;
    for (auto& way : ways_) way.clear();
    held_back_.clear();
    for (const auto& me : parties_) me->paused = false;
    const auto go_on = [this] {
        context_.restart();
        const bool ran = context_.poll() > 0;
        const time_point next = next_alarm();
        if (next != time_point::max()) now_ = std::max(now_, next);
        for (const auto& me : parties_) me->time->ring();
        return ran || next != time_point::max();
    };
    while (busy() && go_on()) {
    }
    // What servers owe would be asked for in vain for minutes.
    for (const auto& me : parties_) me->where->stop();
    while (go_on()) {
    }
    // Who waits keeps the engine, and that the timeline.
    for (const auto& me : parties_) me->time->close();
}

asio::awaitable<void> path::play(party& me, int rounds) {
    const auto time = me.time;
    const auto engine = me.engine;
    for (int round = 0; round < rounds && !ending_; ++round) {
        acquire_options how{.ttl = ttl_of_all};
        auto got = co_await engine->acquire("job", how);
        if (!got) {
            if (round + 1 < rounds)
                static_cast<void>(co_await sleep_until(*time, time->now() + later));
            continue;
        }
        me.held = *got;
        ++grants_;
        if (me.held->fencing_token <= last_token_) violation_ = "I2: a token did not rise";
        last_token_ = std::max(last_token_, me.held->fencing_token);
        if (now_ >= me.held->valid_until.load()) violation_ = "I1: a grant without validity left";
        static_cast<void>(co_await sleep_until(*time, time->now() + time_held));
        const auto gone = co_await engine->release(me.held);
        static_cast<void>(gone);
        me.held.reset();
        break;
    }
    me.done = true;
}

void path::settle() {
    context_.restart();
    context_.poll();
    check();
}

void path::check() {
    std::size_t holders = 0;
    for (const auto& me : parties_) {
        if (!me->held || !me->held->held()) continue;
        if (now_ < me->held->valid_until.load())
            ++holders;
        else if (!me->paused)
            violation_ = "I3: a holder was not told in time";
    }
    if (holders > 1) violation_ = "I1: both hold it";
}

// Whether there is more to come from it than questions for what servers that are down owe.
bool path::is_busy(const party& me) { return !me.done || me.where->busy(); }

bool path::busy() const {
    return std::any_of(parties_.begin(), parties_.end(),
                       [](const auto& me) { return is_busy(*me); });
}

// Whether somebody waits for an alarm that matters.
bool path::waits() const {
    return std::any_of(parties_.begin(), parties_.end(), [](const auto& me) {
        return !me->paused && is_busy(*me) && me->time->next() != time_point::max();
    });
}

time_point path::next_alarm() const {
    time_point next = time_point::max();
    for (const auto& me : parties_)
        if (!me->paused) next = std::min(next, me->time->next());
    return next;
}

std::vector<step> path::steps() const {
    using kind = step::kind;
    std::vector<step> all;
    const auto hears = [&](const letter& one) {
        return one.to_server ? nodes_.at(one.where).up : !parties_.at(one.who)->paused;
    };
    std::vector<std::size_t> heard;
    for (std::size_t i = 0; i < ways_.size(); ++i)
        if (!ways_.at(i).empty() && hears(ways_.at(i).front())) heard.push_back(i);
    std::sort(heard.begin(), heard.end(), [&](std::size_t a, std::size_t b) {
        return ways_.at(a).front().sent < ways_.at(b).front().sent;
    });
    for (const std::size_t i : heard) {
        const bool first = i == heard.front();
        if (first || !swaps_ || *swaps_ > 0) all.push_back({first ? kind::arrive : kind::swap, i});
    }
    for (const std::size_t i : heard)
        if (losses_ > 0) all.push_back({kind::hold, i});
    for (std::size_t i = 0; i < held_back_.size(); ++i)
        if (hears(held_back_[i])) all.push_back({kind::arrive_late, i});
    // Time stands still while messages are under way, but for those that are held back.
    if (heard.empty() && waits()) all.push_back({kind::tick});
    for (std::size_t i = 0; i < servers; ++i) {
        if (!nodes_.at(i).up) all.push_back({kind::restart, i});
        if (nodes_.at(i).up && crashes_ > 0) all.push_back({kind::crash, i});
    }
    for (std::size_t i = 0; i < clients; ++i) {
        const party& me = *parties_.at(i);
        if (me.paused) all.push_back({kind::resume, i});
        if (me.paused) all.push_back({kind::resume_late, i});
        if (!me.paused && !me.done && pauses_ > 0) all.push_back({kind::pause, i});
    }
    return all;
}

void path::arrive(letter what) {
    std::uint64_t& history =
        what.to_server ? nodes_.at(what.where).history : parties_.at(what.who)->history;
    history = mix(mix(history, what.tag), number_of(now_));
    what.open();
}

void path::crash(std::size_t where) {
    --crashes_;
    nodes_.at(where).up = false;
    for (std::size_t who = 0; who < clients; ++who)
        for (const bool to_server : {true, false}) ways_.at(way_of(who, where, to_server)).clear();
    std::erase_if(held_back_, [&](const letter& one) { return one.where == where; });
}

void path::take(const step& next) {
    using kind = step::kind;
    const auto first_of = [&](std::size_t way) {
        letter what = std::move(ways_.at(way).front());
        ways_.at(way).pop_front();
        return what;
    };
    switch (next.what) {
        case kind::swap:
            if (swaps_) --*swaps_;
            return arrive(first_of(next.which));
        case kind::arrive: return arrive(first_of(next.which));
        case kind::hold: --losses_; return held_back_.push_back(first_of(next.which));
        case kind::arrive_late: {
            letter late = std::move(held_back_.at(next.which));
            held_back_.erase(held_back_.begin() + static_cast<std::ptrdiff_t>(next.which));
            return arrive(std::move(late));
        }
        case kind::tick:
            now_ = std::max(now_, next_alarm());
            for (const auto& me : parties_) {
                if (me->paused || me->time->next() > now_) continue;
                me->history = mix(me->history, number_of(now_));
                me->time->ring();
            }
            return;
        case kind::crash: return crash(next.which);
        case kind::restart: {
            node& back = nodes_.at(next.which);
            back.up = true;
            back.history = mix(back.history, number_of(now_));
            if (!scope_.wipes) return;
            std::destroy_at(&back.table);
            std::construct_at(&back.table);
            if (scope_.strict) back.opens = now_ + ttl_of_all;
            return;
        }
        case kind::pause:
            --pauses_;
            parties_.at(next.which)->paused = true;
            return;
        case kind::resume:
        case kind::resume_late: {
            party& me = *parties_.at(next.which);
            me.paused = false;
            me.history = mix(mix(me.history, number_of(now_)), next.what == kind::resume ? 1 : 2);
            // Either its alarms ring first, or what has come is read first.
            for (std::size_t i = 0; next.what == kind::resume_late && i < servers; ++i)
                while (!ways_.at(way_of(next.which, i, false)).empty())
                    arrive(first_of(way_of(next.which, i, false)));
            me.time->ring();
            return;
        }
    }
}

std::uint64_t path::state() const {
    std::uint64_t all = number_of(now_);
    for (const auto& me : parties_) all = mix(mix(all, me->history), me->paused ? 1 : 0);
    for (const node& one : nodes_) all = mix(mix(all, one.history), one.up ? 1 : 0);
    for (const auto& way : ways_) {
        all = mix(all, way.size());
        for (const letter& one : way) all = mix(all, one.tag);
    }
    for (const letter& one : held_back_) all = mix(all, one.tag + 1);
    return mix(mix(mix(mix(all, losses_), crashes_), pauses_), swaps_.value_or(0));
}

}  // namespace

search_result search(const search_scope& scope, std::chrono::seconds at_most) {
    const auto until = std::chrono::steady_clock::now() + at_most;
    search_result seen;
    std::unordered_set<std::uint64_t> known;
    std::vector<std::size_t> choices;
    for (;;) {  // Ends with the last path, or the time.
        path way(scope);
        std::vector<std::size_t> widths;
        std::vector<std::size_t> taken;
        ++seen.paths;
        for (std::size_t depth = 0;; ++depth) {
            way.settle();
            if (!way.violation().empty()) {
                seen.violation = way.violation() + "; choices:";
                for (const std::size_t one : taken) seen.violation += ' ' + std::to_string(one);
                return seen;
            }
            const bool fresh = depth >= choices.size();
            if (fresh && !known.insert(way.state()).second) break;
            const auto next = way.steps();
            if (way.over() || next.empty()) {
                ++seen.ends;
                break;
            }
            if (depth >= scope.depth) {
                ++seen.cut;
                break;
            }
            widths.push_back(next.size());
            taken.push_back(fresh ? 0 : choices[depth]);
            way.take(next.at(taken.back()));
        }
        seen.grants += way.grants();
        while (!taken.empty() && taken.back() + 1 >= widths[taken.size() - 1]) taken.pop_back();
        seen.complete = taken.empty();
        seen.states = known.size();
        if (taken.empty() || std::chrono::steady_clock::now() >= until) return seen;
        ++taken.back();
        choices = std::move(taken);
    }
}

}  // namespace holdfast::sim
