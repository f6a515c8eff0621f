// SPDX-License-Identifier: BSL-1.0
//
// What it is: a simulated world: one lock server or several, clients that run the real engine, a
// network between them, and virtual time. Everything is drawn from one seed, so a run can be
// repeated.
// Thread safety: none; a world is single-threaded.
#pragma once

#include "lock/engine.hpp"
#include "memory/memory_store.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace holdfast::sim {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Which faults a schedule may meet. Each seed draws a subset: all faults at once hide bugs.
struct fault_plan {
    bool delays{false};      ///< Messages may take longer than a ttl.
    bool losses{false};      ///< Messages may vanish.
    bool partitions{false};  ///< A client may be cut off from a server, one way or both.
    bool pauses{false};      ///< A client may stand still, longer than its lease.
    bool crashes{false};     ///< A server may be down for a while; its data stays.
    bool wipes{false};       ///< A server may come back empty.
    bool drift{false};       ///< A server's clock may run up to 0.9 % fast or slow.
    bool cancels{false};     ///< Waits may be ended by their callers.
    bool resets{false};      ///< A connection may end while an answer is missing.
    bool alike{false};       ///< No fault: workers want the same, so locks go from hand to hand.
};

class world;

/// Time as one client sees it: it stands still for the client while the client is paused.
class client_timeline final : public timeline {
public:
    explicit client_timeline(world& w) : world_(w) {}
    ~client_timeline() override { abandon(); }
    [[nodiscard]] time_point now() const noexcept override;
    void reschedule() noexcept override {}  // The world asks each client for its next alarm.
    [[nodiscard]] time_point next() const;
    void ring() { static_cast<void>(ring_due(now())); }

private:
    world& world_;
};

/// Randomness from the world's seed.
class sim_entropy final : public entropy {
public:
    explicit sim_entropy(std::uint64_t seed) : source_(seed) {}
    std::array<std::byte, 16> id_bits() override;
    std::uint64_t jitter_bits() override { return source_(); }

private:
    std::mt19937_64 source_;
};

/// The way of one client to one server.
struct link {
    bool cut_to_server{false};
    bool cut_from_server{false};
    time_point last_arrival{};  ///< Requests of one connection arrive in order.
};

/// One process: an engine, and its ways to the servers. With several of these it runs the real
/// quorum store.
struct client {
    client(world& w, std::size_t number, std::uint64_t seed);

    std::shared_ptr<client_timeline> time;
    std::shared_ptr<sim_entropy> random;
    std::shared_ptr<lock::engine> engine;
    std::string name;
    time_point paused_until{};
    bool cut_to_server{false};               ///< Cut off from all servers.
    bool cut_from_server{false};             ///< The same, the other way.
    std::vector<link> links;                 ///< One for each server.
    unsigned seats{0};                       ///< That were taken so far.
    std::deque<std::function<void()>> mail;  ///< What arrived while it was paused.
};

/// A server: the reference table on a clock of its own.
struct server {
    memory::lock_table table;
    bool up{true};
    double rate{1.0};      ///< How fast its clock runs.
    time_point started{};  ///< By its clock.
};

/// See the top of the file.
class world {
public:
    world(std::uint64_t seed, std::size_t clients, const fault_plan& faults,
          std::size_t servers = 1);
    ~world();

    [[nodiscard]] time_point now() const noexcept { return now_; }
    [[nodiscard]] time_point server_now() const noexcept { return server_now(srv); }
    [[nodiscard]] time_point server_now(const server& at) const noexcept;
    /// Lets time pass; `check` is called whenever everything that was ready has been done.
    void run_for(nanoseconds length, const std::function<void()>& check = {});
    void spawn(asio::awaitable<void> work);
    /// Runs `work` on the world's clock after `delay`.
    void after(nanoseconds delay, std::function<void()> work);
    /// Runs `work` in `who`, now or once it is not paused any more.
    void deliver(client& who, std::function<void()> work);

    void pause(client& who, nanoseconds length);
    void wipe_server(std::size_t which = 0);
    /// Starts a server that was down.
    void start_server(server& at);
    /// Ends all faults.
    void heal();

    [[nodiscard]] std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    /// @return Whether the servers' clocks differ.
    [[nodiscard]] bool drifts() const noexcept { return faults.drift; }
    [[nodiscard]] bool chance(unsigned percent) { return draw(100) < percent; }
    [[nodiscard]] nanoseconds draw_delay();
    [[nodiscard]] bool paused(const client& who) const noexcept { return who.paused_until > now_; }

    std::vector<std::shared_ptr<void>> kept;  ///< What coroutines use, for as long as they live.
    asio::io_context context;
    fault_plan faults;
    nanoseconds reset_after{0};  ///< If not 0: when each conversation ends without an answer.
    nanoseconds late_by{0};      ///< If not 0: how long each message takes.
    std::deque<server> servers;
    server& srv;  ///< The first of them.
    milliseconds guard{
        0};  ///< With the restart guard: for how long who was restarted grants nothing.
    std::vector<std::unique_ptr<client>> clients;
    time_point last_wipe{};
    std::function<void(std::size_t)> before_wipe;  ///< Of that server.
    std::map<std::string, std::uint64_t> seen;     ///< How often what was met.

private:
    time_point next_event() const;
    void do_what_is_due();

    std::mt19937_64 random_;
    time_point now_;
    std::multimap<time_point, std::function<void()>> events_;
};

/// The way of one client to one server as a store: the reference table behind a network.
class sim_store final : public store {
public:
    sim_store(world& w, client& me, std::size_t server);

    asio::awaitable<result<grant>> acquire(const claim& wanted, attempt which,
                                           time_point deadline) override;
    asio::awaitable<result<std::vector<grant>>> acquire_all(std::span<const claim> wanted,
                                                            attempt which,
                                                            time_point deadline) override;
    std::unique_ptr<seat> take_seat(std::string_view name) override;
    std::unique_ptr<shortcut> make_shortcut() override;
    store_abilities abilities() const noexcept override {
        return {.modes = true, .several = true, .lines = true, .raises = true};
    }
    asio::awaitable<result<void>> raise_token(std::string_view name, std::string_view value,
                                              std::uint64_t at_least, time_point deadline) override;
    asio::awaitable<void> renew(std::span<renewal> batch, time_point deadline) override;
    asio::awaitable<result<void>> release(std::string_view name, std::string_view value,
                                          time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> inspect(std::string_view name,
                                                              std::string_view id,
                                                              time_point deadline) override;
    asio::awaitable<result<std::vector<lock_info>>> list(std::string_view prefix,
                                                         time_point deadline) override;
    asio::awaitable<result<std::optional<lock_info>>> take_away(std::string_view name,
                                                                time_point deadline) override;
    asio::awaitable<void> await_change(std::string_view name, time_point until) override;
    void stop() override { stopped_ = true; }
    const std::string& address() const noexcept override { return address_; }

private:
    friend class sim_seat;
    template <class T>
    asio::awaitable<result<T>> converse(std::function<result<T>()> at_server, time_point deadline);

    // A conversation whose answer has no value.
    asio::awaitable<result<void>> tell(std::function<result<void>()> at_server,
                                       time_point deadline);
    [[nodiscard]] time_point there() const noexcept { return world_.server_now(at_); }

    world& world_;
    client& me_;
    server& at_;
    link& way_;
    bool stopped_{false};
    std::string address_;
};

/// A place in the server's line, behind the same network.
class sim_seat final : public seat {
public:
    sim_seat(sim_store& owner, std::string name);

    asio::awaitable<result<grant>> ask(const claim& wanted, const line_terms& terms,
                                       time_point deadline) override;
    asio::awaitable<std::optional<grant>> await_turn(time_point until) override;
    asio::awaitable<result<std::optional<grant>>> pass_on(std::string_view held,
                                                          const claim& wanted,
                                                          const line_terms& terms,
                                                          time_point deadline) override;
    asio::awaitable<result<void>> leave(std::string_view value, time_point deadline) override;

private:
    struct mailbox;
    [[nodiscard]] memory::lock_table::notice notice() const;

    sim_store& owner_;
    std::string name_;
    std::string place_;
    std::shared_ptr<mailbox> mail_;
};

}  // namespace holdfast::sim
