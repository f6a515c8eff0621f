// SPDX-License-Identifier: BSL-1.0
//
// What it is: what an engine knows of its servers, and whom it tells of what happens. Servers that
// stay away, or come and go, are told of seldom: see `node::repeated` and `node::budget`.
// Thread safety: `nodes`, `dropped`, `refused` and `close` may be called from any thread; the rest
// belongs to the engine's executor.
// Invariants: the user's sink is never called within an engine's or a store's work.
#pragma once

#include <holdfast/event.hpp>
#include <holdfast/options.hpp>
#include <holdfast/statistics.hpp>
#include <holdfast/store_observer.hpp>
#include <holdfast/timeline.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::lock {

/// See the top of the file.
class monitor final : public store_observer, public std::enable_shared_from_this<monitor> {
public:
    using work = std::function<void()>;

    /// @param time     Outlives the engine; not used after it.
    /// @param deliver  Runs work where users' code may run; empty: at once.
    monitor(const timeline& time, const locker_options& options,
            std::function<void(work)> deliver = {});

    // Of the servers.
    void connected(std::string_view node) override;
    void disconnected(std::string_view node, const failure& why) override;
    void connect_failed(std::string_view node, const failure& why,
                        std::chrono::nanoseconds pause) override;
    void has_node(std::string_view node) override;
    void node_failed(std::string_view node, const failure& why) override;
    void node_skipped(std::string_view node, const failure& why) override;
    void node_back(std::string_view node) override;
    /// The store is this one server.
    void has_store(std::string_view address) { count_at(node_at(address)); }
    /// @return Whether the store is made of several, which tell of their failures themselves.
    [[nodiscard]] bool has_several() const noexcept { return several_; }

    /// @return Whether anybody listens: else there is no need to make an event.
    [[nodiscard]] bool listened_to() const noexcept { return sink_ != nullptr; }
    /// Tells what has happened. It sets when.
    void tell(event what);
    /// Nothing is told any more.
    void close() noexcept { closed_ = true; }

    [[nodiscard]] std::vector<node_statistics> nodes() const;
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

private:
    /// One server.
    struct node {
        explicit node(std::string_view where, time_point now) : refilled(now) {
            numbers.address = where;
        }
        node_statistics numbers;  // Guarded by mutex_.
        bool counted{false};      // Likewise: it is one of those that the store is made of.
        bool up{false};           // A connection stands, as far as is known.
        bool down{false};         // None could be made.
        /// How often it was not told what would have been told.
        std::uint64_t repeated{0};
        std::uint64_t quarantines{0};
        time_point down_told{}, quarantine_told{};
        /// How many of its comings and goings may be told; it is filled up again with time.
        unsigned budget{0};
        time_point refilled;
    };

    node& node_at(std::string_view address);
    void count_at(node& of);
    void count_at(node& of, errc code);
    [[nodiscard]] bool may_tell(node& of);
    void tell_of(node& of, event what);
    void call_sink(const event& what) noexcept;

    const timeline& time_;
    std::function<void(const event&)> sink_;
    std::function<void(work)> deliver_;
    mutable std::mutex mutex_;
    std::deque<node> nodes_;  // Guarded by mutex_, but for the executor, which alone changes it.
    bool several_{false};
    std::atomic<bool> closed_{false};
    std::atomic<std::size_t> waiting_{0};  // Events on their way to the sink.
    std::atomic<std::uint64_t> dropped_{0};
    std::atomic<std::uint64_t> refused_{0};
};

/// @return What may be shown of `id`.
[[nodiscard]] std::string shown_id(std::string_view id);

}  // namespace holdfast::lock
