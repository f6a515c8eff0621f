// SPDX-License-Identifier: BSL-1.0
//
// What it is: how a program tells its log and its monitoring system what its locks do.
// docs/guides/monitoring.md explains it.
#include <holdfast/holdfast.hpp>

#include <condition_variable>
#include <iostream>
#include <mutex>
#include <string>

using namespace std::chrono_literals;

namespace {

/// Stands for the types of your HTTP server.
struct http_response {
    int status{200};
    std::string content_type;
    std::string body;
};

//! [scrape]
/// Answers GET /metrics.
http_response metrics_page(const holdfast::locker& locks) {
    http_response page;
    page.content_type = holdfast::prometheus_content_type;
    page.body = holdfast::prometheus_text(locks.statistics(), {{"service", "billing"}});
    return page;
}
//! [scrape]

void await_loss(const holdfast::guard& held) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock waiting{mutex};
    never.wait(waiting, held.lost(), [] { return false; });
}

}  // namespace

int main(int argc, char** argv) {
    int losses_told = 0;
    std::string text;
    {
        //! [log]
        holdfast::locker_options options;
        options.slow_acquire = 500ms;
        options.on_event = [&losses_told](const holdfast::event& what) {
            std::clog << "locks: " << to_string(what) << '\n';
            if (what.kind == holdfast::event_kind::lost) ++losses_told;
        };
        holdfast::locker locks{argc > 1 ? argv[1] : "memory:examples", options};
        //! [log]
        auto held = locks.acquire("monitored", {.ttl = 600ms, .wait = 5s});
        if (!held || !locks.break_lock("monitored")) return 1;
        await_loss(*held);
        text = metrics_page(locks).body;
    }  // What was told is in the log once the locker is gone.
    std::cout << text;
    const std::string lost = R"(losses_total{service="billing",holdfast_lost_reason="deleted"} 1)";
    return losses_told == 1 && text.find(lost) != text.npos ? 0 : 1;
}
