// SPDX-License-Identifier: BSL-1.0
//
// What it is: a server behind something that listens in: it notes each command, and lets a test do
// something between the server's answer and its arrival. One client at a time.
// Thread safety: `after_reply` is called from a thread of its own; the rest belongs to the test's.
#pragma once

#include "compat/on_server.hpp"
#include "integration/redis_fake.hpp"
#include "redis/script.hpp"
#include "support/redis_server.hpp"

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {

/// See the top of the file.
class relayed_server {
public:
    using hook = std::function<void(const command_words&)>;

    explicit relayed_server(hook after_reply = {})
        : after_reply_(std::move(after_reply)), relay_([this](fake_client& client) {
              relay(client, server_.socket_path(), [this](const command_words& asked) {
                  {
                      const std::scoped_lock lock(mutex_);
                      heard_.push_back(asked);
                  }
                  if (after_reply_) after_reply_(asked);
                  return true;
              });
          }) {}

    [[nodiscard]] std::string url() const { return relay_.url(); }
    [[nodiscard]] const redis_server& server() const noexcept { return server_; }
    /// @return The commands since the last call, each as a line: scripts by name, `ids` as `<id>`
    ///         and nothing as `''`.
    [[nodiscard]] std::vector<std::string> heard(const std::vector<std::string>& ids = {}) {
        std::vector<command_words> all;
        {
            const std::scoped_lock lock(mutex_);
            all.swap(heard_);
        }
        std::vector<std::string> lines;
        for (const command_words& one : all) lines.push_back(line(one, ids));
        return lines;
    }
    /// Makes the scripts known to the server, so that each call is one by hash; but for a client's
    /// first, which does not know the server's version yet.
    void load_scripts() const {
        on_server there(server_);
        for (const auto& [name, what] : named_scripts())
            there.ask({"SCRIPT", "LOAD", std::string(what->text(7))});
    }

private:
    using named_script = std::pair<std::string, const redis::script*>;
    static std::array<named_script, 8> named_scripts() {
        const redis::script_set& all = redis::scripts();
        return {named_script{"take_keys", &all.take_keys},
                {"renew_keys", &all.renew_keys},
                {"release_keys", &all.release_keys},
                {"break_keys", &all.break_keys},
                {"take_hash", &all.take_hash},
                {"renew_hash", &all.renew_hash},
                {"release_hash", &all.release_hash},
                {"break_hash", &all.break_hash}};
    }
    static std::string line(const command_words& command, const std::vector<std::string>& ids) {
        std::string text;
        for (std::string word : command) {
            for (const auto& [name, what] : named_scripts())
                for (const unsigned version : {0U, 7U})
                    if (word == what->sha1(version) || word == what->text(version)) word = name;
            for (const std::string& id : ids)
                if (word == id) word = "<id>";
            text.append(text.empty() ? "" : " ").append(word.empty() ? "''" : word);
        }
        return text;
    }

    hook after_reply_;
    redis_server server_;
    std::mutex mutex_;
    std::vector<command_words> heard_;
    fake_redis relay_;
};

}  // namespace holdfast::test
