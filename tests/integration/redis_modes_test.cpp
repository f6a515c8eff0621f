// SPDX-License-Identifier: BSL-1.0
//
// Shared and counted locks, several names at once, and who is excluded by them.
#include "integration/redis_stores.hpp"

namespace holdfast::test {
namespace {

using testing::HasSubstr;

constexpr wish reader{.mode = lock_mode::shared};
constexpr wish one_of_two{.permits = 2};

class redis_modes : public redis_stores {
protected:
    [[nodiscard]] bool stranger_gets_it() const {
        return server_.command({"SET", key_, "theirs", "NX", "PX", "600000"}) == "+OK\r\n";
    }
    [[nodiscard]] bool refused(const result<grant>& answer) const {
        return !answer && answer.error().code == errc::contended;
    }
    [[nodiscard]] bool gets_it(const turn& next) {
        return comes([&] { return next->ended(); }) && next->answer->has_value();
    }
    [[nodiscard]] result<std::vector<grant>> acquire_all(store& where,
                                                         const std::vector<claim>& wanted,
                                                         attempt which = attempt::first) {
        return run(where.acquire_all(wanted, which, soon()));
    }
    [[nodiscard]] static claim of(const std::string& name, const std::string& value,
                                  milliseconds ttl = long_ttl) {
        return {.name = name, .value = value, .ttl = ttl};
    }

    std::shared_ptr<store> first_ = open();
    std::shared_ptr<store> second_ = open();
};

TEST_F(redis_modes, readers_share_and_keep_out_all_others) {
    std::vector<std::string> readers;
    std::uint64_t last = 0;
    for (int i = 0; i < 5; ++i) {
        readers.push_back(value("reader"));
        const auto given = acquire(i % 2 == 0 ? *first_ : *second_, readers.back(), reader);
        ASSERT_TRUE(given) << given.error().message();
        EXPECT_GT(given->fencing_token, last);
        last = given->fencing_token;
    }
    const auto writer = acquire(*second_, value());
    ASSERT_TRUE(refused(writer));
    ASSERT_TRUE(writer.error().holder);
    EXPECT_EQ(writer.error().holder->owner, "reader");
    EXPECT_TRUE(refused(acquire(*second_, value(), one_of_two)));
    EXPECT_FALSE(stranger_gets_it());
    for (const std::string& one : readers) {
        EXPECT_TRUE(renew(*second_, one));
        EXPECT_TRUE(release(*first_, one));
    }
    EXPECT_TRUE(acquire(*second_, value()));
}

TEST_F(redis_modes, who_holds_it_alone_keeps_out_readers) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*first_, held));
    EXPECT_TRUE(refused(acquire(*second_, value(), reader)));
    EXPECT_TRUE(refused(acquire(*second_, value(), one_of_two)));
    ASSERT_TRUE(release(*first_, held));
    ASSERT_TRUE(stranger_gets_it());
    EXPECT_TRUE(refused(acquire(*second_, value(), reader)));
}

// Why: were readers let in while a writer waits, a stream of them would keep it out for ever; were
// writers always first, readers would starve.
TEST_F(redis_modes, neither_readers_nor_writers_starve) {
    const std::string early = value();
    ASSERT_TRUE(acquire(*first_, early, reader));
    const auto writers_place = second_->take_seat("job");
    const std::string writer = value();
    ASSERT_TRUE(refused(ask(*writers_place, writer)));
    EXPECT_TRUE(refused(acquire(*first_, value(), reader))) << "a writer waits";
    const auto first_place = first_->take_seat("job");
    const auto second_place = first_->take_seat("job");
    const auto last_place = first_->take_seat("job");
    const std::string late = value();
    const std::string later = value();
    const std::string last = value();
    ASSERT_TRUE(refused(ask(*first_place, late, reader)));
    ASSERT_TRUE(refused(ask(*second_place, later, reader)));
    ASSERT_TRUE(refused(ask(*last_place, last)));
    const turn write = await_turn(*writers_place);
    const turn read = await_turn(*first_place);
    const turn read_too = await_turn(*second_place);
    const turn write_again = await_turn(*last_place);
    ASSERT_TRUE(release(*first_, early));
    ASSERT_TRUE(gets_it(write));
    ASSERT_TRUE(release(*second_, writer));
    ASSERT_TRUE(gets_it(read) && gets_it(read_too));
    EXPECT_EQ(inspect(*second_).holders, 2U);
    ASSERT_TRUE(release(*first_, late));
    EXPECT_FALSE(write_again->ended() && write_again->answer->has_value());
    ASSERT_TRUE(release(*first_, later));
    EXPECT_TRUE(gets_it(write_again));
}

// Why: whose process is gone is not waited for at all, as when a lock is handed over.
TEST_F(redis_modes, a_writer_whose_process_is_gone_keeps_no_reader_out) {
    ASSERT_TRUE(acquire(*first_, value(), reader));
    const std::string waits = value();
    const auto behind = second_->take_seat("job");
    for (const bool in_line : {true, false}) {
        const auto dying = open();
        const auto place = dying->take_seat("job");
        EXPECT_TRUE(refused(ask(*place, value())));
        if (in_line) EXPECT_TRUE(refused(ask(*behind, waits, reader)));
        EXPECT_TRUE(refused(acquire(*first_, value(), reader))) << "a writer waits";
        const int listening = connections("P");
        dying->stop();
        ASSERT_TRUE(comes([&] { return connections("P") == listening - 1; }));
        if (in_line) EXPECT_TRUE(ask(*behind, waits, reader));
        EXPECT_TRUE(acquire(*first_, value(), reader));
    }
    EXPECT_EQ(waiting(), 0U);
}

TEST_F(redis_modes, a_dead_reader_frees_its_share_alone) {
    const std::string alive = value();
    const std::string dead = value();
    ASSERT_TRUE(acquire(*first_, alive, reader));
    ASSERT_TRUE(acquire(*second_, dead, {.mode = lock_mode::shared, .ttl = 100ms}));
    EXPECT_EQ(inspect(*first_).holders, 2U);
    ASSERT_TRUE(comes([&] { return inspect(*first_).holders == 1; }));
    EXPECT_EQ(inspect(*first_).value, alive);
    const auto renewed = renew(*second_, dead);
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().reason, lost_reason::taken);
    EXPECT_EQ(release(*second_, dead).error().code, errc::lost);
    EXPECT_FALSE(stranger_gets_it());
    ASSERT_TRUE(release(*first_, alive));
    EXPECT_EQ(release(*first_, alive).error().reason, lost_reason::deleted);
    EXPECT_TRUE(stranger_gets_it());
}

// Why: the key must go with the last of its leases, or it keeps others out for longer than a ttl.
TEST_F(redis_modes, the_key_lives_as_long_as_the_last_lease) {
    redis_link link(server_.socket_path());
    const auto left = [&] { return milliseconds(link.ask({"PTTL", key_}).integer); };
    const std::string brief = value();
    const std::string lasting = value();
    ASSERT_TRUE(acquire(*first_, brief, {.mode = lock_mode::shared, .ttl = 20s}));
    EXPECT_LE(left(), 20s + 1ms);
    ASSERT_TRUE(acquire(*first_, lasting, reader));
    EXPECT_GT(left(), long_ttl / 2);
    ASSERT_TRUE(renew(*first_, brief, 30s));
    EXPECT_GT(left(), long_ttl / 2);
    ASSERT_TRUE(release(*first_, lasting));
    EXPECT_LE(left(), 30s + 1ms);
    ASSERT_TRUE(renew(*first_, brief, 200ms));
    EXPECT_TRUE(poll_until([&] { return !exists(key_); }, 5s));
}

TEST_F(redis_modes, permits_are_counted_and_come_back) {
    const std::string one = value();
    const std::string two = value();
    ASSERT_TRUE(acquire(*first_, one, one_of_two));
    ASSERT_TRUE(acquire(*second_, two, {.permits = 2, .ttl = 300ms}));
    EXPECT_TRUE(refused(acquire(*second_, value(), one_of_two)));
    EXPECT_TRUE(refused(acquire(*second_, value())));
    EXPECT_TRUE(refused(acquire(*second_, value(), reader)));
    const lock_info told = inspect(*second_);
    EXPECT_TRUE(told.counted);
    EXPECT_EQ(told.holders, 2U);
    // One that dies gives its permit back.
    const auto place = first_->take_seat("job");
    const std::string three = value();
    ASSERT_TRUE(refused(ask(*place, three, one_of_two)));
    EXPECT_TRUE(get(*place, three, one_of_two));
    // No permit comes back twice.
    ASSERT_TRUE(release(*first_, one));
    EXPECT_EQ(release(*first_, one).error().code, errc::lost);
    EXPECT_EQ(release(*first_, two).error().code, errc::lost);
    EXPECT_EQ(inspect(*second_).holders, 1U);
    ASSERT_TRUE(acquire(*first_, value(), one_of_two));
    EXPECT_TRUE(refused(acquire(*second_, value(), one_of_two)));
    EXPECT_FALSE(stranger_gets_it());
    ASSERT_TRUE(run(second_->take_away("job", soon())).value());
    EXPECT_FALSE(exists(key_));
}

TEST_F(redis_modes, a_permit_is_handed_over) {
    std::vector<std::string> held;
    for (int i = 0; i < 2; ++i) {
        held.push_back(value());
        ASSERT_TRUE(acquire(*first_, held.back(), one_of_two));
    }
    for (int i = 0; i < 6; ++i) {
        const auto place = second_->take_seat("job");
        held.push_back(value());
        ASSERT_TRUE(refused(ask(*place, held.back(), one_of_two)));
        const turn next = await_turn(*place);
        ASSERT_TRUE(release(*first_, held[static_cast<std::size_t>(i)]));
        ASSERT_TRUE(gets_it(next));
        EXPECT_EQ(inspect(*first_).holders, 2U);
        EXPECT_EQ(inspect(*first_).waiters, 0U);
    }
}

TEST_F(redis_modes, a_repeated_attempt_recognises_its_own_share) {
    for (const wish& how : {reader, one_of_two}) {
        const std::string mine = value();
        wish brief = how;
        brief.ttl = 60s;
        const auto given = acquire(*first_, mine, brief);
        ASSERT_TRUE(given);
        EXPECT_FALSE(given->taken_earlier);
        const auto again = acquire(*second_, mine, how, attempt::repeated);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->taken_earlier);
        EXPECT_GT(again->fencing_token, given->fencing_token);
        EXPECT_LE(inspect(*first_).holder.remaining, 60s + 1ms) << "its expiry was not changed";
        EXPECT_EQ(inspect(*first_).holders, 1U);
        ASSERT_TRUE(release(*first_, mine));
    }
    ASSERT_TRUE(acquire(*first_, value(), reader));
    EXPECT_TRUE(refused(acquire(*first_, value(), {}, attempt::repeated)));
}

TEST_F(redis_modes, a_holder_is_found_by_its_id) {
    std::vector<std::string> readers;
    for (int i = 0; i < 4; ++i) {
        readers.push_back(value("reader " + std::to_string(i)));
        ASSERT_TRUE(acquire(*first_, readers.back(), reader));
    }
    for (const std::string& one : readers) {
        const lock_info told = inspect(*second_, one.substr(0, one.find('|')));
        EXPECT_EQ(told.value, one);
        EXPECT_EQ(told.mode, lock_mode::shared);
        EXPECT_FALSE(told.counted);
        EXPECT_EQ(told.holders, 4U);
        EXPECT_EQ(told.holder.pid, 4711);
        EXPECT_GT(told.holder.remaining, long_ttl / 2);
        EXPECT_GT(told.fencing_token, 0U);
    }
    EXPECT_EQ(inspect(*second_, "nobody").holders, 4U);
    ASSERT_TRUE(acquire(*first_, value(), {.name = "alone"}));
    const auto all = run(second_->list("", soon())).value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].name, "alone");
    EXPECT_EQ(all[0].mode, lock_mode::exclusive);
    EXPECT_EQ(all[1].holders, 4U);
    EXPECT_EQ(all[1].mode, lock_mode::shared);
    const auto broken = run(second_->take_away("job", soon())).value();
    ASSERT_TRUE(broken);
    EXPECT_EQ(broken->holders, 4U);
    EXPECT_EQ(broken->mode, lock_mode::shared);
    EXPECT_FALSE(run(first_->inspect("job", {}, soon())).value());
}

TEST_F(redis_modes, a_key_that_is_no_lock_is_told_by_its_type_and_left_alone) {
    command({"HSET", key_, "field", "text"});
    const auto place = first_->take_seat("job");
    std::vector<failure> told;
    const auto note = [&](const auto& answer) {
        ASSERT_FALSE(answer);
        told.push_back(answer.error());
    };
    for (const wish& how : {wish{}, reader, one_of_two}) {
        note(acquire(*first_, value(), how));
        note(acquire(*first_, value(), how, attempt::repeated));
        note(ask(*place, value(), how));
    }
    note(acquire_all(*first_, {of("free", value()), of("job", value())}));
    EXPECT_EQ(told.back().name, "job");
    note(pass_on(*place, value(), value()));
    note(release(*first_, value()));
    note(run(first_->inspect("job", {}, soon())));
    note(run(first_->take_away("job", soon())));
    for (const failure& why : told) {
        EXPECT_EQ(why.code, errc::wrong_type) << why.message();
        EXPECT_THAT(why.text, HasSubstr("is a hash"));
        EXPECT_THAT(why.text, HasSubstr("where a lock is a string"));
    }
    const auto renewed = renew(*first_, value());
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().code, errc::wrong_type);
    EXPECT_TRUE(leave(*place, value())) << "it stands nowhere, and holds nothing";
    EXPECT_TRUE(run(first_->list("", soon())).value().empty());
    EXPECT_EQ(server_.command({"HGET", key_, "field"}), "$4\r\ntext\r\n");
    EXPECT_FALSE(exists(key_ + ":q"));
    EXPECT_FALSE(exists(key_ + ":w"));
}

TEST_F(redis_modes, several_names_are_taken_all_or_none) {
    const std::string held = value();
    ASSERT_TRUE(acquire(*second_, held, {.name = "c"}));
    const std::vector<claim> wanted{of("a", value()), of("b", value()), of("c", value())};
    const auto none = acquire_all(*first_, wanted);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, errc::contended);
    EXPECT_EQ(none.error().name, "c");
    ASSERT_TRUE(none.error().holder);
    EXPECT_EQ(none.error().holder->pid, 4711);
    EXPECT_FALSE(exists(redis::lock_key("a")));
    EXPECT_FALSE(exists(redis::lock_key("b")));
    ASSERT_TRUE(release(*second_, held, "c"));
    const auto all = acquire_all(*first_, wanted);
    ASSERT_TRUE(all) << all.error().message();
    ASSERT_EQ(all->size(), 3U);
    for (const grant& one : *all) {
        EXPECT_GT(one.fencing_token, 0U);
        EXPECT_FALSE(one.taken_earlier);
    }
    for (const claim& one : wanted) EXPECT_EQ(text_of(redis::lock_key(one.name)), one.value);
    EXPECT_EQ(acquire_all(*second_, {of("z", value()), of("b", value())}).error().name, "b");
    EXPECT_FALSE(exists(redis::lock_key("z")));
}

TEST_F(redis_modes, several_names_are_recognised_by_a_repeated_attempt) {
    const std::vector<claim> wanted{of("a", value(), 60s), of("b", value(), 60s)};
    const auto given = acquire_all(*first_, wanted);
    ASSERT_TRUE(given);
    command({"DEL", redis::lock_key("b")});
    std::vector<claim> longer = wanted;
    for (claim& one : longer) one.ttl = long_ttl;
    const auto again = acquire_all(*first_, longer, attempt::repeated);
    ASSERT_TRUE(again);
    EXPECT_TRUE((*again)[0].taken_earlier);
    EXPECT_FALSE((*again)[1].taken_earlier);
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_GT((*again)[i].fencing_token, (*given)[i].fencing_token);
    redis_link link(server_.socket_path());
    EXPECT_LE(link.ask({"PTTL", redis::lock_key("a")}).integer, 60'000);
    EXPECT_GT(link.ask({"PTTL", redis::lock_key("b")}).integer, 60'000);
}

TEST_F(redis_modes, a_full_server_takes_no_new_holders_but_lets_all_go_and_hand_over) {
    const std::string held = value();
    const std::string share = value();
    ASSERT_TRUE(acquire(*first_, held, {.name = "alone"}));
    ASSERT_TRUE(acquire(*first_, share, reader));
    const auto place = second_->take_seat("job");
    const std::string next = value();
    ASSERT_TRUE(refused(ask(*place, next)));
    const turn turned = await_turn(*place);
    command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
    command({"CONFIG", "SET", "maxmemory", "1"});
    const auto other = second_->take_seat("alone");
    for (const failure& why :
         {acquire(*first_, value(), reader).error(), ask(*other, value()).error(),
          acquire_all(*first_, {of("x", value())}).error()}) {
        EXPECT_EQ(why.code, errc::denied) << why.message();
        EXPECT_THAT(why.text, HasSubstr("OOM"));
    }
    EXPECT_EQ(inspect(*first_).mode, lock_mode::shared);
    EXPECT_TRUE(renew(*first_, share));
    EXPECT_TRUE(release(*first_, share));
    EXPECT_TRUE(gets_it(turned));
    EXPECT_TRUE(renew(*second_, next));
    EXPECT_TRUE(leave(*place, next));
    EXPECT_TRUE(release(*first_, held, "alone"));
}

}  // namespace
}  // namespace holdfast::test
