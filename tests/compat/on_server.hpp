// SPDX-License-Identifier: BSL-1.0
//
// What it is: what stands on a server, looked at by plain commands, and what the verbs of facades
// with a callback were answered.
// Thread safety: none; a `told` may be called from any thread.
#pragma once

#include <holdfast/errc.hpp>

#include "integration/redis_link.hpp"
#include "support/redis_server.hpp"

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace holdfast::test {

/// A server that is looked at on one connection; it must not be restarted meanwhile.
class on_server {
public:
    explicit on_server(const redis_server& server) : link_(server.socket_path()) {}

    redis::resp::reply ask(const std::vector<std::string>& words) { return link_.ask(words); }
    [[nodiscard]] std::string text(const std::string& key) { return ask({"GET", key}).text; }
    [[nodiscard]] std::string type(const std::string& key) { return ask({"TYPE", key}).text; }
    [[nodiscard]] std::string field(const std::string& key, const std::string& name) {
        return ask({"HGET", key, name}).text;
    }
    [[nodiscard]] bool has(const std::string& key) { return ask({"EXISTS", key}).integer == 1; }
    [[nodiscard]] std::int64_t keys() { return ask({"DBSIZE"}).integer; }
    [[nodiscard]] std::chrono::milliseconds left(const std::string& key) {
        return std::chrono::milliseconds(ask({"PTTL", key}).integer);
    }
    void put(const std::string& key, const std::string& value) { ask({"SET", key, value}); }
    void remove(const std::string& key) { ask({"DEL", key}); }

    /// Counts calls from now on.
    void reset_calls() { ask({"CONFIG", "RESETSTAT"}); }
    /// @return How often `command`, in small letters, was called, from scripts too.
    [[nodiscard]] int calls(const std::string& command) {
        const std::string all = ask({"INFO", "commandstats"}).text;
        const std::string line = "cmdstat_" + command + ":calls=";
        const auto at = all.find(line);
        return at == std::string::npos ? 0 : std::stoi(all.substr(at + line.size()));
    }

private:
    redis_link link_;
};

/// What a callback was told. Copies stand for the same answer; give one as the callback.
template <class T>
class told {
public:
    told() : answer_(std::make_shared<std::promise<result<T>>>()) {}
    void operator()(result<T> answer) const { answer_->set_value(std::move(answer)); }
    /// Waits for the callback; at most once. @throws std::runtime_error  If it does not come.
    [[nodiscard]] result<T> get() const {
        auto coming = answer_->get_future();
        if (coming.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
            throw std::runtime_error("the callback was not called");
        return coming.get();
    }

private:
    std::shared_ptr<std::promise<result<T>>> answer_;
};

}  // namespace holdfast::test
