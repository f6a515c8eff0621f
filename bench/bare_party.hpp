// SPDX-License-Identifier: BSL-1.0
//
// What it is: the limit that a lock which processes pass on can reach on a Redis server: a queue of
// processes in a list, direct hand-over by a script, and a message to whoever has it now. It sends
// ready made bytes, and has no expiry of places, no lost replies and no renewals: nothing that goes
// wrong is handled. What a hand-over costs is what it costs the library: one command that asks, or
// one that releases, hands over and stands in line for the next of the process, in one step; one
// message; and, if it is not to be fair, up to eight hand-overs within the process in between.
// Thread safety: none; one for each process.
#pragma once

#include "contest.hpp"
#include "wire.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::bench {

/// Those of the contenders that live in this process. See the top of the file.
class bare_party {
public:
    /// @param run  What keeps the keys of this run apart from those of another.
    bare_party(const contest& what, board& shared, int process, const std::string& run);

    /// Contends until the board says that it is over and each has had its last turn.
    void work();

private:
    struct thinker {
        int who;
        std::int64_t until;
    };

    void set_up(const std::string& run);
    void command(const std::string& bytes);
    void ask_if_needed();
    void granted();
    void serve();
    [[nodiscard]] bool give_up(int who);
    void come_back(int who);
    void end_of_hold();
    void end_of_thinking();
    void await_news();
    void take(std::string_view bytes);
    void take_line(char kind, char first_digit);
    [[nodiscard]] std::int64_t next_time() const;

    const contest& what_;
    board& board_;
    int process_;
    std::int64_t hold_;
    std::int64_t think_;
    wire wire_;  // Commands, replies and messages: protocol 3 has them all on one connection.
    std::string ask_;
    std::string release_;
    std::string pass_on_;

    std::deque<int> waiting_;       // First come, first served.
    std::deque<thinker> thinking_;  // All think for as long, so the first ends first.
    int left_{0};                   // Contenders that have not ended.
    int passes_{0};                 // Hand-overs within the process since the last grant.
    bool stands_in_line_{false};    // In the server's queue, or on the way there.
    bool reply_missing_{false};
    std::optional<int> releasing_;  // Comes back when the reply is there.
    std::optional<int> holding_;
    std::int64_t hold_until_{0};
    int message_lines_{0};  // Lines that are to come of the message under way.
    char line_kind_{0};
    char line_digit_{0};
};

}  // namespace holdfast::bench
