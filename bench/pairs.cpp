// SPDX-License-Identifier: BSL-1.0
//
// The question: how many locks a second can callers acquire and release, and how far is that from
// what a client can reach at all? Each case and its limit are measured in turn, five times; the
// medians and their ratio are printed, a JSON object a line.
#include <holdfast/holdfast.hpp>

#include "raw_client.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using work = std::function<void(int thread, int pairs)>;

constexpr int repeats = 5;

double pairs_per_second(int threads, int pairs_each, const work& pairs) {
    const auto begin = holdfast::boot_clock::now();
    std::vector<std::jthread> running;
    for (int i = 1; i < threads; ++i) running.emplace_back([&, i] { pairs(i, pairs_each); });
    pairs(0, pairs_each);
    running.clear();
    const std::chrono::duration<double> passed = holdfast::boot_clock::now() - begin;
    return threads * pairs_each / passed.count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void compare(const std::string& name, int threads, int pairs_each, const work& ours,
             const work& limit) {
    std::vector<double> measured;
    std::vector<double> reachable;
    for (int i = 0; i < repeats; ++i) {
        if (limit) reachable.push_back(pairs_per_second(threads, pairs_each, limit));
        measured.push_back(pairs_per_second(threads, pairs_each, ours));
    }
    std::printf("{\"case\":\"%s\",\"threads\":%d,\"pairs_per_s\":%.0f", name.c_str(), threads,
                median(measured));
    if (limit)
        std::printf(",\"raw_pairs_per_s\":%.0f,\"ratio_to_raw\":%.2f", median(reachable),
                    median(measured) / median(reachable));
    std::puts("}");
    std::fflush(stdout);
}

work pairs_of(holdfast::locker& locks, bool fenced) {
    return [&locks, fenced](int thread, int pairs) {
        holdfast::acquire_options options;
        options.fence = fenced;
        const std::string name = "bench" + std::to_string(thread);
        for (int i = 0; i < pairs; ++i) {
            auto held = locks.acquire(name, options);
            if (!held || !held->release()) std::fputs("a pair failed\n", stderr);
        }
    };
}

work raw_pairs(std::uint16_t port, bool fenced) {
    return [port, fenced](int thread, int pairs) {
        holdfast::bench::raw_client raw(port, std::to_string(thread), fenced);
        for (int i = 0; i < pairs; ++i) raw.pair();
    };
}

}  // namespace

int main() {
    holdfast::locker memory("memory:");
    compare("memory, fenced", 1, 20000, pairs_of(memory, true), {});
    const holdfast::test::temp_dir directory;
    holdfast::locker sqlite("sqlite:" + (directory.path() / "locks.db").string());
    compare("sqlite, fenced", 1, 2000, pairs_of(sqlite, true), {});
    if (!holdfast::test::redis_server::available()) {
        std::fputs("no redis-server on this machine: the cases on Redis are left out\n", stderr);
        return 1;
    }
    const holdfast::test::redis_server server({.tcp = true, .arguments = {}});
    holdfast::locker redis("redis://127.0.0.1:" + std::to_string(server.port()));
    for (const bool fenced : {false, true}) {
        const std::string name = fenced ? "redis, fenced" : "redis, not fenced";
        compare(name, 1, 5000, pairs_of(redis, fenced), raw_pairs(server.port(), fenced));
        compare(name, 16, 1000, pairs_of(redis, fenced), raw_pairs(server.port(), fenced));
    }
}
