// SPDX-License-Identifier: BSL-1.0
#include "mysql/store_access.hpp"

#include "core/backoff.hpp"
#include "mysql/client/cells.hpp"
#include "mysql/sql.hpp"
#include "mysql/store_sql.hpp"

#include <algorithm>

namespace holdfast::mysql {
namespace {

using namespace std::chrono_literals;

constexpr unsigned store_connections_max = 8;
constexpr unsigned no_such_table = 1146;
/// Far more than a deadlock or a wait of a second takes, and still an end.
constexpr unsigned store_tries_max = 32;
/// The longest wait without a look, should nobody tell of what ought to be told of.
constexpr auto look_again_after = 1600ms;
/// Between two looks at least, where others tell.
constexpr auto look_pause_least = 5ms;

}  // namespace

store_access::store_access(const store_environment& environment, settings where,
                           const table_plan& tables, std::shared_ptr<port::bulletin> carrier)
    : env_(environment),
      pool_(std::make_shared<pool>(environment, std::move(where), store_connections_max)),
      late_(std::make_shared<late_takings>(environment)),
      carrier_(std::move(carrier)),
      tables_(tables) {}

void store_access::stop() noexcept {
    stopped_ = true;
    late_->stop();
    pool_->stop();
    if (carrier_) carrier_->stop();
    wake_waiters();
}

void store_access::wake_waiters() {
    for (alarm* const bell : waiting_) bell->wake();
}

// Databases of the same name on two servers share topics: then somebody looks in vain.
std::string store_access::topic_of(std::string_view name) const {
    std::string topic("mysql:");
    topic.append(pool_->where().database).append("/").append(tables_.names[0]);
    return topic.append(":").append(name);
}

void store_access::tell(std::string_view name, change what) {
    if (what == change::freed) wake_waiters();
    if (carrier_) carrier_->say(topic_of(name), what == change::freed ? "freed" : "other");
}

store_access::waiter::waiter(store_access& of, std::string_view name, change least)
    : of_(of), topic_(of.topic_of(name)), least_(least), bell_(of.env_.time) {
    of_.waiting_.insert(&bell_);
    if (of_.carrier_) of_.carrier_->follow(topic_, *this);
}

store_access::waiter::~waiter() {
    if (of_.carrier_) of_.carrier_->unfollow(topic_, *this);
    of_.waiting_.erase(&bell_);
}

bool store_access::waiter::hears() { return of_.carrier_ && of_.carrier_->hears(topic_); }

asio::awaitable<bool> store_access::waiter::rest(time_point next) {
    const time_point soonest = std::min(next, of_.now() + look_pause_least);
    const wake_reason why = co_await bell_.wait_until(next);
    if (why == wake_reason::cancelled) co_return false;
    if (why == wake_reason::woken && of_.carrier_ && !of_.stopped() && of_.now() < soonest)
        co_return co_await sleep_until(of_.env_.time, soonest);
    co_return true;
}

void store_access::waiter::on_notice(std::string_view words) {
    if (words == "freed" || least_ == change::other) bell_.wake();
}

asio::awaitable<result<void>> store_access::settle(std::string_view name, std::string_view holder,
                                                   statement release, time_point deadline) {
    const bool settled = co_await late_->settle(std::string(name), std::string(holder),
                                                std::move(release), deadline);
    if (settled) co_return result<void>{};
    co_return failure{errc::in_doubt,
                      address() + ": the server is still at the request that it is released of"};
}

asio::awaitable<result<lent>> store_access::borrow(time_point deadline) {
    if (stopped_) co_return failure{errc::cancelled, address() + ": the store was closed"};
    co_return co_await pool_->take(deadline);
}

asio::awaitable<result<lent>> store_access::enter(time_point deadline) {
    auto line = co_await borrow(deadline);
    if (!line || ready_) co_return line;
    auto made = co_await get_ready(**line, deadline);
    if (!made) co_return without_effect(made.error());
    ready_ = true;
    co_return line;
}

asio::awaitable<result<void>> store_access::get_ready(connection& line, time_point deadline) {
    if (!pool_->where().galera_allowed) {
        auto alone = co_await refuse_cluster(line, deadline);
        if (!alone) co_return alone;
    }
    co_return co_await make_tables(line, deadline);
}

asio::awaitable<result<void>> store_access::refuse_cluster(connection& line, time_point deadline) {
    std::vector<cell> nothing;
    auto said = co_await line.run(store_sql::galera, std::move(nothing), deadline);
    if (!said) co_return said.error();
    for (const auto& row : said->rows)
        if (row.size() == 2 && text_of(row[1]) == "ON")
            co_return failure{errc::denied,
                              address() +
                                  ": it is a node of a Galera cluster, where a lock on a row is "
                                  "known to its node alone; galera=allow in the URL allows it"};
    co_return result<void>{};
}

// Looks before it creates: who may use a table need not be allowed to make one.
asio::awaitable<result<void>> store_access::make_tables(connection& line, time_point deadline) {
    std::vector<cell> names{std::string(tables_.names[0]), std::string(tables_.names[1])};
    auto said = co_await line.run(store_sql::tables, std::move(names), deadline);
    if (!said) co_return said.error();
    for (std::size_t i = 0; i < tables_.names.size() && !tables_.names[i].empty(); ++i) {
        const auto found = std::find_if(said->rows.begin(), said->rows.end(), [&](const auto& row) {
            return text_of(row.at(0)) == tables_.names[i];
        });
        if (found == said->rows.end()) {
            auto made = co_await line.say(tables_.created[i], deadline);
            if (!made) co_return made;
        } else if (const std::string engine = text_of(found->at(1)); engine != "InnoDB") {
            co_return failure{errc::wrong_type, address() + ": the table " +
                                                    std::string(tables_.names[i]) +
                                                    " is of the engine " + tidy_text(engine) +
                                                    ", which has no transactions"};
        }
    }
    co_return result<void>{};
}

asio::awaitable<bool> store_access::tidy_up(connection& line, errc why, time_point deadline) {
    const unsigned number = line.number();
    if (line.usable() && !line.clean()) {
        const auto ended = co_await line.say(sql::rollback, deadline);
        static_cast<void>(ended);  // What is not in order then is closed, which is as good.
    }
    if (number == no_such_table && why == errc::wrong_type) {
        ready_ = false;  // It was there when we looked.
        co_return true;
    }
    if (number == 0 || why == errc::cancelled || why == errc::in_doubt) co_return false;
    co_return why == errc::unreachable || classify(number).what == verdict::busy;
}

asio::awaitable<std::optional<failure>> store_access::rest(unsigned tries, failure why,
                                                           time_point deadline) {
    if (why.code == errc::timed_out) {
        why.code = errc::unreachable;
        why.text = address() + ": others kept it busy for too long";
    }
    const time_point end = now() + core::backoff_pause(tries, 1ms, 64ms, env_.random.jitter_bits());
    if (tries >= store_tries_max || end >= deadline) co_return why;
    alarm bell(env_.time);
    const wake_reason woken = co_await bell.wait_until(end);
    if (woken == wake_reason::cancelled || stopped_)
        co_return failure{errc::cancelled, address() + ": cancelled"};
    co_return std::nullopt;
}

std::chrono::nanoseconds store_access::look_pause(unsigned looks, bool hears) {
    const std::uint64_t jitter = env_.random.jitter_bits();
    if (hears) return core::backoff_pause(1, look_again_after, look_again_after, jitter);
    return core::backoff_pause(looks, look_pause_least, 250ms, jitter);
}

asio::awaitable<result<void>> begin(connection& line, time_point deadline) {
    auto begun = co_await line.say(sql::begin, deadline);
    if (!begun) co_return without_effect(begun.error());
    co_return begun;
}

asio::awaitable<result<void>> commit(connection& line, time_point deadline) {
    co_return co_await line.say(sql::commit, deadline);
}

asio::awaitable<result<answer>> within(connection& line, std::string_view sql,
                                       std::vector<cell> values, time_point deadline) {
    auto said = co_await line.run(sql, std::move(values), deadline);
    if (!said) co_return without_effect(said.error());
    co_return said;
}

}  // namespace holdfast::mysql
