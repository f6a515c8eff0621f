// SPDX-License-Identifier: BSL-1.0
//
// Why: the memory store is the specification. What it says to a sequence of operations, every other
// store has to say too, in sequences that nobody thought of.
// How: the same random operations go to both. Where the store counts time by the timeline that it
// is given, time passes by hand, and both must agree on each millisecond.
#include <holdfast/store.hpp>

#include "base/holder_record.hpp"
#include "conformance/store_kinds.hpp"
#include "lock/session.hpp"
#include "port/system_timeline.hpp"
#include "support/manual_timeline.hpp"
#include "support/run.hpp"
#include "support/seeded_entropy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <random>
#include <sstream>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

std::uint64_t seed_of_this_run() {
    if (const char* given = std::getenv("HOLDFAST_TEST_SEED"))
        return std::strtoull(given, nullptr, 10);
    return std::random_device{}();
}

// What a store answered, as text. Tokens differ from store to store: they are checked apart.
std::string text_of(const holder_info& holder, bool with_time) {
    std::ostringstream out;
    out << holder.owner << '@' << holder.host << ':' << holder.pid;
    if (with_time) out << " for " << holder.remaining.count() << " ms";
    return out.str();
}

std::string text_of(const failure& why, bool with_time) {
    std::string text{to_string(why.code)};
    if (why.code == errc::lost) text.append(" ").append(to_string(why.reason));
    // Only where it is said: see the port.
    if (why.holder && with_time) text += " " + text_of(*why.holder, with_time);
    return text;
}

std::string text_of(const lock_info& info, bool with_time) {
    std::string text = info.name + " held by " + std::to_string(info.holders) +
                       (info.mode == lock_mode::shared ? " who share" : "") +
                       (info.counted ? " with permits" : "");
    // Of several any one may be told of.
    if (info.holders == 1)
        text += ": " + info.id + " " + info.value + " " + text_of(info.holder, with_time);
    return text;
}

std::string text_of(const result<std::optional<lock_info>>& answer, bool with_time) {
    if (!answer) return text_of(answer.error(), with_time);
    return *answer ? text_of(**answer, with_time) : "nobody";
}

/// One of the two, and what its tokens have been.
struct contestant {
    std::shared_ptr<store> where;
    std::map<std::string, std::uint64_t> last_token{};

    void check_token(const claim& wanted, const grant& granted) {
        if (!wanted.fence) {
            EXPECT_EQ(granted.fencing_token, 0U);
            return;
        }
        std::uint64_t& last = last_token[wanted.name];
        EXPECT_GT(granted.fencing_token, last) << wanted.name;
        last = granted.fencing_token;
    }
};

class duel {
public:
    duel(const store_kind& kind, std::uint64_t seed)
        : with_time_(kind.follows_timeline),
          modes_(kind.able.modes),
          random_(seed),
          entropy_(seed),
          place_(kind.make_place()) {
        timeline& time = with_time_ ? static_cast<timeline&>(manual_) : system_;
        rival_.where = open(place_->url(), time);
        model_.where = open("memory:", manual_);
    }
    ~duel() {
        rival_.where->stop();
        model_.where->stop();
        context_.poll();
    }
    duel(const duel&) = delete;
    duel& operator=(const duel&) = delete;

    void step() {
        switch (pick(13)) {
            case 0:
            case 1:
            case 2: return try_acquire();
            case 10:
            case 11:
            case 12: return modes_ ? try_join() : try_acquire();
            case 3:
            case 4: return try_renew();
            case 5:
            case 6: return try_release();
            case 7: return try_inspect();
            case 8: return pick(3) == 0 ? try_take_away() : try_list();
            default: return pass_time();
        }
    }
    [[nodiscard]] const std::string& last() const noexcept { return last_; }

private:
    static constexpr std::size_t names = 6;
    static constexpr std::size_t values = 5;

    std::shared_ptr<store> open(const std::string& url, timeline& time) {
        const auto make = lock::factory_for(url).value();
        return make({context_.get_executor(), time, entropy_, {}}).value();
    }
    std::size_t pick(std::size_t choices) { return random_() % choices; }
    std::string some_name() {
        static const std::array<std::string, names> all{"a",  "A",   "a ",
                                                        "ab", "{a}", std::string(1, '\0')};
        return pick(3) == 0 ? some_name_of_several() : all[pick(names)];
    }
    // Nobody asks for these alone: how long who does so keeps others out differs from store to
    // store.
    std::string some_name_of_several() { return pick(2) == 0 ? "abc" : "{b}"; }
    // A value is used for one acquisition only, as the port says; later operations may use it.
    std::string fresh_value() {
        std::string value =
            base::write_holder_record(std::to_string(random_()), 1, "host", "owner");
        known_[pick(values)] = value;
        return value;
    }
    std::string some_value() { return known_[pick(values)]; }
    std::chrono::milliseconds some_ttl() {
        return with_time_ ? std::chrono::milliseconds(10 + pick(50))
                          : std::chrono::minutes(10 + pick(5));
    }
    time_point deadline() { return system_.now() + 1000h; }

    void agree(const std::string& what, const std::string& said, const std::string& expected) {
        last_ = what + " -> " + said;
        EXPECT_EQ(said, expected) << what;
    }

    void try_acquire() {
        const bool repeated = pick(3) == 0;
        std::string name = some_name();
        while (name == "abc" || name == "{b}") name = some_name();
        compare_acquire(
            {std::move(name), repeated ? some_value() : fresh_value(), some_ttl(), pick(4) != 0},
            repeated);
    }

    // Shared or counted.
    void try_join() {
        const bool repeated = pick(3) == 0;
        claim wanted{some_name_of_several(), repeated ? some_value() : fresh_value(), some_ttl(),
                     pick(4) != 0};
        // All attempts of a value ask for the same.
        const auto kind = static_cast<std::uint32_t>(wanted.value.front());
        if (kind % 2 == 0)
            wanted.mode = lock_mode::shared;
        else
            wanted.permits = 1 + kind % 3;
        compare_acquire(wanted, repeated);
    }

    void compare_acquire(const claim& wanted, bool repeated) {
        const auto which = repeated ? attempt::repeated : attempt::first;
        auto ask = [&](contestant& who) {
            const auto answer = run(context_, who.where->acquire(wanted, which, deadline()));
            const bool several = wanted.permits > 0 || wanted.mode == lock_mode::shared;
            if (!answer) return text_of(answer.error(), with_time_ && !several);
            who.check_token(wanted, *answer);
            return std::string(answer->taken_earlier ? "held earlier" : "held");
        };
        const std::string expected = ask(model_);
        agree("acquire " + wanted.name + " " + wanted.value, ask(rival_), expected);
    }

    void try_renew() {
        std::vector<std::pair<std::string, std::string>> what;
        for (std::size_t left = 1 + pick(4); left > 0; --left)
            what.emplace_back(some_name(), some_value());
        const auto ttl = some_ttl();
        auto ask = [&](contestant& who) {
            std::vector<renewal> batch;
            for (const auto& [name, value] : what) batch.push_back({name, value, ttl});
            run(context_, who.where->renew(batch, deadline()));
            std::string said;
            for (const renewal& each : batch)
                said +=
                    (each.outcome ? "renewed" : text_of(each.outcome.error(), with_time_)) + ", ";
            return said;
        };
        const std::string expected = ask(model_);
        agree("renew", ask(rival_), expected);
    }

    void try_release() {
        const std::string name = some_name();
        const std::string value = some_value();
        auto ask = [&](contestant& who) {
            const auto answer = run(context_, who.where->release(name, value, deadline()));
            return answer ? std::string("released") : text_of(answer.error(), with_time_);
        };
        const std::string expected = ask(model_);
        agree("release " + name + " " + value, ask(rival_), expected);
    }

    void try_inspect() {
        const std::string name = some_name();
        const std::string id = base::read_holder_record(some_value()).id;
        auto ask = [&](contestant& who) {
            const auto found = run(context_, who.where->inspect(name, id, deadline()));
            std::string text = text_of(found, with_time_);
            if (found && *found && (*found)->id == id)
                text += " among them " + text_of((*found)->holder, with_time_);
            return text;
        };
        const std::string expected = ask(model_);
        agree("inspect " + name, ask(rival_), expected);
    }

    void try_take_away() {
        const std::string name = some_name();
        auto ask = [&](contestant& who) {
            return text_of(run(context_, who.where->take_away(name, deadline())), with_time_);
        };
        const std::string expected = ask(model_);
        agree("take away " + name, ask(rival_), expected);
    }

    void try_list() {
        const std::string prefix = pick(2) == 0 ? "" : "a";
        auto ask = [&](contestant& who) {
            std::string said;
            for (const lock_info& each : run(context_, who.where->list(prefix, deadline())).value())
                said += text_of(each, with_time_) + ", ";
            return said;
        };
        const std::string expected = ask(model_);
        agree("list", ask(rival_), expected);
    }

    void pass_time() {
        if (with_time_) manual_.advance(std::chrono::microseconds(1 + pick(20'000)));
    }

    bool with_time_;
    bool modes_;
    std::mt19937_64 random_;
    seeded_entropy entropy_;
    asio::io_context context_;
    manual_timeline manual_;
    system_timeline system_{context_.get_executor()};
    std::unique_ptr<store_place> place_;
    contestant rival_;
    contestant model_;
    std::array<std::string, values> known_{"v0", "v1", "v2", "v3", "v4"};
    std::string last_;
};

class random_operations : public testing::TestWithParam<store_kind> {};

TEST_P(random_operations, go_as_in_the_memory_store) {
    const std::uint64_t seed = seed_of_this_run();
    SCOPED_TRACE("HOLDFAST_TEST_SEED=" + std::to_string(seed) + " repeats this");
    RecordProperty("seed", std::to_string(seed));
    duel fought(GetParam(), seed);
    for (int step = 0; step < 4000; ++step) {
        fought.step();
        ASSERT_FALSE(HasFailure()) << "in step " << step << ": " << fought.last();
    }
}

INSTANTIATE_TEST_SUITE_P(every_store, random_operations, testing::ValuesIn(store_kinds()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace holdfast::test
