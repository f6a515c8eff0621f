// SPDX-License-Identifier: BSL-1.0
//
// What it is: a world in which a test says who does what and when, and an oracle that watches.
// Thread safety: none.
#pragma once

#include "sim/oracle.hpp"
#include "sim/schedules.hpp"
#include "sim/world.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::sim {

/// How a call went, once it has ended.
template <class T>
struct pending {
    std::optional<result<T>> end{};
    time_point ended{};
};
using acquisition = std::shared_ptr<pending<lock::held_ptr>>;
using releasing = std::shared_ptr<pending<void>>;

/// See the top of the file.
class stage {
public:
    stage(std::uint64_t seed, std::size_t clients, std::size_t servers = 1,
          const fault_plan& faults = {})
        : w(seed, clients, faults, servers) {
        w.kept.push_back(watching);
    }

    acquisition acquire(std::size_t who, acquire_options how, const std::string& name = "job") {
        auto mine = std::make_shared<pending<lock::held_ptr>>();
        w.spawn(acquire_now(*w.clients[who], name, std::move(how), mine));
        return mine;
    }
    releasing release(std::size_t who, const acquisition& held) {
        auto mine = std::make_shared<pending<void>>();
        watcher.ending(lock_of(held));
        w.spawn(release_now(*w.clients[who], lock_of(held), mine));
        return mine;
    }
    void run(nanoseconds length) {
        w.run_for(length, [this] { watcher.look(); });
    }
    void expect(bool truth, const std::string& what) {
        if (!truth) watcher.violated(what);
    }
    [[nodiscard]] static bool has(const acquisition& one) {
        return one->end && *one->end && one->end->value()->held();
    }
    [[nodiscard]] static lock::held_ptr lock_of(const acquisition& one) {
        return one->end->value();
    }
    /// @return On how many servers somebody holds the name.
    [[nodiscard]] std::size_t copies(const std::string& name = "job") const {
        std::size_t sum = 0;
        for (const server& at : w.servers)
            if (at.table.inspect(name, w.server_now(at))) ++sum;
        return sum;
    }
    /// Cuts a client off from a server, or lets it there again.
    void cut(std::size_t who, std::size_t where, bool there, bool back) {
        link& way = w.clients[who]->links[where];
        way.cut_to_server = there;
        way.cut_from_server = back;
    }
    [[nodiscard]] outcome end() {
        return {{watcher.grants(), watcher.losses(), w.seen}, watcher.violations()};
    }

    world w;
    std::shared_ptr<oracle> watching{std::make_shared<oracle>(w)};
    oracle& watcher{*watching};

private:
    asio::awaitable<void> acquire_now(client& me, std::string name, acquire_options how,
                                      acquisition into) {
        auto got = co_await me.engine->acquire(std::move(name), how);
        into->ended = w.now();
        if (got) watcher.granted(me, *got, how);
        into->end = std::move(got);
    }
    asio::awaitable<void> release_now(client& me, lock::held_ptr held, releasing into) {
        auto gone = co_await me.engine->release(std::move(held));
        into->ended = w.now();
        into->end = std::move(gone);
    }
};

}  // namespace holdfast::sim
