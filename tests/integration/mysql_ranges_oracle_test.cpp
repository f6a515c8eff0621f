// SPDX-License-Identifier: BSL-1.0
//
// Why: sequences that nobody thought of. How: random operations go to the store and to a plain list
// of holds that is searched from one end to the other; both must say the same. What runs out is
// waited for, so that both agree on what is live.
#include "integration/mysql_ranges.hpp"
#include "support/poll.hpp"

#include <cstdlib>
#include <limits>
#include <random>

namespace holdfast::test {
namespace {

std::uint64_t seed_of_the_run() {
    if (const char* given = std::getenv("HOLDFAST_TEST_SEED"))
        return std::strtoull(given, nullptr, 10);
    return std::random_device{}();
}

struct known_hold {
    std::string key;
    std::string id;
    range where;
    std::uint32_t units;
    std::int64_t granted;
    bool single;
    bool permanent;
    std::uint64_t token;
};

class naive {
public:
    std::map<std::string, std::uint32_t> capacity;
    std::vector<known_hold> holds;

    known_hold* find(const std::string& key, const std::string& id) {
        for (known_hold& each : holds)
            if (each.key == key && each.id == id) return &each;
        return nullptr;
    }
    std::uint32_t room(const std::string& key) const {
        const auto found = capacity.find(key);
        return found == capacity.end() ? 1 : found->second;
    }
    static bool meet(const range& a, const range& b) { return a.start < b.end && b.start < a.end; }
    std::vector<const known_hold*> beside(const std::string& key, const range& where,
                                          const known_hold* self) const {
        std::vector<const known_hold*> all;
        for (const known_hold& each : holds)
            if (&each != self && each.key == key && meet(each.where, where)) all.push_back(&each);
        std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
            return std::pair(a->where.start, a->token) < std::pair(b->where.start, b->token);
        });
        return all;
    }
    static bool fits(const std::vector<const known_hold*>& others, const range& where,
                     std::uint32_t units, std::uint32_t room) {
        std::vector<std::int64_t> points{where.start};
        for (const known_hold* each : others)
            points.push_back(std::max(where.start, each->where.start));
        for (const std::int64_t point : points) {
            std::uint64_t sum = units;
            for (const known_hold* each : others)
                if (each->where.start <= point && point < each->where.end) sum += each->units;
            if (sum > room) return false;
        }
        return true;
    }
};

class range_oracle : public mysql_ranges, public testing::WithParamInterface<rights> {
protected:
    range_oracle() : mysql_ranges(GetParam()) {}

    std::uint64_t pick(std::uint64_t choices) { return random_() % choices; }
    std::string some_key() { return pick(2) == 0 ? "a" : "A"; }
    range some_range() {
        constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
        constexpr auto highest = std::numeric_limits<std::int64_t>::max();
        const auto length = static_cast<std::int64_t>(1 + pick(std::uint64_t{1} << pick(7)));
        if (pick(12) == 0) return {lowest, lowest + length};
        if (pick(12) == 0) return {highest - length, highest};
        if (pick(40) == 0) return {lowest, highest};
        const auto start = static_cast<std::int64_t>(pick(100)) - 50;
        return {start, start + length};
    }
    std::string some_id() {
        if (model_.holds.empty() || pick(6) == 0) return "none";
        return model_.holds[pick(model_.holds.size())].id;
    }
    template <class T>
    void expect_blocked(const result<T>& said, const std::vector<const known_hold*>& others) {
        ASSERT_TRUE(fails_with(said, errc::contended));
        const failure why = said.error();
        ASSERT_EQ(why.blockers.size(), std::min(others.size(), blockers_max));
        for (std::size_t i = 0; i < why.blockers.size(); ++i)
            EXPECT_EQ(why.blockers[i].fencing_token, others[i]->token);
    }
    void note_token(const std::string& key, std::uint64_t token) {
        EXPECT_GT(token, last_token_[key]);
        last_token_[key] = token;
    }

    void try_hold() {
        const std::string key = some_key();
        const auto capacity = static_cast<std::uint32_t>(pick(3) == 0 ? 1 + pick(4) : 0);
        const std::uint32_t room = capacity == 0 ? model_.room(key) : capacity;
        range_claim wanted{.key = key, .id = "h" + std::to_string(++ids_), .capacity = capacity};
        const range where = some_range();
        wanted.start = where.start;
        wanted.end = where.end;
        wanted.units = static_cast<std::uint32_t>(pick(4) == 0 ? 1 + pick(3) : 1);
        const bool brief = pick(6) == 0;
        wanted.ttl = brief ? 10ms : 10min;
        const auto said = ours_->hold(wanted);
        if (wanted.units > room) {
            EXPECT_TRUE(fails_with(said, errc::misuse));
            return;
        }
        const auto others = model_.beside(key, where, nullptr);
        if (!naive::fits(others, where, wanted.units, room)) return expect_blocked(said, others);
        ASSERT_TRUE(ok(said));
        note_token(key, said->fencing_token);
        if (brief) {  // It stays in the table, and is no hold any more.
            ASSERT_TRUE(poll_until([&] { return !ours_->get(key, wanted.id).value(); }));
            return;
        }
        model_.holds.push_back(
            {key, wanted.id, where, wanted.units, room, room == 1, false, said->fencing_token});
    }
    void try_again() {
        if (model_.holds.empty()) return;
        const known_hold& known = model_.holds[pick(model_.holds.size())];
        range_claim wanted{.key = known.key,
                           .id = known.id,
                           .start = known.where.start,
                           .end = known.where.end,
                           .units = known.units,
                           .capacity = known.units > model_.room(known.key) ? known.units : 0,
                           .ttl = 10min};
        const bool other = pick(3) == 0 && wanted.end < everything.end;
        if (other) ++wanted.end;
        const auto said = ours_->hold(wanted);
        if (other || known.permanent) {
            EXPECT_TRUE(fails_with(said, errc::misuse));
        } else {
            ASSERT_TRUE(ok(said));
            EXPECT_EQ(said->fencing_token, known.token);
        }
    }
    void try_move() {
        const std::string key = some_key();
        const std::string id = some_id();
        const range to = some_range();
        known_hold* const known = model_.find(key, id);
        const auto said = ours_->move(key, id, to);
        if (!known) {
            EXPECT_TRUE(fails_with(said, errc::lost));
            return;
        }
        if (to == known->where) {
            ASSERT_TRUE(ok(said));
            EXPECT_EQ(said->fencing_token, known->token);
            return;
        }
        const std::int64_t room = model_.room(key);
        if (known->units > room) {
            EXPECT_TRUE(fails_with(said, errc::misuse));
            return;
        }
        const auto others = model_.beside(key, to, known);
        if (!naive::fits(others, to, known->units, static_cast<std::uint32_t>(room)))
            return expect_blocked(said, others);
        ASSERT_TRUE(ok(said));
        note_token(key, said->fencing_token);
        known->where = to;
        known->token = said->fencing_token;
        known->granted = room;
        known->single = room == 1;
    }
    void try_small_verbs() {
        const std::string key = some_key();
        const std::string id = some_id();
        known_hold* const known = model_.find(key, id);
        const errc expected = errc::lost;
        switch (pick(4)) {
            case 0: {
                const auto said = ours_->release(key, id);
                EXPECT_TRUE(known ? ok(said) : fails_with(said, expected));
                if (known) model_.holds.erase(model_.holds.begin() + (known - model_.holds.data()));
                return;
            }
            case 1: {
                const auto said = ours_->confirm(key, id);
                EXPECT_TRUE(known ? ok(said) : fails_with(said, expected));
                if (known) known->permanent = true;
                return;
            }
            case 2: {
                const auto said = ours_->renew(key, id, 10min);
                EXPECT_TRUE(known ? ok(said) : fails_with(said, expected));
                return;
            }
            default: {
                const auto found = ours_->get(key, id).value();
                ASSERT_EQ(found.has_value(), known != nullptr);
                if (known) {
                    EXPECT_EQ(found->permanent, known->permanent);
                    EXPECT_EQ((range{found->start, found->end}), known->where);
                }
            }
        }
    }
    void try_list() {
        const std::string key = some_key();
        const range window = pick(3) == 0 ? everything : some_range();
        const std::size_t limit = 1 + pick(5);
        std::vector<std::uint64_t> seen;
        std::optional<range_cursor> after;
        for (bool more = true; more;) {
            const auto page = ours_->list(key, window, after, limit).value();
            EXPECT_EQ(page.capacity, model_.room(key));
            for (const range_hold& each : page.holds) seen.push_back(each.fencing_token);
            more = page.more && !page.holds.empty();
            if (more) after = {page.holds.back().start, page.holds.back().fencing_token};
        }
        std::vector<std::uint64_t> expected;
        for (const known_hold* each : model_.beside(key, window, nullptr))
            expected.push_back(each->token);
        EXPECT_EQ(seen, expected);
    }
    void step() {
        switch (pick(10)) {
            case 0:
            case 1:
            case 2:
            case 3: return try_hold();
            case 4: return try_again();
            case 5: return try_move();
            case 6: return try_list();
            case 7: {
                if (pick(4) != 0) return;
                const std::string key = some_key();
                const auto units = static_cast<std::uint32_t>(1 + pick(4));
                ASSERT_TRUE(ok(ours_->set_capacity(key, units)));
                model_.capacity[key] = units;
                return;
            }
            default: return try_small_verbs();
        }
    }

    std::mt19937_64 random_;
    naive model_;
    std::map<std::string, std::uint64_t> last_token_;
    int ids_{0};
};

TEST_P(range_oracle, agrees_with_a_plain_list_of_holds) {
    const std::uint64_t seed = seed_of_the_run();
    SCOPED_TRACE("HOLDFAST_TEST_SEED=" + std::to_string(seed) + " repeats this");
    random_.seed(seed);
    for (int i = 0; i < 800; ++i) {
        step();
        ASSERT_FALSE(HasFailure()) << "in step " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(mysql, range_oracle, testing::Values(rights::all, rights::no_routines),
                         [](const auto& of) {
                             return of.param == rights::all ? "procedure" : "steps";
                         });

}  // namespace
}  // namespace holdfast::test
