// SPDX-License-Identifier: BSL-1.0
#include "chaos/soak/worker.hpp"

#include <holdfast/holdfast.hpp>
#include <holdfast/quorum.hpp>

#include "chaos/soak/counter.hpp"
#include "chaos/soak/history.hpp"
#include "lock/session.hpp"
#include "support/poll.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <stop_token>
#include <thread>
#include <utility>

namespace holdfast::soak {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::atomic<bool> stopping{false};

std::int64_t ns_of(time_point when) {
    return std::chrono::nanoseconds(when.time_since_epoch()).count();
}

std::uint64_t half_of(const std::string& id) { return std::stoull(id.substr(0, 16), nullptr, 16); }

locker open(const std::string& urls) {
    std::vector<store_factory> nodes;
    std::istringstream list(urls);
    for (std::string url; list >> url;) nodes.push_back(lock::factory_for(url).value());
    const locker_options options{.timeout = milliseconds(call_ms)};
    if (nodes.size() == 1) return locker(nodes.front(), options);
    return locker(quorum_of(std::move(nodes)), options);
}

outcome outcome_of(errc code) {
    switch (code) {
        case errc::contended:
        case errc::timed_out: return outcome::busy;
        case errc::lost: return outcome::lost;
        case errc::in_doubt: return outcome::unknown;
        default: return outcome::failed;
    }
}

/// One client: a thread that does one thing after the other.
class client {
public:
    client(const worker_orders& orders, unsigned store)
        : number_(client_number(orders, store)),
          first_lock_(store * names_a_store),
          locks_(open(orders.stores[store])),
          history_(history_path(orders, store)),
          counters_(orders.directory + "/counters"),
          random_(orders.seed * 1000 + number_) {}

    void run() {
        while (!stopping && history_.has_room()) round();
    }

private:
    std::uint32_t below(std::uint32_t limit) {
        return static_cast<std::uint32_t>(random_() % limit);
    }
    record about(action what) {
        record one = mine_;
        one.what = what;
        one.invoked = 0;
        return one;
    }

    void round();
    std::optional<guard> take();
    void work(guard& held, const std::atomic<std::int64_t>& lost_at);
    [[nodiscard]] bool look(const guard& held);
    void add_one(const guard& held);
    void give_back(guard held);
    void mourn(guard& held, std::int64_t told_at);
    void think(milliseconds how_long, const std::atomic<std::int64_t>& lost_at) const {
        static_cast<void>(test::poll_until([&] { return lost_at != 0 || stopping; }, how_long));
    }

    std::uint32_t number_;
    unsigned first_lock_;
    locker locks_;
    history_writer history_;
    counter_link counters_;
    std::mt19937_64 random_;
    const std::atomic<std::int64_t> never_{0};
    record mine_{};  ///< What stays the same in all records of a grant.
};

std::optional<guard> client::take() {
    mine_ = {};
    mine_.lock = static_cast<std::uint8_t>(first_lock_ + below(names_a_store));
    mine_.ttl_ms = ttls_ms[below(std::size(ttls_ms))];
    const std::uint32_t waits[] = {0, 200, 800, 1500};
    record asked = about(action::acquire);
    asked.limit_ms = waits[below(std::size(waits))];
    static std::atomic<std::uint32_t> grants{0};
    asked.grant = ++grants;
    record& noted = history_.begin(asked);
    auto held = locks_.acquire(lock_name(mine_.lock), {.ttl = milliseconds(mine_.ttl_ms),
                                                       .wait = milliseconds(asked.limit_ms),
                                                       .auto_renew = below(8) != 0,
                                                       .owner = "soak"});
    if (!held) {
        history_writer::end(noted, outcome_of(held.error().code));
        return std::nullopt;
    }
    mine_.grant = asked.grant;
    mine_.token = held->fencing_token();
    mine_.holder = half_of(held->id());
    noted.token = mine_.token;
    noted.holder = mine_.holder;
    noted.deadline = ns_of(held->valid_until());
    history_writer::end(noted, outcome::ok);
    return std::move(*held);
}

// A claim that it is held now, which must be true for as long as it says.
bool client::look(const guard& held) {
    record one = about(action::hold);
    one.invoked = now_ns();
    if (!held.held() || held.remaining() == 0ms) return false;
    one.deadline = ns_of(held.valid_until());
    history_writer::end(history_.begin(one), outcome::ok);
    return true;
}

// In two steps, so that two who did it at once would lose one.
void client::add_one(const guard& held) {
    counter_request ask{number_, mine_.lock, 0, held.fencing_token(), 0};
    const counter_answer seen = counters_.ask(ask);
    record& noted = history_.begin(about(action::write));
    if (seen.accepted == 0) return history_writer::end(noted, outcome::lost);
    if (below(4) == 0) std::this_thread::yield();
    ask.writes = 1;
    ask.value = seen.value + 1;
    const bool accepted = counters_.ask(ask).accepted != 0;
    history_writer::end(noted, accepted ? outcome::ok : outcome::lost);
}

void client::work(guard& held, const std::atomic<std::int64_t>& lost_at) {
    // Most are short; some last for many renewals.
    const std::uint32_t kind = below(100);
    const std::uint32_t steps = kind < 95 ? 1 : kind < 98 ? 5 : 25;
    for (std::uint32_t step = 0; step < steps && lost_at == 0 && !stopping; ++step) {
        if (!look(held)) return;
        add_one(held);
        if (steps > 1) think(milliseconds(1 + below(120)), lost_at);
        if (below(50) == 0) static_cast<void>(held.renew(milliseconds(mine_.ttl_ms)));
    }
    static_cast<void>(look(held));
}

void client::mourn(guard& held, std::int64_t told_at) {
    record lost = about(action::lose);
    lost.invoked = told_at;
    lost.deadline = ns_of(held.valid_until());
    lost.reason = static_cast<std::uint8_t>(held.why_lost());
    record& noted = history_.begin(lost);
    history_writer::end(noted, outcome::lost);
    noted.completed = told_at;
    record& again = history_.begin(about(action::look_again));
    const bool held_again = held.held() || held.remaining() > 0ms ||
                            !held.lost().stop_requested() ||
                            held.renew(milliseconds(mine_.ttl_ms)).has_value();
    history_writer::end(again, held_again ? outcome::ok : outcome::lost);
}

void client::give_back(guard held) {
    const lease known{.name = held.name(), .id = held.id(), .ttl = milliseconds(mine_.ttl_ms)};
    const std::uint32_t kind = below(20);
    record last = about(kind < 2 ? action::let_go : action::release);
    last.deadline = ns_of(held.valid_until());
    record& noted = history_.begin(last);
    if (kind == 0) {
        held = guard();  // Its destructor releases, in the background.
        return history_writer::end(noted, outcome::ok);
    }
    if (kind == 1) {
        static_cast<void>(held.hand_over());
        return history_writer::end(noted, outcome::ok);
    }
    const auto released = held.release();
    history_writer::end(noted, released ? outcome::ok : outcome_of(released.error().code));
    if (kind != 2) return;
    record& again = history_.begin(about(action::release_again));
    const auto twice = locks_.release(known);
    history_writer::end(again, twice ? outcome::ok : outcome_of(twice.error().code));
}

void client::round() {
    think(milliseconds(below(5)), never_);
    auto held = take();
    if (!held) return;
    // Told on a thread of the locker, possibly while this one stands in a call.
    std::atomic<std::int64_t> lost_at{0};
    {
        const std::stop_callback on_loss(held->lost(), [&] { lost_at = now_ns(); });
        work(*held, lost_at);
        if (lost_at != 0) mourn(*held, lost_at);
    }
    if (lost_at == 0 || below(2) == 0) give_back(std::move(*held));
}

long entries_of(const char* directory) {
    return std::distance(std::filesystem::directory_iterator(directory),
                         std::filesystem::directory_iterator());
}

/// Descriptors and threads.
struct possessions {
    long descriptors{entries_of("/proc/self/fd")};
    long threads{entries_of("/proc/self/task")};
};

}  // namespace

std::string lock_name(unsigned lock) { return "soak " + std::to_string(lock % names_a_store); }

std::vector<std::string> words_of(const worker_orders& orders) {
    std::vector<std::string> words{"--worker", std::to_string(orders.process),
                                   std::to_string(orders.life), std::to_string(orders.seed),
                                   orders.directory};
    words.insert(words.end(), orders.stores.begin(), orders.stores.end());
    return words;
}

worker_orders orders_of(const std::vector<std::string>& words) {
    const auto number = [&](std::size_t at) { return std::stoull(words.at(at)); };
    return {.process = static_cast<unsigned>(number(1)),
            .life = static_cast<unsigned>(number(2)),
            .seed = number(3),
            .directory = words.at(4),
            .stores = {words.begin() + 5, words.end()}};
}

std::string history_path(const worker_orders& orders, unsigned store) {
    return orders.directory + "/history-" + std::to_string(orders.process) + "-" +
           std::to_string(orders.life) + "-" + std::to_string(store);
}

std::uint32_t client_number(const worker_orders& orders, unsigned store) {
    return (orders.life * 16 + orders.process) * 16 + store;
}

int run_worker(const worker_orders& orders) {
    ::signal(SIGTERM, [](int) { stopping = true; });
    ::signal(SIGPIPE, SIG_IGN);
    // Whatever the first thread and the first lock leave for good is there before it is counted.
    std::thread([] { static_cast<void>(locker("memory:soak").acquire("x")); }).join();
    const possessions before;
    {
        std::vector<std::unique_ptr<client>> clients;
        for (unsigned store = 0; store < orders.stores.size(); ++store)
            clients.push_back(std::make_unique<client>(orders, store));
        std::vector<std::jthread> threads;
        for (const auto& one : clients) threads.emplace_back([&one] { one->run(); });
    }
    // A locker's last threads and descriptors go a moment after it.
    possessions after;
    static_cast<void>(test::poll_until(
        [&] {
            after = {};
            return after.descriptors <= before.descriptors && after.threads <= before.threads;
        },
        10s));
    history_writer last(history_path(orders, static_cast<unsigned>(orders.stores.size())));
    record left{.what = action::leave};
    left.token = static_cast<std::uint64_t>(std::max(0L, after.descriptors - before.descriptors));
    left.holder = static_cast<std::uint64_t>(std::max(0L, after.threads - before.threads));
    history_writer::end(last.begin(left), outcome::ok);
    return 0;
}

}  // namespace holdfast::soak
