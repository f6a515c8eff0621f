// SPDX-License-Identifier: BSL-1.0
#include "redis/client/client.hpp"

#include "core/backoff.hpp"
#include "redis/client/server_error.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::redis {
namespace {

using namespace std::chrono_literals;

failure closed() { return {errc::cancelled, "the store was closed"}; }

}  // namespace

client::client(const store_environment& environment, settings where)
    : env_(environment), where_(std::move(where)), sweeper_alarm_(env_.time) {}

asio::awaitable<result<replies>> client::exchange(batch commands, time_point deadline) {
    co_await asio::this_coro::throw_if_cancelled(false);
    if (stopped_) co_return closed();
    const time_point now = env_.time.now();
    if (deadline <= now)
        co_return failure{errc::unreachable, where_.address + ": no time was left to ask"};
    // During a back-off the last attempt's failure is the answer: nobody waits for nothing.
    if (!running_ && now < back_off_until_) co_return last_failure_;
    request mine{.commands = std::move(commands), .deadline = deadline};
    mine.answers.reserve(mine.commands.count);
    queued_.push_back(&mine);
    expect_by(deadline);
    if (ready_)
        flush();
    else
        start_running();
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!mine.ended && state.cancelled() == asio::cancellation_type::none) {
        auto start = [this, &mine](auto&& resume) {
            if (auto slot = asio::get_associated_cancellation_slot(resume); slot.is_connected())
                slot.assign([this, &mine](asio::cancellation_type) { cancel(mine); });
            mine.caller.emplace(std::forward<decltype(resume)>(resume));
        };
        co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start,
                                                                             asio::use_awaitable);
    }
    if (!mine.ended) {
        forget(mine);
        co_return failure{errc::cancelled, "cancelled"};
    }
    if (!mine.answered) co_return mine.failed;
    co_return std::move(mine.answers);
}

// Posted, so that whoever ends a request is not re-entered by its caller.
void client::cancel(request& mine) {
    if (mine.ended || !mine.caller) return;
    handler caller = std::move(*mine.caller);
    mine.caller.reset();
    asio::get_associated_cancellation_slot(caller).clear();
    asio::post(std::move(caller));
}

void client::finish(request& done, failure why) {
    if (done.ended) return;
    done.failed = std::move(why);
    if (done.caller) cancel(done);
    done.ended = true;
}

// Its caller's frame goes away; what was sent keeps its place in the line.
void client::forget(request& cancelled) {
    std::erase(queued_, &cancelled);
    for (sent_request& sent : sent_)
        if (sent.caller == &cancelled) sent.caller = nullptr;
    if (ready_ || !line_ || !queued_.empty()) return;
    timed_out_ = true;  // Nobody waits for the connection that is being opened.
    line_->close();
}

void client::fail_queued(const failure& why) {
    for (request* waiting : std::exchange(queued_, {})) finish(*waiting, why);
}

void client::fail_sent(const failure& why) {
    failure doubt(errc::in_doubt, why.text + "; whether it took effect is not known");
    for (const sent_request& sent : std::exchange(sent_, {}))
        if (sent.caller) finish(*sent.caller, doubt);
}

void client::stop() {
    stopped_ = true;
    ready_ = false;
    if (line_) line_->close();
    fail_queued(closed());
    for (const sent_request& sent : std::exchange(sent_, {}))
        if (sent.caller) finish(*sent.caller, closed());
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
        timed_out_ = false;
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
            fail_queued(why);
            break;
        }
        failures_ = 0;
        ready_ = true;
        flush();
        failure ended = co_await read_all();
        ready_ = false;
        line_->close();
        if (timed_out_) ended.text = "no reply in time";
        ended.text = where_.address + ": " + ended.text;
        fail_sent(ended);
        if (hearer_.on_end) hearer_.on_end();
    }
    running_ = false;
    if (!stopped_ && !queued_.empty()) start_running();
}

asio::awaitable<result<void>> client::open_connection() {
    auto opened = co_await line_->open(where_);
    if (opened) opened = co_await shake_hands();
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
    for (std::size_t i = 0; i + 1 < hello.items.size(); i += 2)
        if (hello.items[i].text == "version")
            for (const char digit : hello.items[i + 1].text) {
                if (digit < '0' || digit > '9' || facts_.version_major > 1000) break;
                facts_.version_major =
                    facts_.version_major * 10 + static_cast<unsigned>(digit - '0');
            }
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
    outgoing_.clear();
    last_batch_ = queued_.size();
    for (request* next : queued_) {
        outgoing_ += next->commands.bytes;
        sent_.push_back({next, next->commands.count});
    }
    queued_.clear();
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
        if (!bytes) co_return bytes.error();
        reader_.feed(std::string_view(chunk.data(), *bytes));
        failure broken = take_replies();
        resume_answered();
        if (broken.code == errc::protocol) co_return broken;
    }
}

// @return A failure of code `protocol` if the stream makes no sense.
failure client::take_replies() {
    for (;;) {  // Ends with the bytes that have arrived.
        resp::reply answer;
        switch (reader_.next(answer)) {
            case resp::reader::state::incomplete: return {};
            case resp::reader::state::broken:
                return {errc::protocol, std::string(reader_.why_broken())};
            case resp::reader::state::ready: break;
        }
        if (answer.is(resp::kind::push)) {
            if (hearer_.on_push) hearer_.on_push(answer);
            continue;
        }
        if (sent_.empty()) return {errc::protocol, "a reply without a command"};
        sent_request& front = sent_.front();
        if (front.caller) front.caller->answers.push_back(std::move(answer));
        if (--front.missing > 0) continue;
        if (front.caller) {
            front.caller->answered = true;
            front.caller->ended = true;
            answered_.push_back(front.caller);
        }
        sent_.pop_front();
    }
}

// Within this turn, and what they ask for next goes out in one write.
void client::resume_answered() {
    resuming_ = true;
    for (request* const done : answered_) {  // Grows only by what is read.
        if (!done->caller) continue;         // Cancelled just before: on its way already.
        handler caller = std::move(*done->caller);
        done->caller.reset();
        if (auto slot = asio::get_associated_cancellation_slot(caller); slot.is_connected())
            slot.clear();
        try {
            caller();
        } catch (...) {
            // A callback of the user's threw: that is for whoever runs the executor.
            asio::post(env_.executor,
                       [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
        }
    }
    answered_.clear();
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
        for (const request* waiting : queued_) sweep_at_ = std::min(sweep_at_, waiting->deadline);
        for (const sent_request& sent : sent_)
            if (sent.caller) sweep_at_ = std::min(sweep_at_, sent.caller->deadline);
        if (queued_.empty() && sent_.empty()) break;
    }
    sweeping_ = false;
}

void client::close_expired(time_point now) {
    bool expired = false;
    for (const sent_request& sent : sent_)
        expired = expired || (sent.caller && sent.caller->deadline <= now);
    std::vector<request*> waiting;
    for (request* next : std::exchange(queued_, {})) {
        if (next->deadline > now) {
            waiting.push_back(next);
            continue;
        }
        expired = true;
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
