// SPDX-License-Identifier: BSL-1.0
//
// What it is: a client of one Redis server over one connection that all callers share; or of a
// master that sentinels watch, whichever server that is now. What they ask for in one turn goes out
// in one write; docs/internals/performance.md tells what each step costs. Each exchange has a
// deadline; one that passes closes the connection, so that no late reply can meet a later command.
//
//   state      | next
//   -----------|---------------------------------------------------------------------------
//   idle       | connecting, at the first exchange (refused at once during a back-off)
//   connecting | ready, or idle with a back-off; what is queued then fails
//   ready      | idle, when the connection ends: what was sent is in doubt, the rest goes again
//   stopped    | -
//
// Thread safety: none; it belongs to its executor.
// Invariants: reply i belongs to command i of this connection; an exchange whose caller was
// cancelled keeps its place in the line, and its reply is dropped. A request is ended once: by its
// last reply, a failure, or its caller's cancellation, whichever comes first.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "core/restart_guard.hpp"
#include "redis/client/fifo.hpp"
#include "redis/client/sentinels.hpp"
#include "redis/client/settings.hpp"
#include "redis/client/transport.hpp"
#include "redis/resp/command.hpp"
#include "redis/resp/reply.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// Commands that are sent together, in order.
struct batch {
    std::string bytes = roomy();  ///< Written by `resp::append_command`.
    std::size_t count{0};         ///< How many commands, each of which gets one reply.
    bool grants{false};           ///< They may take a lock: not sent in a quarantine.
    bool lasts{false};            ///< Somebody counts on their effect: so replicas are to have it.
    [[nodiscard]] bool has_to_last() const noexcept { return grants || lasts; }

    template <class... Arguments>
    void add(const Arguments&... arguments);

private:
    static std::string roomy();
};

/// The replies to a batch, one for each command.
using replies = std::vector<resp::reply>;

/// Commands that delete a key if it has a certain value.
enum class native_delete : std::uint8_t {
    none,
    delex,    ///< `DELEX key IFEQ value`: Redis, from 8.4 on.
    delifeq,  ///< `DELIFEQ key value`: Valkey, from 9.0 on.
};

/// What the server told of itself when the connection was made.
struct server_facts {
    unsigned version_major{0};  ///< 0: it did not tell.
    unsigned version_minor{0};
    bool resp3{false};
    /// How it deletes a key that has a certain value: see `native_delete_of`.
    native_delete deletes{native_delete::none};
};

/// One run of a server, from its start to its end.
struct server_run {
    std::string id;
    core::server_life life;
};

/// @param info  The reply to INFO, behind a line feed.
/// @par Errors  `protocol`: it tells no run; `denied`: it is a replica, whose runs mean nothing.
[[nodiscard]] result<server_run> read_server_run(std::string_view info);

/// @return What a server that calls itself so, of that version, has.
[[nodiscard]] native_delete native_delete_of(std::string_view server, unsigned major,
                                             unsigned minor) noexcept;

/// See the top of the file.
class client : public std::enable_shared_from_this<client> {
public:
    client(const store_environment& environment, settings where);
    /// Another one of the same server, or of the master that the same sentinels watch: which are
    /// asked no more once `other` was stopped.
    client(const store_environment& environment, const client& other);

    /// Sends `commands` and waits for their replies.
    /// @par Errors  `unreachable`: certainly not sent. `in_doubt`: sent, but the replies are lost.
    ///              `denied`, `protocol`: the connection was refused. `cancelled`.
    [[nodiscard]] asio::awaitable<result<replies>> exchange(batch commands, time_point deadline);

    /// An exchange without a coroutine, for who does the same again and again: what room it has is
    /// used again. One exchange at a time.
    class request {
    public:
        request() = default;
        request(const request&) = delete;
        request& operator=(const request&) = delete;

        /// What is sent.
        batch commands;
        /// Before `start`.
        void clear() noexcept {
            commands.bytes.clear();
            commands.count = 0;
            commands.grants = false;
            commands.lasts = false;
        }
        /// @return Whether all replies came. Else `why_not` tells, with the errors of `exchange`.
        [[nodiscard]] bool answered() const noexcept { return answered_; }
        [[nodiscard]] const failure& why_not() const noexcept { return failed_; }
        [[nodiscard]] std::span<const resp::reply> answers() const noexcept {
            return {answers_.data(), filled_};
        }

    protected:
        ~request() = default;

    private:
        friend class client;
        /// It has ended; called on the executor, and never within `start`.
        virtual void resume() = 0;
        /// @return Where the next reply goes.
        resp::reply& room() {
            if (filled_ == answers_.size()) answers_.emplace_back();
            return answers_[filled_];
        }

        time_point deadline_{};
        replies answers_{};
        std::size_t filled_{0};
        failure failed_{};
        bool answered_{false};
        bool ended_{true};    // It is not under way, or nothing but to resume is left to do ...
        bool listed_{false};  // ... for which it is in the client's list.
    };
    /// Sends `what.commands`, with what others ask for in this turn.
    /// @return false if no connection stands ready: then nothing was done.
    [[nodiscard]] bool start(request& what, time_point deadline);
    /// `what` is not resumed any more, and may go away; what was sent of it stays sent.
    void forget(request& what);

    /// For who drives the executor alone: waits for replies without it, for some milliseconds, and
    /// takes in what comes. `turn` as `store::attend` has it: what is asked for meanwhile goes out
    /// behind the replies.
    /// @return false if none are missing, if none came in time, or if the executor has to be used.
    [[nodiscard]] bool attend(std::mutex& turn);

    /// Who hears what the server tells without being asked, of the end of each connection, and
    /// what a server of a cluster says of keys that are not there (an error reply).
    struct hearer {
        std::function<void(const resp::reply&)> on_push{};
        std::function<void()> on_end{};
        std::function<void(std::string_view)> on_redirection{};
    };
    /// Before the first exchange. Neither may call the client; after `stop`, `on_end` may come.
    void hear(hearer what) { hearer_ = std::move(what); }

    /// The master is there now: a connection to another place is closed.
    void master_is(const base::server_place& place);

    /// Ends everything; exchanges answer `cancelled` from now on.
    void stop();

    /// @return What is known of the server of the present or last connection.
    [[nodiscard]] const server_facts& facts() const noexcept { return facts_; }
    [[nodiscard]] const settings& where() const noexcept { return where_; }
    /// The server has no such command after all, or its user may not call it.
    void forget_native_delete() noexcept { facts_.deletes = native_delete::none; }

private:
    /// One `exchange` under way; it lives in its caller's frame.
    struct conversation;
    struct sent_request {
        request* caller;  // Null once the caller was cancelled, and for ...
        std::size_t missing;
        bool confirms{false};  // ... the question whether replicas have what was sent before it.
    };

    void start_running();
    asio::awaitable<void> run();
    asio::awaitable<result<void>> open_connection();
    asio::awaitable<result<void>> find_server(settings& to);
    asio::awaitable<result<void>> check_role();
    asio::awaitable<result<void>> check_counting();
    /// @return Whether another server takes over when this one is no master any more.
    [[nodiscard]] bool follows_a_master() const noexcept {
        return sentinels_ != nullptr || where_.in_cluster();
    }
    asio::awaitable<result<void>> shake_hands();
    asio::awaitable<result<resp::reply>> ask(batch command);
    void read_facts(const resp::reply& hello);
    asio::awaitable<result<void>> meet_server();
    void look_for_demotion(resp::reply& error);
    void look_for_redirection(resp::reply& error);
    void refuse_grants();
    void ask_replicas();
    void conclude_lasting(const resp::reply& answer);
    [[nodiscard]] static bool changed_something(const request& done);

    void flush();
    void write_queued();
    asio::awaitable<void> write_rest(std::shared_ptr<transport> line, std::string bytes);
    asio::awaitable<failure> read_all();
    failure take_replies();
    void resume_ended();

    template <class Visit>
    void for_each_sent(Visit visit);
    void enlist(request& ended);
    void finish(request& done, const failure& why);
    void fail_queued(const failure& why);
    void fail_sent(const failure& why);

    asio::awaitable<void> sweep();
    void expect_by(time_point deadline);
    void close_expired(time_point now);

    store_environment env_;
    settings where_;
    std::shared_ptr<sentinels> sentinels_;  // Null: there are none.
    bool owns_sentinels_{true};
    base::server_place place_;  // Where sentinels said that the master is.
    server_facts facts_;
    time_point grants_from_{};  // The server's quarantine ends; see `durability=strict`.
    bool meet_again_{false};    // What was learned of the server is not true any more.
    hearer hearer_;
    std::shared_ptr<transport> line_;  // The connection that is open, or being opened.
    resp::reader reader_;
    std::vector<request*> queued_;   // Not sent.
    fifo<sent_request> sent_;        // Sent, in order; replies are missing.
    std::vector<request*> lasting_;  // Answered, but replicas may not have it yet: that was asked.
    bool asking_replicas_{false};
    std::vector<request*> ended_;  // About to be resumed; null: forgotten meanwhile.
    resp::reply stray_;            // What is no reply to a request; kept for its room.
    failure broken_;               // What `attend` found wrong with the stream.
    std::string outgoing_;         // What is being written; kept for its room.
    std::size_t last_batch_{0};    // How many requests the last write had.
    alarm sweeper_alarm_;
    time_point sweep_at_{time_point::max()};
    failure last_failure_;         // Of the last attempt to connect ...
    time_point back_off_until_{};  // ... which is repeated to callers until then.
    unsigned failures_{0};
    bool running_{false};
    bool sweeping_{false};
    bool ready_{false};
    bool writing_{false};
    bool flush_posted_{false};
    bool resuming_{false};
    bool resume_posted_{false};
    bool slow_{false};       // The reply that is missing did not come while `attend` waited for it.
    bool timed_out_{false};  // The connection was closed because a deadline passed.
    bool stopped_{false};
};

// Room for what an acquisition sends, so that it is allocated once.
inline std::string batch::roomy() {
    std::string room;
    room.reserve(300);
    return room;
}

// Whatever was sent and has not ended.
template <class Visit>
void client::for_each_sent(Visit visit) {
    for (const sent_request& sent : sent_)
        if (sent.caller) visit(*sent.caller);
    for (request* const one : lasting_) visit(*one);
}

template <class... Arguments>
void batch::add(const Arguments&... arguments) {
    resp::append_command(bytes, arguments...);
    ++count;
}

}  // namespace holdfast::redis
