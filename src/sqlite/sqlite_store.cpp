// SPDX-License-Identifier: BSL-1.0
#include "sqlite/sqlite_store.hpp"

#include "sqlite/health_check.hpp"
#include "sqlite/place.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::sqlite {
namespace {

// Between two looks when releases cannot be heard of.
constexpr std::chrono::nanoseconds look_shortest = std::chrono::milliseconds{5};
constexpr std::chrono::nanoseconds look_longest = std::chrono::milliseconds{50};
// Between two attempts at a name that several hold: often enough to keep others barred.
constexpr std::chrono::nanoseconds retry_among_several_shortest = std::chrono::milliseconds{150};
constexpr std::chrono::nanoseconds retry_among_several_longest = std::chrono::milliseconds{300};
constexpr int doublings_max = 16;

// Whatever a file is called, it is the same one.
std::string id_of(const std::string& path) {
    const auto file = identity_of(path);
    if (!file) return path;
    return std::to_string(file->device) + ':' + std::to_string(file->inode);
}

}  // namespace

sqlite_store::sqlite_store(const store_environment& environment, std::string path,
                           std::string address)
    : environment_(environment),
      performer_(environment, std::move(path), std::move(address)),
      answers_(std::make_shared<port::prompt_answers>(environment_.executor)) {}

std::unique_ptr<shortcut> sqlite_store::make_shortcut() {
    return std::make_unique<port::prompt_shortcut<sqlite_store>>(*this, answers_);
}

// Both try once, as nearly always nobody is in the way. Whoever is refused, or has to wait for
// another process, asks again by the verbs that can wait.
std::optional<grant> sqlite_store::take_now(const claim& wanted) {
    taking taken;
    auto action = [&](lease_table& table) { return table.acquire(wanted, attempt::first, taken); };
    const bool done = performer_.perform_now(action);
    return done && taken.held ? std::optional(taken.granted) : std::nullopt;
}

bool sqlite_store::release_now(std::string_view name, std::string_view value) {
    result<void> outcome;
    auto action = [&](lease_table& table) { return table.release(name, value, outcome); };
    if (!performer_.perform_now(action) || !outcome) return false;
    tell_waiters(name);
    return true;
}

asio::awaitable<result<grant>> sqlite_store::acquire(const claim& wanted, attempt which,
                                                     time_point deadline) {
    taking taken;
    auto action = [&](lease_table& table) { return table.acquire(wanted, which, taken); };
    auto failed = co_await performer_.perform(action, deadline);
    // Where several hold it, a look at the name does not tell whether it is worth another attempt:
    // from this one on no change may go unheard.
    if (!failed && !taken.held && taken.several && performer_.file().waiters().begin_watch())
        failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    if (taken.held) co_return taken.granted;
    co_return contended(taken.holder);
}

asio::awaitable<result<std::vector<grant>>> sqlite_store::acquire_all(std::span<const claim> wanted,
                                                                      attempt which,
                                                                      time_point deadline) {
    taking_all taken;
    auto action = [&](lease_table& table) { return table.acquire_all(wanted, which, taken); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    if (taken.held) co_return std::move(taken.granted);
    if (which == attempt::repeated)
        performer_.file().waiters().touch();  // Some may have been given back.
    failure why = contended(taken.holder);
    why.name = wanted[taken.in_the_way].name;
    co_return why;
}

failure sqlite_store::contended(const std::optional<lock_info>& holder) const {
    failure why(errc::contended, address() + ": somebody else holds it");
    if (holder) why.holder = holder->holder;
    return why;
}

asio::awaitable<void> sqlite_store::renew(std::span<renewal> batch, time_point deadline) {
    bool shortened = false;
    auto action = [&](lease_table& table) { return table.renew(batch, shortened); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed)
        for (renewal& item : batch) item.outcome = *failed;
    else if (shortened)
        performer_.file().waiters().touch();  // Waiters count on the time that they saw.
}

asio::awaitable<result<void>> sqlite_store::raise_token(std::string_view name,
                                                        std::string_view value,
                                                        std::uint64_t at_least,
                                                        time_point deadline) {
    result<void> outcome;
    auto action = [&](lease_table& table) {
        return table.raise_token(name, value, at_least, outcome);
    };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    co_return outcome;
}

asio::awaitable<result<void>> sqlite_store::release(std::string_view name, std::string_view value,
                                                    time_point deadline) {
    result<void> outcome;
    auto action = [&](lease_table& table) { return table.release(name, value, outcome); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    if (outcome) tell_waiters(name);
    co_return outcome;
}

asio::awaitable<void> sqlite_store::gave_up(std::string_view name, time_point deadline) {
    bool lifted = false;
    auto action = [&](lease_table& table) { return table.gave_up(name, lifted); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (!failed && lifted) tell_waiters(name);
}

asio::awaitable<result<std::optional<lock_info>>> sqlite_store::inspect(std::string_view name,
                                                                        std::string_view id,
                                                                        time_point deadline) {
    std::optional<lock_info> holder;
    auto action = [&](lease_table& table) { return table.read(name, id, holder); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    co_return holder;
}

asio::awaitable<result<std::vector<lock_info>>> sqlite_store::list(std::string_view prefix,
                                                                   time_point deadline) {
    std::vector<lock_info> held;
    auto action = [&](lease_table& table) { return table.list(prefix, held); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    co_return held;
}

asio::awaitable<result<std::optional<lock_info>>> sqlite_store::take_away(std::string_view name,
                                                                          time_point deadline) {
    std::optional<lock_info> holder;
    auto action = [&](lease_table& table) { return table.take_away(name, holder); };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed) co_return *failed;
    if (holder) tell_waiters(name);
    co_return holder;
}

asio::awaitable<void> sqlite_store::await_change(std::string_view name, time_point until) {
    co_await asio::this_coro::throw_if_cancelled(false);
    alarm change(environment_.time);
    const wake_file::place listed(performer_.file().waiters(), change, name);
    for (int looks = 0; !performer_.stopped();
         ++looks) {  // Ends when it is free, or when something is wrong.
        const look next = look_at(name, looks);
        const wake_reason why = co_await change.wait_until(std::min(next.when, until));
        if (why == wake_reason::cancelled || next.last) co_return;
        if (environment_.time.now() >= until) co_return;
    }
}

// The file is watched before the row is read, so a release in between is not missed.
sqlite_store::look sqlite_store::look_at(std::string_view name, int looks) {
    wake_file& file = performer_.file().waiters();
    const bool watched = file.watch();
    outlook ahead;
    auto action = [&](lease_table& table) { return table.look(name, ahead); };
    const int code = performer_.file().perform(action);
    const time_point present = environment_.time.now();
    const bool seen = code == SQLITE_OK;
    if (seen && ahead.free_at <= present) return {present, true};
    const int doublings = ahead.several ? doublings_max : looks;
    const time_point soon =
        present + jittered(environment_.random, look_shortest, look_longest, doublings);
    if (!seen) return {soon, !is_busy(code)};
    if (ahead.several) {
        const time_point retry =
            present + jittered(environment_.random, retry_among_several_shortest,
                               retry_among_several_longest, doublings_max);
        return {std::min(ahead.free_at, watched ? retry : soon), true};
    }
    if (watched) return {ahead.free_at, false};
    if (file.watch()) return {present, false};  // The file was opened just now: look again.
    return {std::min(ahead.free_at, soon), false};
}

void sqlite_store::tell_waiters(std::string_view name) {
    performer_.file().waiters().touch();
    performer_.file().waiters().wake_next(name);
}

// A file that is not there is not made for that.
asio::awaitable<result<diagnosis>> sqlite_store::diagnose(time_point deadline) {
    const std::string path = performer_.file().path();
    diagnosis found;
    found.findings = check_file(path, address());
    found.servers.push_back(
        {.address = address(), .version = library_version(), .id = id_of(path)});
    const auto ends_it = [](const finding& one) {
        return one.level == severity::problem || one.code == "no-file";
    };
    if (std::any_of(found.findings.begin(), found.findings.end(), ends_it)) co_return found;
    std::string mode;
    auto action = [&](lease_table&) {
        mode = performer_.file().journal_mode();
        return SQLITE_OK;
    };
    const auto failed = co_await performer_.perform(action, deadline);
    if (failed && failed->code == errc::cancelled) co_return *failed;
    if (failed) {
        found.findings.push_back({severity::problem, "unusable-file", address(), failed->text,
                                  "see docs/stores/sqlite.md"});
        co_return found;
    }
    auto more = check_journal(mode, path, address());
    found.findings.insert(found.findings.end(), std::make_move_iterator(more.begin()),
                          std::make_move_iterator(more.end()));
    co_return found;
}

void sqlite_store::stop() { performer_.stop(); }

}  // namespace holdfast::sqlite
