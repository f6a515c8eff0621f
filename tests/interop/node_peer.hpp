// SPDX-License-Identifier: BSL-1.0
//
// What it is: a Node process that uses one of the original packages and does what the test asks
// for; peer.js has the protocol and the verbs. Make it on a thread that outlives it.
// Thread safety: none.
// Invariants: the process has ended when the object has; also when the test itself is killed.
#pragma once

#include <boost/json/object.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

/// A running peer.
class node_peer {
public:
    /// An answer that takes longer never comes. Generous: eight of them may share two cores.
    static constexpr std::chrono::seconds patience{60};

    /// @return What this machine lacks to run peers; empty if it has all.
    [[nodiscard]] static std::string missing();

    /// Starts it and waits until it has reached all of `addresses`.
    /// @param package  As on the command line of peer.js.
    /// @throws std::runtime_error  If it does not start, or does not reach one of them.
    node_peer(std::string package, std::vector<std::string> addresses);
    node_peer(const node_peer&) = delete;
    node_peer& operator=(const node_peer&) = delete;
    ~node_peer();

    /// Sends a request. @return Its number.
    std::int64_t send(std::string_view verb, boost::json::object arguments = {});
    /// @return The answer to that request if it has come: `ok` and more.
    /// @throws std::runtime_error  If the process has ended, with what it wrote to stderr.
    [[nodiscard]] std::optional<boost::json::object> look(std::int64_t number);
    /// Waits for the answer to that request. @throws std::runtime_error  If it does not come.
    [[nodiscard]] boost::json::object receive(std::int64_t number,
                                              std::chrono::milliseconds limit = patience);
    /// Sends and receives. @return The answer, whether `ok` or not.
    boost::json::object ask(std::string_view verb, boost::json::object arguments = {});
    /// As `ask`. @throws std::runtime_error  If it is not `ok`.
    boost::json::object demand(std::string_view verb, boost::json::object arguments = {});

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Ends it as a crash would.
    void kill();
    /// Closes its stdin, which ends it. @return Its exit code; or minus the signal that ended it:
    /// SIGKILL, from here, if it does not end by itself.
    int end();
    /// @return What it wrote to stderr so far.
    [[nodiscard]] std::string complaints() const;

private:
    [[noreturn]] void become(char* const* words, int in, int out) const;
    void start();
    /// Reads what has come, waiting for it at most so long. @return false at the end of the stream.
    bool read_more(std::chrono::milliseconds wait);
    void take_lines();
    [[noreturn]] void complain(const std::string& what) const;
    int reap();

    std::string package_;
    std::vector<std::string> addresses_;
    pid_t pid_{-1};
    int to_peer_{-1};
    int from_peer_{-1};
    int errors_{-1};
    std::int64_t asked_{0};
    std::string unread_;
    std::map<std::int64_t, boost::json::object> answers_;
};

/// @return The text under `key`; empty if there is none.
[[nodiscard]] std::string text_in(const boost::json::object& answer, std::string_view key);

}  // namespace holdfast::test
