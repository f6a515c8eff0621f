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
#include <atomic>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <mutex>
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

    std::size_t read_now() {
        const std::scoped_lock mine(turn_);
        return line_.read_now(room_, turn_);
    }
    static std::ptrdiff_t open_files() {
        const std::filesystem::directory_iterator all("/proc/self/fd");
        return std::distance(begin(all), end(all));
    }

    temp_dir directory_;
    std::mutex turn_;
    asio::io_context context_;
    redis::transport line_{context_.get_executor()};
    std::array<char, 64> room_{};
    int listener_{-1};
    int peer_{-1};
};

TEST_F(a_connection, waits_a_moment_for_what_is_not_there_yet_and_no_longer) {
    const time_point before = boot_clock::now();
    EXPECT_EQ(read_now(), 0U);
    const auto waited = boot_clock::now() - before;
    EXPECT_GE(waited, 900us) << "it did not wait";
    EXPECT_LT(waited, 5s);
}

TEST_F(a_connection, is_read_as_soon_as_something_comes) {
    say("+OK\r\n");
    EXPECT_EQ(read_now(), 5U);
    const std::jthread late([this] { say("+PONG\r\n"); });
    EXPECT_TRUE(poll_until([&] { return read_now() == 7; }));
}

// Why: others use the connection while somebody waits for what it says. Its number must not become
// another file's under who reads it.
TEST_F(a_connection, lends_the_turn_while_it_waits_and_stays_open_until_nobody_does) {
    std::jthread reader;
    std::unique_lock mine(turn_, std::defer_lock);
    std::atomic<bool> begun;
    bool done = false;  // The turn's.
    ASSERT_TRUE(poll_until([&] {
        begun = done = false;
        reader = std::jthread([&] {
            const std::scoped_lock theirs(turn_);
            begun = true;
            EXPECT_EQ(line_.read_now(room_, turn_), 0U);
            done = true;
        });
        while (!begun) std::this_thread::yield();
        mine.lock();
        if (!done) return true;  // It waits, or has done so and wants its turn back.
        mine.unlock();
        reader.join();
        return false;
    }));
    EXPECT_EQ(line_.write_now("PING\r\n"), 6U);
    const auto before = open_files();
    line_.close();
    EXPECT_EQ(open_files(), before);
    mine.unlock();
    reader.join();
    EXPECT_EQ(open_files(), before - 1);
    std::array<char, 8> heard{};
    EXPECT_EQ(::recv(peer_, heard.data(), heard.size(), 0), 6);
    EXPECT_EQ(::recv(peer_, heard.data(), heard.size(), 0), 0) << "it was told of the end";
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
