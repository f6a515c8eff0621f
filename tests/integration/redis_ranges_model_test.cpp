// SPDX-License-Identifier: BSL-1.0
//
// Random operations on holds, compared with a plain list of them.
#include "integration/redis_ranges.hpp"

#include <algorithm>
#include <map>
#include <random>

namespace holdfast::test {
namespace {

/// A hold of the list. Its class is not kept: what counts is under which capacity it was granted.
struct noted {
    range_claim claim;
    std::uint32_t granted{1};
    std::uint64_t token{0};
    bool permanent{false};
};

/// The holds of one key.
struct notes {
    std::vector<noted> held{};
    std::uint32_t capacity{1};
    std::uint64_t last_token{0};

    [[nodiscard]] noted* find(const std::string& id) {
        for (noted& one : held)
            if (one.claim.id == id) return &one;
        return nullptr;
    }
    void drop(const std::string& id) {
        std::erase_if(held, [&](const noted& one) { return one.claim.id == id; });
    }
    /// In order of start and token.
    [[nodiscard]] std::vector<noted> overlapping(range extent, const std::string& without) const {
        std::vector<noted> all;
        for (const noted& one : held)
            if (one.claim.start < extent.end && one.claim.end > extent.start &&
                one.claim.id != without)
                all.push_back(one);
        std::sort(all.begin(), all.end(), [](const noted& a, const noted& b) {
            return std::pair(a.claim.start, a.token) < std::pair(b.claim.start, b.token);
        });
        return all;
    }
    [[nodiscard]] bool fits(range extent, std::uint32_t units, std::uint32_t room,
                            const std::string& without) const {
        const std::vector<noted> all = overlapping(extent, without);
        std::vector<std::int64_t> points{extent.start};
        for (const noted& one : all) points.push_back(std::max(one.claim.start, extent.start));
        return std::all_of(points.begin(), points.end(), [&](std::int64_t point) {
            std::uint64_t sum = units;
            for (const noted& one : all)
                if (one.claim.start <= point && point < one.claim.end) sum += one.claim.units;
            return sum <= room;
        });
    }
};

class redis_ranges_model : public redis_ranges, public testing::WithParamInterface<unsigned> {
protected:
    std::uint64_t draw(std::uint64_t below) { return random_numbers_() % below; }
    bool chance(unsigned percent) { return draw(100) < percent; }
    template <class T>
    const T& one_of(const std::vector<T>& all) {
        return all[draw(all.size())];
    }

    std::string any_key() { return chance(70) ? "a" : "b"; }
    std::string any_id() {
        const std::string number = std::to_string(draw(60));
        return number.size() == 1 ? std::string(32, number[0]) : number;
    }
    range any_range() {
        static const std::vector<std::int64_t> bases{
            0, -500, 1'700'000'000'000'000'000, std::int64_t{1} << 62, -(std::int64_t{1} << 62)};
        if (chance(3)) return everything;
        const std::uint64_t length = chance(80) ? 1 + draw(16) : 1 + draw(std::uint64_t{1} << 40U);
        const auto width = static_cast<std::int64_t>(length);
        if (chance(10)) {
            const auto from = static_cast<std::int64_t>(draw(20));
            return chance(50) ? range{least + from, least + from + width}
                              : range{most - from - width, most - from};
        }
        const std::int64_t start = bases_[draw(2)] + static_cast<std::int64_t>(draw(100));
        if (chance(1)) bases_[draw(2)] = one_of(bases);
        return {start, start + width};
    }
    range_claim any_claim() {
        const std::string key = any_key();
        const std::uint32_t units = chance(70) ? 1 : 1 + static_cast<std::uint32_t>(draw(4));
        range_claim wanted = claim_of(any_id(), any_range());
        wanted.key = key;
        wanted.units = units;
        wanted.capacity = chance(70) ? 0 : 1 + static_cast<std::uint32_t>(draw(8));
        wanted.owner = chance(50) ? "" : "owner " + wanted.id;
        wanted.data = std::string(draw(60), '\0');
        if (const noted* const again = keys_[key].find(wanted.id); again && chance(40)) {
            wanted.start = again->claim.start;
            wanted.end = again->claim.end;
            wanted.units = again->claim.units;
        }
        return wanted;
    }

    void compare(const range_hold& told, const noted& expected, const std::string& id) {
        EXPECT_EQ(told.key, expected.claim.key);
        EXPECT_EQ(told.id, id);
        EXPECT_EQ(told.start, expected.claim.start);
        EXPECT_EQ(told.end, expected.claim.end);
        EXPECT_EQ(told.units, expected.claim.units);
        EXPECT_EQ(told.fencing_token, expected.token);
        EXPECT_EQ(told.permanent, expected.permanent);
        EXPECT_EQ(told.owner, expected.claim.owner);
        EXPECT_EQ(told.data, expected.claim.data);
        if (told.permanent)
            EXPECT_EQ(told.remaining, 0ms);
        else
            EXPECT_GT(told.remaining, long_ttl / 2);
    }
    void compare_blockers(const failure& why, std::vector<noted> expected) {
        expected.resize(std::min(expected.size(), blockers_max));
        ASSERT_EQ(why.blockers.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) compare(why.blockers[i], expected[i], "");
    }
    void draw_token(notes& key, std::uint64_t token) {
        EXPECT_GT(token, key.last_token);
        key.last_token = token;
    }

    /// @return What is expected: `cancelled` stands for success.
    errc judge(const range_claim& wanted, notes& key) {
        if (const noted* const own = key.find(wanted.id)) {
            const bool same = own->claim.start == wanted.start && own->claim.end == wanted.end &&
                              own->claim.units == wanted.units && !own->permanent;
            return same ? errc::cancelled : errc::misuse;
        }
        const std::uint32_t room = wanted.capacity > 0 ? wanted.capacity : key.capacity;
        if (wanted.units > room) return errc::misuse;
        return key.fits({wanted.start, wanted.end}, wanted.units, room, "") ? errc::cancelled
                                                                            : errc::contended;
    }
    void hold_some() {
        std::vector<range_claim> wanted;
        const std::size_t count = chance(80) ? 1 : 2 + draw(4);
        for (std::size_t i = 0; i < count; ++i) {
            const range_claim next = any_claim();
            const bool clashes = std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) {
                return one.key == next.key &&
                       (one.id == next.id || (one.start < next.end && next.start < one.end));
            });
            if (!clashes) wanted.push_back(next);
        }
        const auto granted = run(store_->hold_all(wanted, soon()));
        for (const range_claim& one : wanted) {
            const errc expected = judge(one, keys_[one.key]);
            if (expected == errc::cancelled) continue;
            ASSERT_FALSE(granted) << one.start << " " << one.end;
            const failure why = granted.error();
            ASSERT_EQ(why.code, expected) << why.message();
            EXPECT_EQ(why.name, one.key);
            if (expected == errc::contended)
                compare_blockers(why, keys_[one.key].overlapping({one.start, one.end}, ""));
            return;
        }
        ASSERT_TRUE(granted) << granted.error().message();
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            notes& key = keys_[wanted[i].key];
            const std::uint64_t token = (*granted)[i].fencing_token;
            if (const noted* const own = key.find(wanted[i].id)) {
                EXPECT_EQ(own->token, token);
                continue;
            }
            draw_token(key, token);
            const std::uint32_t own_room = wanted[i].capacity;
            key.held.push_back({wanted[i], own_room > 0 ? own_room : key.capacity, token});
        }
    }
    void move_one() {
        const std::string name = any_key();
        notes& key = keys_[name];
        const std::string id = any_id();
        noted* const own = key.find(id);
        range to = any_range();
        if (own && chance(30)) to = {own->claim.start, to.end};
        if (to.start >= to.end) return;
        const auto moved = run(store_->move(name, id, to, soon()));
        if (!own) return expect_lost(moved);
        const bool same = own->claim.start == to.start && own->claim.end == to.end;
        const std::uint32_t room = key.capacity;
        if (!same && own->claim.units > room) {
            ASSERT_FALSE(moved);
            ASSERT_EQ(moved.error().code, errc::misuse);
            return;
        }
        if (!same && !key.fits(to, own->claim.units, room, id)) {
            ASSERT_FALSE(moved);
            ASSERT_EQ(moved.error().code, errc::contended);
            return compare_blockers(moved.error(), key.overlapping(to, id));
        }
        ASSERT_TRUE(moved) << moved.error().message();
        if (!same) {
            draw_token(key, moved->fencing_token);
            own->token = moved->fencing_token;
            own->claim.start = to.start;
            own->claim.end = to.end;
            own->granted = room;
        }
        compare(*moved, *own, id);
    }
    template <class T>
    static void expect_lost(const result<T>& outcome) {
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, errc::lost);
        EXPECT_EQ(outcome.error().reason, lost_reason::deleted);
    }
    // Renew, confirm, get, release.
    void touch_one() {
        const std::string name = any_key();
        notes& key = keys_[name];
        const std::string id = any_id();
        noted* const own = key.find(id);
        if (chance(25)) {
            range_renewal ask{name, id, long_ttl};
            run(store_->renew(std::span(&ask, 1), soon()));
            EXPECT_EQ(ask.outcome.has_value(), own != nullptr);
        } else if (chance(33)) {
            const auto told = run(store_->get(name, id, soon())).value();
            ASSERT_EQ(told.has_value(), own != nullptr);
            if (own) compare(*told, *own, id);
        } else if (chance(30)) {
            const auto sure = run(store_->confirm(name, id, soon()));
            if (!own) return expect_lost(sure);
            ASSERT_TRUE(sure);
            own->permanent = true;
            compare(*sure, *own, id);
        } else {
            const auto released = run(store_->release(name, id, released_hold::any, soon()));
            if (!own) return expect_lost(released);
            EXPECT_TRUE(released);
            key.drop(id);
        }
    }
    void list_some() {
        const std::string name = any_key();
        const range window = chance(30) ? everything : any_range();
        const std::size_t limit = 1 + draw(12);
        std::vector<noted> expected = keys_[name].overlapping(window, "");
        std::optional<range_cursor> after;
        if (!expected.empty() && chance(50)) {
            const std::size_t at = draw(expected.size());
            after = {expected[at].claim.start, expected[at].token};
            expected.erase(expected.begin(), expected.begin() + static_cast<long>(at) + 1);
        }
        const auto page = run(store_->list(name, window, after, limit, soon())).value();
        EXPECT_EQ(page.capacity, keys_[name].capacity);
        EXPECT_EQ(page.more, expected.size() > limit);
        ASSERT_EQ(page.holds.size(), std::min(limit, expected.size()));
        for (std::size_t i = 0; i < page.holds.size(); ++i)
            compare(page.holds[i], expected[i], expected[i].claim.id);
    }
    // As if its time had come: the rest of what stands of it is left behind.
    void run_out() {
        const std::string name = any_key();
        notes& key = keys_[name];
        noted* const own = key.find(any_id());
        if (!own) return;
        const std::string& id = own->claim.id;
        std::string coded = "t" + id;
        if (id.size() == 32) coded = "x" + std::string(16, static_cast<char>((id[0] - '0') * 17));
        const std::string begin = redis::range_key(name);
        EXPECT_EQ(ask({"ZADD", begin + ":x", "XX", "CH", "1", coded}).integer, 1);
        if (chance(30)) ask({"HSET", begin + ":m", "n", "0"});
        key.drop(id);
    }
    void change_capacity() {
        const std::string name = any_key();
        const auto units = static_cast<std::uint32_t>(chance(40) ? 1 : 1 + draw(8));
        EXPECT_TRUE(run(store_->set_capacity(name, units, soon())));
        keys_[name].capacity = units;
    }
    // What is free at once.
    void look_one() {
        range_claim wanted = any_claim();
        if (judge(wanted, keys_[wanted.key]) != errc::cancelled) return;
        run(store_->await_change(wanted, range_change::freed, time_.now() + 10min));
    }

    void step() {
        const std::uint64_t what = draw(100);
        if (what < 40) return hold_some();
        if (what < 50) return move_one();
        if (what < 72) return touch_one();
        if (what < 80) return list_some();
        if (what < 92) return run_out();
        if (what < 93) return change_capacity();
        if (what < 96) return look_one();
    }
    // No index has more than what is held.
    void expect_nothing_left() {
        for (auto& [name, key] : keys_) {
            const std::string begin = redis::range_key(name);
            ask({"HSET", begin + ":m", "n", "0"});
            for (int i = 0; i < 40; ++i) {  // Each sweeps two.
                range_claim own = claim_of("sweeper", {0, 1});
                own.key = name;
                own.capacity = 1'000'000;
                const auto granted = run(store_->hold_all(std::span(&own, 1), soon()));
                if (granted) {
                    EXPECT_TRUE(run(store_->release(name, "sweeper", released_hold::any, soon())));
                }
            }
            const auto held = static_cast<std::int64_t>(key.held.size());
            EXPECT_EQ(ask({"ZCARD", begin + ":s"}).integer, held + 1) << "and a mark";
            EXPECT_EQ(ask({"ZCARD", begin + ":x"}).integer, held + 1);
            EXPECT_EQ(ask({"HLEN", begin + ":h"}).integer, held + 1);
        }
    }

    std::mt19937_64 random_numbers_{GetParam()};
    std::vector<std::int64_t> bases_{0, 50};
    std::map<std::string, notes> keys_;
};

TEST_P(redis_ranges_model, agrees_with_a_plain_list) {
    for (int i = 0; i < 2500 && !HasFailure(); ++i) {
        SCOPED_TRACE("seed " + std::to_string(GetParam()) + ", step " + std::to_string(i));
        step();
    }
    expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(seeds, redis_ranges_model, testing::Values(1U, 2U, 3U, 4U, 5U, 6U));

}  // namespace
}  // namespace holdfast::test
