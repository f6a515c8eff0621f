// SPDX-License-Identifier: BSL-1.0
//
// Why: whether ranges overlap is easily asked and easily got wrong: at the ends of the numbers,
// when something is moved, when what has run out was not swept yet, when capacities change.
// How: random operations go to the store and to a naive list, which must give the same answers.
// Where the store counts time by the timeline that it is given, time passes by hand, and both must
// agree on each millisecond; elsewhere some holds are made short, and their end is waited for.
#include <holdfast/range_store.hpp>

#include "conformance/store_kinds.hpp"
#include "lock/session.hpp"
#include "model/naive_ranges.hpp"
#include "port/system_timeline.hpp"
#include "range/verbs.hpp"
#include "support/manual_timeline.hpp"
#include "support/poll.hpp"
#include "support/run.hpp"
#include "support/seeded_entropy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <sstream>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const given = std::getenv(variable);
    return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

/// How many operations a store is given; HOLDFAST_RANGE_STEPS tries another number.
#ifdef NDEBUG
constexpr std::uint64_t usual_steps = 102'000;
constexpr std::uint64_t usual_steps_of_a_database = usual_steps;
#else
constexpr std::uint64_t usual_steps = 6'000;
constexpr std::uint64_t usual_steps_of_a_database = 3'000;  // Each is a transaction or two.
#endif

std::string text_of(const range_hold& one, bool with_id) {
    std::ostringstream out;
    out << one.key << '[' << one.start << ',' << one.end << ")x" << one.units
        << (one.permanent ? " confirmed " : " ") << one.owner << " #" << one.fencing_token << ' '
        << one.data.size() << '/' << std::hash<std::string>()(one.data);
    if (with_id) out << ' ' << one.id;
    return out.str();
}

std::string text_of(const failure& why) {
    std::string text{to_string(why.code)};
    if (why.code == errc::lost) text.append(" ").append(to_string(why.reason));
    if (why.code == errc::contended) text.append(" ").append(why.name);
    for (const range_hold& one : why.blockers) text.append(" ").append(text_of(one, false));
    return text;
}

class range_duel {
public:
    range_duel(const store_kind& kind, std::uint64_t seed)
        : with_time_(kind.follows_timeline), random_(seed), entropy_(seed) {
        // Every other one, and for each base in the next run what it was not in this one.
        const bool bare = kind.make_bare_place && seed / 6 % 2 != seed % 2;
        place_ = bare ? kind.make_bare_place() : kind.make_place();
        timeline& time = with_time_ ? static_cast<timeline&>(manual_) : system_;
        const store_environment environment{
            context_.get_executor(), time, entropy_, {.timeout = 1h}};
        store_ = lock::range_factory_for(place_->url()).value()(environment).value();
        verbs_.emplace(environment, store_);
        const std::array<std::int64_t, 6> bases{0,         -500,   1'700'000'000'000'000'000,
                                                1LL << 62, lowest, highest - 400};
        base_ = bases.at(seed % bases.size());
    }
    ~range_duel() {
        store_->stop();
        context_.poll();
    }
    range_duel(const range_duel&) = delete;
    range_duel& operator=(const range_duel&) = delete;

    void step() {
        switch (pick(16)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4: return try_hold(1);
            case 5: return try_hold(1 + pick(5));
            case 6: return try_renew();
            case 7:
            case 8: return try_release();
            case 9: return try_confirm();
            case 10:
            case 11: return try_move();
            case 12: return pick(6) == 0 ? try_to_wait() : try_get();
            case 13: return try_list();
            case 14: return pick(8) == 0 ? set_capacity() : try_gap();
            default: return pass_time();
        }
    }
    [[nodiscard]] const std::string& last() const noexcept { return last_; }

    // What has run out is put away bit by bit by those who want something.
    void expect_nothing_left_over() {
        if (!place_->holds_in_it()) return;
        for (const std::string& key : keys())
            for (int i = 0; i < 60; ++i) {
                range_claim one;
                one.key = key;
                one.id = "sweeper " + std::to_string(i);
                one.end = 1;
                one.capacity = range_units_max;
                one.ttl = 10min;
                ASSERT_TRUE(run(context_, store_->hold_all(std::span(&one, 1), deadline())));
                ASSERT_TRUE(
                    run(context_, store_->release(key, one.id, released_hold::any, deadline())));
            }
        std::size_t held = 0;
        for (const std::string& key : keys()) held += model_.list(key, everything, now()).size();
        EXPECT_EQ(place_->holds_in_it(), held);
    }

private:
    static constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    static constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

    std::size_t pick(std::size_t choices) { return random_() % choices; }
    static const std::array<std::string, 4>& keys() {
        static const std::array<std::string, 4> all{"room", "Room", "room ",
                                                    std::string("\0{}", 3)};
        return all;
    }
    std::string some_key() { return keys()[pick(keys().size())]; }
    std::string some_data() {
        std::string bytes(pick(40), '\0');
        for (char& byte : bytes) byte = static_cast<char>(pick(256));
        return bytes;
    }
    /// Near the base, or now and then anywhere.
    std::int64_t some_point() {
        if (pick(24) == 0) return static_cast<std::int64_t>(random_());
        const auto near = static_cast<std::uint64_t>(base_) + pick(400);
        return static_cast<std::int64_t>(near);
    }
    range some_range() {
        for (;;) {
            const std::int64_t a = some_point();
            const std::int64_t b = pick(3) == 0 ? some_point() : stretched(a, 1 + pick(20));
            if (a != b) return {std::min(a, b), std::max(a, b)};
        }
    }
    static std::int64_t stretched(std::int64_t from, std::size_t length) {
        const auto room = static_cast<std::uint64_t>(highest) - static_cast<std::uint64_t>(from);
        return from + static_cast<std::int64_t>(std::min<std::uint64_t>(room, length));
    }
    std::chrono::milliseconds some_ttl() {
        if (!with_time_) return 20h + std::chrono::minutes(pick(5));  // The longest run is shorter.
        return std::chrono::milliseconds(10 + pick(400));
    }
    // Mostly that of a hold that is or was there.
    std::pair<std::string, std::string> some_hold() {
        if (known_.empty() || pick(12) == 0) return {some_key(), "nobody's"};
        auto known = known_[pick(known_.size())];
        if (pick(20) == 0) known.first = some_key();
        return known;
    }
    std::string fresh_id(const std::string& key) {
        std::string id = pick(2) == 0 ? "order " + std::to_string(random_() % 100'000)
                                      : std::string(32, 'a') + std::to_string(random_() % 1000);
        if (id.front() == 'a') id = id.substr(id.size() - 32);
        if (known_.size() < 60)
            known_.emplace_back(key, id);
        else
            known_[pick(known_.size())] = {key, id};
        return id;
    }
    [[nodiscard]] time_point now() const { return with_time_ ? manual_.now() : system_.now(); }
    [[nodiscard]] time_point deadline() const { return system_.now() + 1000h; }

    void agree(const std::string& what, const std::string& said, const std::string& expected) {
        last_ = what + " -> " + said;
        EXPECT_EQ(said, expected) << what;
    }

    void try_hold(std::size_t count) {
        std::vector<range_claim> wanted;
        std::string what = "hold";
        for (std::size_t i = 0; i < count; ++i) {
            range_claim one = some_claim();
            repeat_or_draw(one);
            const auto in_its_way = [&](const range_claim& other) {
                return other.key == one.key &&
                       (other.id == one.id || (other.start < one.end && one.start < other.end));
            };
            if (std::any_of(wanted.begin(), wanted.end(), in_its_way)) continue;
            what += " " + one.key + '[' + std::to_string(one.start) + ',' +
                    std::to_string(one.end) + ")x" + std::to_string(one.units) + " of " +
                    std::to_string(one.capacity) + " as " + one.id;
            wanted.push_back(std::move(one));
        }
        const auto why = model_.hold_all(wanted, now());
        const auto said = run(context_, store_->hold_all(wanted, deadline()));
        agree(what, said ? "held" : text_of(said.error()), why ? told(*why) : "held");
        if (!said || why) return;
        for (std::size_t i = 0; i < wanted.size(); ++i)
            note_token(wanted[i].key, wanted[i].id, (*said)[i].fencing_token);
    }
    range_claim some_claim() {
        range_claim one;
        one.key = some_key();
        const range where = some_range();
        one.start = where.start;
        one.end = where.end;
        one.units = pick(3) == 0 ? static_cast<std::uint32_t>(1 + pick(4)) : 1;
        one.capacity = pick(6) == 0 ? static_cast<std::uint32_t>(1 + pick(6)) : 0;
        one.ttl = some_ttl();
        one.owner = pick(2) == 0 ? "" : "somebody";
        one.data = some_data();
        return one;
    }
    void repeat_or_draw(range_claim& one) {
        one.id.clear();
        if (pick(6) == 0 && !known_.empty()) {
            const auto known = known_[pick(known_.size())];
            const auto* const there = model_.find(known.first, known.second, now());
            if (there && known.first == one.key) {
                one.id = known.second;
                if (pick(4) != 0) {
                    one.start = there->what.start;
                    one.end = there->what.end;
                    one.units = there->what.units;
                }
            }
        }
        if (one.id.empty()) one.id = fresh_id(one.key);
    }
    // A new hold has a higher token than all before; one that was there already keeps its own.
    void note_token(const std::string& key, const std::string& id, std::uint64_t token) {
        const auto* const there = model_.find(key, id, now());
        if (!there) return;
        const auto [known, fresh] = tokens_.emplace(there->what.fencing_token, token);
        if (!fresh) {
            EXPECT_EQ(token, known->second) << key << ' ' << id;
            return;
        }
        EXPECT_GT(token, last_token_[key]) << key << ' ' << id;
        last_token_[key] = token;
    }
    // As the store has to tell it: the model has tokens of its own.
    std::string told(range_hold one) const {
        one.fencing_token = tokens_.at(one.fencing_token);
        return text_of(one, true);
    }
    std::string told(failure why) const {
        for (range_hold& one : why.blockers) one.fencing_token = tokens_.at(one.fencing_token);
        return text_of(why);
    }

    /// @return One that means the hold, and false; or one that does not, and true.
    std::pair<std::uint64_t, bool> some_token(const naive_ranges::hold* there) {
        if (!there || pick(2) == 0) return {0, false};
        const std::uint64_t token = tokens_.at(there->what.fencing_token);
        const bool former = pick(4) == 0;
        return {former ? token + 1 : token, former};
    }

    void try_renew() {
        std::vector<std::pair<std::string, std::string>> what;
        for (std::size_t left = 1 + pick(3); left > 0; --left) what.push_back(some_hold());
        const auto ttl = some_ttl();
        std::vector<range_renewal> batch;
        std::string expected;
        std::string said;
        for (const auto& [key, id] : what) {
            auto* const there = model_.find(key, id, now());
            const auto [token, former] = some_token(there);
            batch.push_back({.key = key, .id = id, .ttl = ttl, .fencing_token = token});
            if (there && !former && !there->what.permanent) there->expires = now() + ttl;
            expected += !there ? "lost deleted " : former ? "lost taken " : "renewed ";
        }
        run(context_, store_->renew(batch, deadline()));
        for (const range_renewal& one : batch)
            said += one.outcome ? "renewed " : text_of(one.outcome.error()) + " ";
        agree("renew", said, expected);
    }

    void try_release() {
        const auto [key, id] = some_hold();
        const bool passing = pick(3) == 0;
        const auto* const there = model_.find(key, id, now());
        released_hold which = passing ? released_hold::passing : released_hold::any;
        const auto [token, former] = some_token(there);
        which.fencing_token = token;
        std::string expected = there ? "released" : "lost deleted";
        if (there && ((there->what.permanent && passing) || former)) expected = "lost taken";
        if (expected == "released") model_.release(key, id, now());
        const auto said = run(context_, store_->release(key, id, which, deadline()));
        agree("release " + key + ' ' + id, said ? "released" : text_of(said.error()), expected);
    }

    void try_confirm() {
        if (pick(4) != 0) return;  // What is confirmed stays, and soon there is nothing else.
        const auto [key, id] = some_hold();
        auto* const there = model_.find(key, id, now());
        const auto [token, former] = some_token(there);
        if (there && !former) {
            there->what.permanent = true;
            there->expires = time_point::max();
        }
        const auto said = run(context_, store_->confirm(key, id, token, deadline()));
        const std::string expected = former  ? "lost taken"
                                     : there ? told(there->what)
                                             : "lost deleted";
        agree("confirm " + key + ' ' + id, said ? text_of(*said, true) : text_of(said.error()),
              expected);
    }

    void try_move() {
        const auto [key, id] = some_hold();
        auto* const there = model_.find(key, id, now());
        range to = some_range();
        if (there && pick(4) == 0) to = {there->what.start, there->what.end};
        const bool elsewhere = there && range{there->what.start, there->what.end} != to;
        const auto [token, former] = some_token(there);
        std::optional<failure> why;
        if (elsewhere && former) why = failure(lost_reason::taken, "");
        if (elsewhere && !former) why = model_.move(*there, to);
        const auto said = run(context_, store_->move(key, id, token, to, deadline()));
        if (said && there && !why) note_token(key, id, said->fencing_token);
        ASSERT_EQ(bool(said), there && !why) << "move " << key << ' ' << id;
        const std::string expected = !there ? "lost deleted" : why ? told(*why) : told(there->what);
        agree("move " + key + ' ' + id + " to " + std::to_string(to.start) + ',' +
                  std::to_string(to.end),
              said ? text_of(*said, true) : text_of(said.error()), expected);
    }

    void try_get() {
        const auto [key, id] = some_hold();
        const auto* const there = model_.find(key, id, now());
        const auto said = run(context_, store_->get(key, id, deadline()));
        ASSERT_TRUE(said) << said.error().message();
        agree("get " + key + ' ' + id, *said ? text_of(**said, true) : "nothing",
              there ? told(there->what) : "nothing");
        if (!*said || !there || there->what.permanent) return;
        const auto left = there->expires - now();
        EXPECT_GT((*said)->remaining.count(), 0);
        if (!with_time_) return;
        EXPECT_GE((*said)->remaining, std::chrono::floor<std::chrono::milliseconds>(left));
        EXPECT_LE((*said)->remaining, std::chrono::ceil<std::chrono::milliseconds>(left));
    }

    void try_list() {
        const std::string key = some_key();
        const range window = pick(3) == 0 ? everything : some_range();
        std::string expected;
        for (const range_hold& one : model_.list(key, window, now())) expected += told(one) + "; ";
        std::string said;
        std::optional<range_cursor> after;
        // Most pages end where the store ends them: hundreds of questions for a list take long.
        const std::size_t size = pick(4) == 0 ? 1 + pick(9) : 10 + pick(500);
        for (bool more = true; more;) {
            const auto page = run(context_, store_->list(key, window, after, size, deadline()));
            ASSERT_TRUE(page) << page.error().message();
            EXPECT_EQ(page->capacity, model_.capacity(key));
            for (const range_hold& one : page->holds) said += text_of(one, true) + "; ";
            more = page->more && !page->holds.empty();
            if (more)
                after = range_cursor{page->holds.back().start, page->holds.back().fencing_token};
        }
        agree("list " + key, said, expected);
    }

    void try_gap() {
        const std::string key = some_key();
        const range window{base_, stretched(base_, 400)};
        const auto length = static_cast<std::int64_t>(1 + pick(30));
        const auto units = static_cast<std::uint32_t>(1 + pick(2));
        const auto expected = model_.free_gap(key, length, window, units, now());
        const auto said = run(context_, verbs_->free_gap(key, length, window, units));
        ASSERT_TRUE(said) << said.error().message();
        auto text = [](const std::optional<range>& gap) {
            return gap ? std::to_string(gap->start) + " to " + std::to_string(gap->end) : "none";
        };
        agree("gap of " + std::to_string(length), text(*said), text(expected));
    }

    void set_capacity() {
        const std::string key = some_key();
        const auto units = static_cast<std::uint32_t>(pick(3) == 0 ? 1 + pick(5) : 1);
        model_.set_capacity(key, units);
        const auto said = run(context_, store_->set_capacity(key, units, deadline()));
        EXPECT_TRUE(said) << said.error().message();
    }

    // For what is free already, or it would hang.
    void try_to_wait() {
        range_claim wanted = some_claim();
        wanted.id = "who waits";
        if (!model_.would_take(wanted, now())) return;
        run(context_, store_->await_change(wanted, range_change::freed, now() + 10min));
        last_ = "wait for what is free";
    }

    void pass_time() {
        if (with_time_)
            manual_.advance(std::chrono::microseconds(1 + pick(60'000)));
        else if (pick(8) == 0)
            let_some_run_out();
    }
    // They stay in the store, and are no holds any more.
    void let_some_run_out() {
        std::set<std::pair<std::string, std::string>> those;
        for (std::size_t left = 1 + pick(12); left > 0; --left) {
            const auto which = some_hold();
            const auto* const there = model_.find(which.first, which.second, now());
            if (there && !there->what.permanent) those.insert(which);
        }
        std::vector<range_renewal> batch;
        for (const auto& [key, id] : those) batch.push_back({.key = key, .id = id, .ttl = 10ms});
        run(context_, store_->renew(batch, deadline()));
        for (const range_renewal& one : batch) EXPECT_TRUE(one.outcome);
        for (const auto& [key, id] : those) {
            model_.release(key, id, now());
            const std::string in = key;  // Older compilers do not capture parts.
            const std::string which = id;
            EXPECT_TRUE(poll_until(
                [&] { return !run(context_, store_->get(in, which, deadline())).value(); }));
        }
        last_ = "let " + std::to_string(those.size()) + " run out";
    }

    bool with_time_;
    std::mt19937_64 random_;
    seeded_entropy entropy_;
    std::int64_t base_{0};
    asio::io_context context_;
    manual_timeline manual_;
    system_timeline system_{context_.get_executor()};
    std::unique_ptr<store_place> place_;
    std::shared_ptr<range_store> store_;
    std::optional<ranges::verbs> verbs_;
    naive_ranges model_;
    std::vector<std::pair<std::string, std::string>> known_;  // Keys and ids.
    std::map<std::uint64_t, std::uint64_t> tokens_;           // The store's, by the model's.
    std::map<std::string, std::uint64_t> last_token_;
    std::string last_;
};

class range_operations : public testing::TestWithParam<store_kind> {};

// Six places in the numbers, each with its own seed.
TEST_P(range_operations, go_as_in_a_naive_list) {
    const std::uint64_t seed = number_from("HOLDFAST_TEST_SEED", std::random_device{}());
    const std::uint64_t usual =
        GetParam().name == "mysql" ? usual_steps_of_a_database : usual_steps;
    const std::uint64_t steps = number_from("HOLDFAST_RANGE_STEPS", usual) / 6;
    RecordProperty("seed", std::to_string(seed));
    for (std::uint64_t place = 0; place < 6; ++place) {
        SCOPED_TRACE("HOLDFAST_TEST_SEED=" + std::to_string(seed + place) + " tries this first");
        range_duel fought(GetParam(), seed + place);
        for (std::uint64_t step = 0; step < steps; ++step) {
            fought.step();
            ASSERT_FALSE(HasFailure()) << "in step " << step << ": " << fought.last();
        }
        fought.expect_nothing_left_over();
    }
}

INSTANTIATE_TEST_SUITE_P(every_store, range_operations, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
