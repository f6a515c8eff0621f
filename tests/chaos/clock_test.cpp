// SPDX-License-Identifier: BSL-1.0
//
// Faults of clocks: the wall clock of one server, or of a client, jumps. What jumps is the time of
// day that the program is told, through clock_shim.cpp; the machine's own clock is left alone.
#include "chaos/several.hpp"
#include "cli/cli_process.hpp"
#include "support/loss_watch.hpp"
#include "support/poll.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <string>

namespace holdfast::test {
namespace {

/// The time of day of the programs that are started with it.
class shifted_clock {
public:
    shifted_clock() {
        const int file = ::open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0 || ::ftruncate(file, sizeof(std::int64_t)) != 0)
            throw std::runtime_error("cannot make " + path());
        memory_ =
            ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        if (memory_ == MAP_FAILED) throw std::runtime_error("cannot map " + path());
    }
    shifted_clock(const shifted_clock&) = delete;
    shifted_clock& operator=(const shifted_clock&) = delete;
    ~shifted_clock() { ::munmap(memory_, sizeof(std::int64_t)); }

    void set(milliseconds offset) const {
        *static_cast<volatile std::int64_t*>(memory_) = offset.count();
    }
    [[nodiscard]] std::string path() const { return place_ / "clock"; }
    [[nodiscard]] redis_options options() const {
        return {.starter = {"env", "LD_PRELOAD=" HOLDFAST_CLOCK_SHIM, "HOLDFAST_CLOCK=" + path()}};
    }

private:
    temp_dir place_;
    void* memory_{nullptr};
};

long server_time(const redis_server& server) {
    const std::string reply = server.command({"EVAL", "return redis.call('TIME')[1]", "0"});
    return std::stol(reply.substr(reply.find('\n') + 1));
}

constexpr auto past_2038 = 13 * 365 * 24h;

// F12, F34. Why: a minority of servers may believe what it likes about the time, 2038 included.
TEST(a_server_whose_clock_jumps, changes_nothing_where_two_others_agree) {
    const shifted_clock clock;
    redis_server odd(clock.options());
    redis_server second;
    redis_server third;
    const long now = server_time(second);
    locker locks = open_quorum({odd.url(), second.url(), third.url()});
    locker rivals = open_quorum({odd.url(), second.url(), third.url()});
    auto held = locks.acquire("job", {.ttl = 1500ms});
    ASSERT_TRUE(held) << held.error().message();
    std::uint64_t last = 0;
    for (const milliseconds jump :
         {milliseconds(2s), milliseconds(-2s), milliseconds(1h), milliseconds(-24h),
          milliseconds(past_2038), milliseconds(0s)}) {
        clock.set(jump);
        ASSERT_LE(std::abs(server_time(odd) - now - jump.count() / 1000), 30)
            << "the clock did not jump";
        const auto refused = rivals.acquire("job", {.ttl = 1s});
        ASSERT_FALSE(refused) << "held twice, clock at " << jump.count();
        auto other = rivals.acquire("other", {.ttl = 5s, .wait = 5s});
        ASSERT_TRUE(other) << other.error().message();
        EXPECT_GT(other->fencing_token(), last);
        last = other->fencing_token();
        EXPECT_TRUE(other->release());
        ASSERT_TRUE(held->renew(1500ms));
    }
    EXPECT_TRUE(held->held());
    EXPECT_TRUE(held->release());
}

// F12. Why: alone, a server that sets its clock forward ends every lock: the holder must be told.
TEST(a_server_whose_clock_jumps, has_the_holder_told_at_the_next_renewal_where_it_is_alone) {
    const shifted_clock clock;
    redis_server server(clock.options());
    const milliseconds ttl = 3s;
    locker locks(server.url(), {.timeout = 1s});
    auto held = locks.acquire("job", {.ttl = ttl});
    ASSERT_TRUE(held);
    const auto token = held->fencing_token();
    const loss_watch loss(*held);
    clock.set(1h);
    EXPECT_TRUE(loss.told_within(ttl / 3 + 1500ms));
    EXPECT_LT(loss.told_at(), held->valid_until());
    EXPECT_EQ(held->why_lost(), lost_reason::deleted);
    const auto next = locks.acquire("job", {.ttl = ttl, .wait = 5s});
    ASSERT_TRUE(next);
    EXPECT_GT(next->fencing_token(), token);
}

// Why: a clock that is wrong is noticed one day, and stepped. How: ask where it is wrong.
TEST(a_server_whose_clock_is_wrong, is_found_by_a_look_at_it) {
    const shifted_clock clock;
    redis_server odd(clock.options());
    redis_server second;
    redis_server third;
    locker alone(odd.url());
    locker all = open_quorum({odd.url(), second.url(), third.url()}, 5s);
    const auto finds = [](locker& where, std::string_view code) {
        const auto found = where.diagnose();
        EXPECT_TRUE(found);
        return found && std::any_of(found->findings.begin(), found->findings.end(),
                                    [&](const finding& one) { return one.code == code; });
    };
    EXPECT_FALSE(finds(alone, "clock-offset"));
    EXPECT_FALSE(finds(all, "clocks-apart"));
    for (const milliseconds offset : {milliseconds(1min), milliseconds(-1min)}) {
        clock.set(offset);
        EXPECT_TRUE(finds(alone, "clock-offset")) << offset.count();
        EXPECT_TRUE(finds(all, "clocks-apart")) << offset.count();
    }
}

// F13. Why: whatever the time of day, a lease is counted on a clock that does not know it. How: the
// program holds a lock for many times its ttl while its time of day jumps up and down.
TEST(a_client_whose_clock_jumps, keeps_its_lock) {
    const shifted_clock clock;
    redis_server server;
    auto options = cli_store(server.url())
                       .options({"run", "job", "--ttl", "600ms", "--grace", "100ms", "--", "sh",
                                 "-c", "date +%Y; exec sleep 30"});
    options.environment["LD_PRELOAD"] = HOLDFAST_CLOCK_SHIM;
    options.environment["HOLDFAST_CLOCK"] = clock.path();
    options.environment["ASAN_OPTIONS"] = "verify_asan_link_order=0";
    clock.set(past_2038);
    cli_process program(std::move(options));
    ASSERT_TRUE(poll_until([&] { return program.ended() || !program.out().empty(); }));
    const time_point begin = boot_clock::now();
    const milliseconds jumps[] = {1h, -1h, 24h, -24h, past_2038, 0s};
    for (std::size_t i = 0; boot_clock::now() - begin < 2s; ++i) {
        clock.set(jumps[i % std::size(jumps)]);
        ASSERT_FALSE(poll_until([&] { return !taken(server, "job"); }, 50ms)) << program.err();
    }
    EXPECT_FALSE(program.ended());
    EXPECT_GT(std::stol(program.out()), 2038) << "its time of day did not jump";
}

}  // namespace
}  // namespace holdfast::test
