// SPDX-License-Identifier: BSL-1.0
//
// What it is: servers that go wrong by plan, and clients with the real engine over the real quorum
// store. Time passes only when the test says so.
// Thread safety: none.
#pragma once

#include "fault/faulty_store.hpp"
#include "lock/engine.hpp"
#include "lock/quorum_store.hpp"
#include "support/manual_timeline.hpp"
#include "support/seeded_entropy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace holdfast::fault {

using namespace std::chrono_literals;

inline constexpr trouble alive = trouble::none;

/// Servers, and clients with an engine each that reach them over ways of their own.
struct quorum_bench {
    using table_ptr = std::shared_ptr<memory::lock_table>;
    struct client {
        std::vector<std::shared_ptr<faulty_store>> ways;
        std::shared_ptr<lock::engine> engine;
    };

    explicit quorum_bench(std::size_t servers)
        : time(std::make_shared<test::manual_timeline>()), state(servers, alive) {
        for (std::size_t i = 0; i < servers; ++i)
            tables.push_back(std::make_shared<memory::lock_table>());
    }
    ~quorum_bench() {
        for (const client& c : clients)
            asio::co_spawn(
                context, [e = c.engine] { return e->wind_down(); }, asio::detached);
        pass(5s);
    }

    /// @param plan  What happens to the step of a way to a server; by default what `state` says.
    lock::engine& add_client(std::function<trouble(std::size_t server, std::size_t step)> plan = {},
                             std::uint64_t seed = 7) {
        if (!plan) plan = [this](std::size_t server, std::size_t) { return state[server]; };
        client made;
        std::vector<std::shared_ptr<store>> nodes;
        for (std::size_t i = 0; i < tables.size(); ++i) {
            made.ways.push_back(std::make_shared<faulty_store>(
                *time, tables[i], [plan, i](std::size_t step) { return plan(i, step); }));
            made.ways.back()->able = able;
            made.ways.back()->called("faulty:" + std::to_string(i));
            nodes.push_back(made.ways.back());
        }
        entropies.push_back(std::make_shared<test::seeded_entropy>(seed + clients.size()));
        const auto watch = std::make_shared<lock::monitor>(*time, options);
        const store_environment environment{context.get_executor(), *time, *entropies.back(),
                                            options, watch.get()};
        lock::engine_parts parts{.executor = context.get_executor(),
                                 .time = time,
                                 .random = entropies.back(),
                                 .watch = watch,
                                 .where = std::make_shared<lock::quorum_store>(environment, nodes),
                                 .options = environment.options,
                                 .host = "here",
                                 .pid = 1,
                                 .signal = [](std::stop_source lost) { lost.request_stop(); }};
        made.engine = std::make_shared<lock::engine>(std::move(parts));
        clients.push_back(std::move(made));
        return *clients.back().engine;
    }

    void poll() {
        context.restart();
        context.poll();
    }
    void pass(std::chrono::milliseconds length) {
        for (auto passed = 0ms; passed <= length; passed += 2ms) {
            poll();
            time->advance(2ms);
        }
    }
    template <class T>
    T run(asio::awaitable<T> work) {
        std::optional<T> answer;
        asio::co_spawn(context, std::move(work), [&](const std::exception_ptr&, T value) {
            answer.emplace(std::move(value));
        });
        for (int i = 0; i < 20'000 && !answer; ++i) {
            poll();
            if (!answer) time->advance(1ms);
        }
        EXPECT_TRUE(answer) << "the operation never ended";
        if (!answer) std::abort();
        return std::move(*answer);
    }
    /// @return On how many servers somebody has "job".
    [[nodiscard]] std::size_t taken() const {
        std::size_t sum = 0;
        for (const table_ptr& table : tables)
            if (table->inspect("job", time->now())) ++sum;
        return sum;
    }
    /// Takes "job" on one server for somebody who is no quorum.
    void occupy(std::size_t server, std::chrono::milliseconds ttl = 60s) {
        const claim foreign{.name = "job", .value = "other|1@there|", .ttl = ttl, .fence = false};
        ASSERT_TRUE(tables[server]->acquire(foreign, attempt::first, time->now()));
    }

    /// The server restarts without its data.
    void wipe(std::size_t server) {
        std::destroy_at(tables[server].get());
        std::construct_at(tables[server].get());
    }
    /// @return Who has "job" on that server; empty: nobody.
    [[nodiscard]] std::string holder_on(std::size_t server) const {
        const auto found = tables[server]->inspect("job", time->now());
        return found ? found->id : std::string();
    }
    /// @return What client `c` has sent to `server` so far.
    [[nodiscard]] std::size_t sent(std::size_t server, std::size_t c = 0) const {
        return clients[c].ways[server]->steps();
    }

    asio::io_context context;
    std::shared_ptr<test::manual_timeline> time;
    std::vector<table_ptr> tables;
    std::vector<trouble> state;  ///< Of each server, for clients without a plan of their own.
    std::vector<std::shared_ptr<test::seeded_entropy>> entropies;
    std::vector<client> clients;
    store_abilities able{.raises = true};   ///< Of the servers, for clients that are added later.
    locker_options options{.timeout = 1s};  ///< Likewise of these clients.
};

inline acquire_options unfenced(std::chrono::milliseconds wait = 0ms,
                                std::chrono::milliseconds ttl = 500ms) {
    acquire_options options;
    options.ttl = ttl;
    options.wait = wait;
    options.fence = false;
    return options;
}

}  // namespace holdfast::fault
