// SPDX-License-Identifier: BSL-1.0
//
// Why: a caller that leads waits for its reply within `recv` itself. That must end by itself, or a
// server that says nothing holds up every other lock of the process; and it must be a wait, or each
// reply costs several system calls. So the socket blocks, with a limit, for this call alone.
// How: a peer that says nothing, or says something late, on a Unix socket of the test's own.
#include <holdfast/clock.hpp>

#include "redis/client/transport.hpp"
#include "support/poll.hpp"
#include "support/run.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;

class a_connection : public testing::Test {
protected:
    void SetUp() override {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = (directory_.path() / "peer").string();
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::listen(listener_, 1), 0);
        redis::settings where;
        where.unix_path = path;
        where.address = path;
        const auto opened = run(context_, line_.open(where));
        ASSERT_TRUE(opened) << opened.error().message();
        peer_ = ::accept(listener_, nullptr, nullptr);
        ASSERT_GE(peer_, 0);
    }
    void TearDown() override {
        line_.close();
        ::close(peer_);
        ::close(listener_);
    }
    void say(const std::string& words) const {
        EXPECT_EQ(::send(peer_, words.data(), words.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(words.size()));
    }

    temp_dir directory_;
    asio::io_context context_;
    redis::transport line_{context_.get_executor()};
    std::array<char, 64> room_{};
    int listener_{-1};
    int peer_{-1};
};

TEST_F(a_connection, waits_a_moment_for_what_is_not_there_yet_and_no_longer) {
    const time_point before = boot_clock::now();
    EXPECT_EQ(line_.read_now(room_), 0U);
    const auto waited = boot_clock::now() - before;
    EXPECT_GE(waited, 900us) << "it did not wait";
    EXPECT_LT(waited, 5s);
}

TEST_F(a_connection, is_read_as_soon_as_something_comes) {
    say("+OK\r\n");
    EXPECT_EQ(line_.read_now(room_), 5U);
    const std::jthread late([this] { say("+PONG\r\n"); });
    EXPECT_TRUE(poll_until([&] { return line_.read_now(room_) == 7; }));
}

// Why: that it blocks is for that one call: a peer that takes nothing holds up no writer, and the
// context is not held up by a look at what has come.
TEST_F(a_connection, is_written_to_and_read_by_the_context_without_waiting) {
    const std::string much(1 << 20, 'x');
    std::size_t taken = 0;
    while (const std::size_t part = line_.write_now(much)) taken += part;
    EXPECT_GT(taken, 0U);
    EXPECT_EQ(line_.write_now(much), 0U);
    const auto reading = start(context_, line_.read(room_));
    context_.poll();
    EXPECT_FALSE(reading->ended());
    say("+OK\r\n");
    EXPECT_TRUE(drive_until(
        context_, [&] { return reading->ended(); }, 5s));
    EXPECT_EQ(reading->answer->value(), 5U);
}

}  // namespace
}  // namespace holdfast::test
