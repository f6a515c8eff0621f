// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a server tells a store without being asked: that a lock was handed to a seat,
// that a key which somebody watches has changed, and what is published on channels that somebody
// follows. One connection beside the client's, opened when somebody first waits, and closed when
// nobody has waited for a while.
//
//   state     | next
//   ----------|---------------------------------------------------------------------------
//   closed    | opening, when somebody waits
//   opening   | listening; or closed for a pause, within which `ready` says no
//   listening | opening, when the connection ends; closed, when nobody has waited for 10 s
//
// Thread safety: none; it belongs to its executor.
// Invariants: a key is watched by one command at a time. After a connection ended, every listener
// is told to ask again, as what was told meanwhile is lost.
#pragma once

#include <holdfast/store.hpp>

#include "redis/client/client.hpp"
#include "redis/client/settings.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

/// See the top of the file.
class notices : public std::enable_shared_from_this<notices> {
public:
    /// Who is told. Told from within the reading of replies: it only notes what it hears.
    class listener {
    public:
        /// What scripts publish to it (places.lua), or on a channel that it follows.
        virtual void on_message(std::string_view words) = 0;
        /// A key that it watches has that many ms to live; -1: for ever; -2: it is gone.
        virtual void on_left(std::int64_t left_ms) = 0;
        /// Something may have been missed.
        virtual void on_restart() = 0;

    protected:
        ~listener() = default;
    };

    /// @param id  32 hexadecimal digits that nobody else has.
    /// @param beside  The client of the store: notices come over another connection to its server.
    notices(const store_environment& environment, std::shared_ptr<client> beside,
            std::string_view id);

    /// Waits until the server tells us what it has to tell, or that cannot be had for now.
    /// @return `listening()`.
    [[nodiscard]] asio::awaitable<bool> ready(time_point deadline);
    [[nodiscard]] bool listening() const noexcept { return listening_; }
    /// @return The channel on which messages are published; a listener's stand behind its number.
    [[nodiscard]] const std::string& channel() const noexcept { return channel_; }

    /// @return The listener's number, above 0. It stays until `leave`.
    [[nodiscard]] std::uint64_t enter(listener& who);
    void leave(std::uint64_t number);
    /// Whether a listener is sent a message, too, if a change of a key concerns it.
    enum class also { nothing, messages };
    /// Tells `who` now, and whenever `key` changes, how long it lives. Who is sent messages besides
    /// is told a little later: mostly the change was a hand-over, to it or to somebody else.
    void watch(const std::string& key, listener& who, also sent);
    void unwatch(const std::string& key, listener& who, also sent);

    /// Tells `who` what anybody publishes on `channel`, from when `following` says so.
    void follow(const std::string& channel, listener& who);
    void unfollow(const std::string& channel, listener& who);
    /// @return What `following` would, if it did not wait.
    [[nodiscard]] bool follows(const std::string& channel) const;
    /// Waits until that has begun, or cannot be had for now.
    /// @param channel  One that somebody follows.
    /// @return Whether nothing that is published from now on is missed without `on_restart`.
    [[nodiscard]] asio::awaitable<bool> following(std::string channel, time_point deadline);

    /// Ends everything; listeners are told to ask again.
    void stop();

private:
    struct watched {
        std::uint64_t serial{0};  // Another one for each time that it begins to be watched.
        std::vector<listener*> listeners{};
        std::size_t impatient{0};  // How many of them are sent nothing else.
        bool asking{false};
        bool changed{false};  // Since it was asked about.
    };
    struct followed {
        std::uint64_t serial{0};  // Another one for each time that it begins to be followed.
        std::vector<listener*> listeners{};
        bool asked{false};        // The server was asked for it, on this connection ...
        bool told{false};         // ... and has said yes.
        time_point idle_since{};  // If nobody listens.
    };
    /// One who waits for the connection, or for what is asked on it.
    class arrival {
    public:
        explicit arrival(std::shared_ptr<notices> where);
        arrival(const arrival&) = delete;
        arrival& operator=(const arrival&) = delete;
        ~arrival();
        [[nodiscard]] alarm& bell() noexcept { return bell_; }

    private:
        std::shared_ptr<notices> where_;
        alarm bell_;
    };

    [[nodiscard]] bool wanted() const noexcept;
    void start_running();
    void note_idle();
    asio::awaitable<void> run();
    asio::awaitable<result<void>> subscribe();
    asio::awaitable<void> serve();
    asio::awaitable<bool> ping();
    void resume();
    void restart_listeners();
    void take_in(const resp::reply& push);
    void deliver(std::string_view message);
    void look_at(const std::string& key, watched& which, time_point when);
    void look_after_change(const std::string& key, watched& which);
    asio::awaitable<void> ask_about(std::string key, std::uint64_t serial, time_point when);

    void add_followed(batch& into);
    void resume_following();
    void ask_to_follow(const std::string& channel, followed& which);
    asio::awaitable<void> begin_following(std::string channel, std::uint64_t serial);
    asio::awaitable<void> end_following(std::string channel);
    void forget_followed();
    void hear(const std::string& channel, std::string_view words);

    [[nodiscard]] time_point now() const noexcept { return env_.time.now(); }

    store_environment env_;
    std::shared_ptr<client> beside_;
    std::string channel_;
    std::shared_ptr<client> line_;  // The connection, or the last one.
    alarm bell_;                    // Of `run`.
    std::uint64_t last_number_{0};
    std::map<std::uint64_t, listener*> listeners_;
    std::map<std::string, watched, std::less<>> watched_;
    std::map<std::string, followed, std::less<>> followed_;
    std::size_t followers_{0};      // Listeners in `followed_`.
    std::vector<alarm*> arrivals_;  // Of those who wait for the connection.
    time_point retry_at_{};         // `ready` says no until then.
    time_point last_heard_{};
    time_point idle_since_{};
    bool running_{false};
    bool connected_{false};
    bool listening_{false};
    bool stopped_{false};
};

}  // namespace holdfast::redis
