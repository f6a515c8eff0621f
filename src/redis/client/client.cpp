// SPDX-License-Identifier: BSL-1.0
#include "redis/client/client.hpp"

#include <holdfast/store_observer.hpp>

#include "core/backoff.hpp"
#include "redis/client/server_error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

failure closed() { return {errc::cancelled, "the store was closed"}; }

}  // namespace

native_delete native_delete_of(std::string_view server, unsigned major, unsigned minor) noexcept {
    if (server == "valkey") return major >= 9 ? native_delete::delifeq : native_delete::none;
    const bool known = server == "redis" && (major > 8 || (major == 8 && minor >= 4));
    return known ? native_delete::delex : native_delete::none;
}

client::client(const store_environment& environment, settings where)
    : env_(environment),
      where_(std::move(where)),
      sentinels_(sentinels_of(environment, where_)),
      sweeper_alarm_(env_.time) {}

client::client(const store_environment& environment, const client& other)
    : env_(environment),
      where_(other.where_),
      sentinels_(other.sentinels_),
      owns_sentinels_(false),
      sweeper_alarm_(env_.time) {}

void client::stop() {
    stopped_ = true;
    ready_ = false;
    if (line_) line_->close();
    if (sentinels_ && owns_sentinels_) sentinels_->stop();
    fail_queued(closed());
    for_each_sent([this](request& sent) { finish(sent, closed()); });
    sent_ = {};
    lasting_ = {};
    sweeper_alarm_.wake();
}

void client::start_running() {
    if (running_) return;
    running_ = true;
    asio::co_spawn(
        env_.executor, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

// Opens a connection, serves it until it ends, and again as long as somebody waits for one.
asio::awaitable<void> client::run() {
    while (!stopped_ && !queued_.empty()) {
        line_ = std::make_shared<transport>(env_.executor);
        reader_ = {};
        meet_again_ = false;
        timed_out_ = false;
        slow_ = false;
        asking_replicas_ = false;
        const auto opened = co_await open_connection();
        if (!opened) {
            line_->close();
            // Who still waits deserves a fresh attempt. Once stopped, `env_` may be gone.
            if (timed_out_ || stopped_) continue;
            ++failures_;
            failure why = opened.error();
            why.text = where_.address + ": " + why.text;
            last_failure_ = why;
            back_off_until_ = env_.time.now() + core::backoff_pause(failures_, 10ms, 200ms,
                                                                    env_.random.jitter_bits());
            if (env_.observer)
                env_.observer->connect_failed(where_.address, why,
                                              back_off_until_ - env_.time.now());
            fail_queued(why);
            break;
        }
        failures_ = 0;
        ready_ = true;
        if (env_.observer && !stopped_) env_.observer->connected(where_.address);
        flush();
        failure ended = co_await read_all();
        ready_ = false;
        line_->close();
        if (timed_out_) ended.text = "no reply in time";
        ended.text = where_.address + ": " + ended.text;
        fail_sent(ended);
        if (env_.observer && !stopped_) env_.observer->disconnected(where_.address, ended);
        if (hearer_.on_end) hearer_.on_end();
    }
    running_ = false;
    if (!stopped_ && !queued_.empty()) start_running();
}

asio::awaitable<result<void>> client::open_connection() {
    settings to = where_;
    auto opened = co_await find_server(to);
    if (opened) opened = co_await line_->open(to);
    if (opened) opened = co_await shake_hands();
    if (opened && sentinels_) opened = co_await check_role();
    if (opened && where_.longest_ttl.count() > 0) opened = co_await meet_server();
    if (!opened && sentinels_ && !place_.host.empty())
        opened = failure{opened.error().code, to_string(place_) + ": " + opened.error().text};
    // A reply too many would be taken for that of the first command.
    if (opened && take_replies().code == errc::protocol)
        opened = failure{errc::protocol, "a reply without a command"};
    co_return opened;
}

// Sends one command and waits for its reply, while nothing else uses the connection.
asio::awaitable<result<resp::reply>> client::ask(batch command) {
    if (auto written = co_await line_->write(command.bytes); !written) co_return written.error();
    std::array<char, 4096> chunk;
    for (;;) {  // Ends with the connection, which the sweeper closes in time.
        resp::reply answer;
        switch (reader_.next(answer)) {
            case resp::reader::state::ready:
                if (answer.is(resp::kind::push)) continue;
                co_return answer;
            case resp::reader::state::broken:
                co_return failure{errc::protocol, std::string(reader_.why_broken())};
            case resp::reader::state::incomplete: break;
        }
        const auto bytes = co_await line_->read(chunk);
        if (!bytes) co_return bytes.error();
        reader_.feed(std::string_view(chunk.data(), *bytes));
    }
}

void client::read_facts(const resp::reply& hello) {
    facts_ = {};
    facts_.resp3 = true;
    std::string_view server;
    for (std::size_t i = 0; i + 1 < hello.items.size(); i += 2) {
        const std::string& text = hello.items[i + 1].text;
        if (hello.items[i].text == "server") server = text;
        if (hello.items[i].text != "version") continue;
        const char* const end = text.data() + text.size();
        const auto major = std::from_chars(text.data(), end, facts_.version_major);
        if (major.ptr != end && *major.ptr == '.')
            std::from_chars(major.ptr + 1, end, facts_.version_minor);
    }
    facts_.deletes = native_delete_of(server, facts_.version_major, facts_.version_minor);
}

// Each step waits for its reply: nothing is sent behind an AUTH that may fail.
asio::awaitable<result<void>> client::shake_hands() {
    const auto secret = current_password(where_);
    if (!secret) co_return secret.error();
    const std::string user = where_.user.empty() ? "default" : where_.user;
    batch hello;
    if (secret->empty())
        hello.add("HELLO", 3, "SETNAME", "holdfast");
    else
        hello.add("HELLO", 3, "AUTH", user, secret->reveal(), "SETNAME", "holdfast");
    auto answer = co_await ask(std::move(hello));
    if (!answer) co_return answer.error();
    if (!answer->is(resp::kind::error)) {
        read_facts(*answer);
    } else if (classify(answer->text) == errc::protocol) {
        // A server before version 6, or one that does not offer the protocol's version 3.
        facts_ = {};
        batch auth;
        if (where_.user.empty())
            auth.add("AUTH", secret->reveal());
        else
            auth.add("AUTH", user, secret->reveal());
        if (secret->empty()) {
            auth = {};
            auth.add("PING");
        }
        answer = co_await ask(std::move(auth));
        if (!answer) co_return answer.error();
    }
    if (!answer->is(resp::kind::error) && where_.database != 0) {
        batch select;
        select.add("SELECT", where_.database);
        answer = co_await ask(std::move(select));
        if (!answer) co_return answer.error();
    }
    if (answer->is(resp::kind::error))
        co_return failure{classify(answer->text), tidy_text(answer->text)};
    co_return result<void>{};
}

void client::flush() {
    if (resuming_ || writing_ || flush_posted_) return;  // It goes out with what comes next.
    // A lone caller's command goes out at once. Where there were several, more may follow in this
    // turn, and a write for each costs more than to wait for them.
    if (sent_.empty() && last_batch_ <= 1) return write_queued();
    flush_posted_ = true;
    auto work = [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->write_queued();
    };
    asio::post(env_.executor, std::move(work));
}

void client::write_queued() {
    if (writing_ || !ready_ || queued_.empty()) return;
    if (where_.longest_ttl.count() > 0) refuse_grants();
    if (queued_.empty()) return;
    auto end = queued_.end();
    // What replicas are to have waits until they were asked for what went before it: each question
    // may keep the server from answering for a while.
    if (asking_replicas_)
        end = std::stable_partition(
            queued_.begin(), end, [](const request* one) { return !one->commands.has_to_last(); });
    if (end == queued_.begin()) return;
    outgoing_.clear();
    last_batch_ = static_cast<std::size_t>(end - queued_.begin());
    bool lasting = false;
    for (auto next = queued_.begin(); next != end; ++next) {
        outgoing_ += (*next)->commands.bytes;
        sent_.push_back({*next, (*next)->commands.count});
        lasting = lasting || (*next)->commands.has_to_last();
    }
    queued_.erase(queued_.begin(), end);
    if (lasting && where_.replicas > 0) ask_replicas();
    const std::size_t written = line_->write_now(outgoing_);
    if (written == outgoing_.size()) return;
    writing_ = true;
    auto rest = write_rest(line_, outgoing_.substr(written));
    auto go_on = [self = shared_from_this()](const std::exception_ptr&) {
        self->writing_ = false;
        self->write_queued();
    };
    asio::co_spawn(env_.executor, std::move(rest), std::move(go_on));
}

asio::awaitable<void> client::write_rest(std::shared_ptr<transport> line, std::string bytes) {
    const auto written = co_await line->write(bytes);
    if (!written) line->close();  // Ends the reader, which fails what was sent.
}

asio::awaitable<failure> client::read_all() {
    std::array<char, 16384> chunk;
    for (;;) {  // Ends with the connection.
        const auto bytes = co_await line_->read(chunk);
        if (broken_.code == errc::protocol) co_return std::exchange(broken_, {});
        if (!bytes) co_return bytes.error();
        slow_ = false;
        reader_.feed(std::string_view(chunk.data(), *bytes));
        failure broken = take_replies();
        resume_ended();
        if (broken.code == errc::protocol) co_return broken;
        if (meet_again_) co_return failure{errc::unreachable, "it became a replica"};
    }
}

bool client::attend(std::mutex& turn) {
    if (!ready_ || writing_ || slow_) return false;
    write_queued();
    if (sent_.empty() || writing_) return false;
    std::array<char, 16384> chunk;
    const auto line = line_;
    const std::size_t bytes = line->read_now(chunk, turn);
    if (line != line_ || !ready_) return true;  // Whoever used it meanwhile has closed it.
    // Whoever waits for longer than that does so on the executor; and what is wrong with the
    // connection, `read_all` finds out.
    slow_ = bytes == 0;
    if (slow_) return false;
    reader_.feed(std::string_view(chunk.data(), bytes));
    failure broken = take_replies();
    resume_ended();
    if (broken.code != errc::protocol && !meet_again_) return true;
    broken_ = std::move(broken);
    ready_ = false;  // What is asked for from now on goes to the next connection.
    line_->close();
    return false;
}

// @return A failure of code `protocol` if the stream makes no sense.
failure client::take_replies() {
    for (;;) {  // Ends with the bytes that have arrived.
        request* const caller = sent_.empty() ? nullptr : sent_.front().caller;
        resp::reply& into = caller ? caller->room() : stray_;
        switch (reader_.next(into)) {
            case resp::reader::state::incomplete: return {};
            case resp::reader::state::broken:
                return {errc::protocol, std::string(reader_.why_broken())};
            case resp::reader::state::ready: break;
        }
        if (into.is(resp::kind::push)) {
            if (hearer_.on_push) hearer_.on_push(into);
            continue;
        }
        if (sent_.empty()) return {errc::protocol, "a reply without a command"};
        if (into.is(resp::kind::error)) {
            look_for_demotion(into);
            if (where_.in_cluster()) look_for_redirection(into);
        }
        if (caller) ++caller->filled_;
        if (--sent_.front().missing > 0) continue;
        if (sent_.front().confirms) conclude_lasting(into);
        sent_.pop_front();
        if (!caller) continue;
        if (where_.replicas > 0 && caller->commands.has_to_last()) {
            lasting_.push_back(caller);
            continue;
        }
        caller->answered_ = true;
        enlist(*caller);
    }
}

// Within this turn, and what they ask for next goes out in one write.
void client::resume_ended() {
    if (resuming_) return;
    resuming_ = true;
    // Those who are resumed may forget others, and end others.
    for (std::size_t i = 0; i < ended_.size(); ++i) {
        request* const next = std::exchange(ended_[i], nullptr);
        if (!next) continue;
        next->listed_ = false;
        try {
            next->resume();
        } catch (...) {
            // A callback of the user's threw: that is for whoever runs the executor.
            asio::post(env_.executor,
                       [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
        }
    }
    ended_.clear();
    resuming_ = false;
    write_queued();
}

void client::expect_by(time_point deadline) {
    if (!sweeping_) {
        sweeping_ = true;
        sweep_at_ = deadline;
        asio::co_spawn(
            env_.executor, [self = shared_from_this()] { return self->sweep(); }, asio::detached);
    } else if (deadline < sweep_at_) {
        sweep_at_ = deadline;
        sweeper_alarm_.wake();
    }
}

// One timer for all deadlines: it wakes at the earliest it knows of, and then looks for the next.
asio::awaitable<void> client::sweep() {
    while (!stopped_) {
        static_cast<void>(co_await sweeper_alarm_.wait_until(sweep_at_));
        if (stopped_) break;  // And the timeline may be gone.
        const time_point now = env_.time.now();
        if (now < sweep_at_) continue;
        close_expired(now);
        sweep_at_ = time_point::max();
        for (const request* waiting : queued_) sweep_at_ = std::min(sweep_at_, waiting->deadline_);
        for_each_sent(
            [this](const request& sent) { sweep_at_ = std::min(sweep_at_, sent.deadline_); });
        if (queued_.empty() && sent_.empty()) break;
    }
    sweeping_ = false;
}

void client::close_expired(time_point now) {
    bool expired = false;
    for_each_sent([&](const request& sent) { expired = expired || sent.deadline_ <= now; });
    std::vector<request*> waiting;
    for (request* next : std::exchange(queued_, {})) {
        if (next->deadline_ > now) {
            waiting.push_back(next);
            continue;
        }
        expired = expired || !ready_;  // Nobody waits for the connection that is being opened.
        finish(*next, {errc::unreachable, where_.address + ": no answer in time"});
    }
    queued_ = std::move(waiting);
    if (!expired || !line_) return;
    timed_out_ = true;
    line_->close();
    if (ready_) {
        ready_ = false;
        fail_sent({errc::in_doubt, where_.address + ": no reply in time"});
    }
}

}  // namespace holdfast::redis
