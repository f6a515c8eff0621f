// SPDX-License-Identifier: BSL-1.0
#include "chaos/soak/soak_server.hpp"

#include "integration/redis_link.hpp"
#include "support/acl_user.hpp"
#include "support/mariadb_server.hpp"
#include "support/redis_server.hpp"

#include <algorithm>

namespace holdfast::soak {
namespace {

class redis_here final : public soak_server {
public:
    const std::string& socket_path() const override { return server_.socket_path(); }
    std::string url_behind(const std::string& host_and_port) const override {
        return "redis://" + test::acl_user_part() + host_and_port;
    }
    void signal(int number) override { server_.signal(number); }
    void kill() override { server_.kill(); }
    void restart() override { server_.restart(); }
    void end_connections(bool some) override {
        static_cast<void>(server_.command({"CLIENT", "KILL", "TYPE", some ? "normal" : "pubsub"}));
    }
    void forget_prepared() override { static_cast<void>(server_.command({"SCRIPT", "FLUSH"})); }
    leftovers look() const override {
        test::redis_link there(server_.socket_path());
        leftovers left;
        for (const auto& found : there.ask({"KEYS", "*"}).items) {
            const bool counter = found.text.ends_with(":f");
            if (counter && there.ask({"PTTL", found.text}).integer != -1) continue;
            left.example = found.text;
            ++left.locks;
        }
        const std::string list = there.ask({"CLIENT", "LIST"}).text;
        left.connections = static_cast<int>(std::ranges::count(list, '\n')) - 1;  // One is ours.
        left.subscriptions = static_cast<int>(there.ask({"PUBSUB", "CHANNELS"}).items.size());
        return left;
    }

private:
    test::redis_server server_{{.arguments = {"--appendonly", "yes", "--appendfsync", "always"}}};
};

class mariadb_here final : public soak_server {
public:
    const std::string& socket_path() const override { return server_.socket_path(); }
    std::string url_behind(const std::string& host_and_port) const override {
        return "mysql://app:app%20pw@" + host_and_port + "/locks";
    }
    void signal(int number) override { server_.signal(number); }
    void kill() override { server_.kill(); }
    void restart() override { server_.restart(); }
    void end_connections(bool some) override {
        test::sql_session root(server_);
        // Some are thrown out, some see their statement end.
        root.try_ask(some ? "KILL USER app" : "KILL QUERY USER app");
    }
    void forget_prepared() override { test::sql_session(server_).ask("FLUSH TABLES"); }
    leftovers look() const override {
        test::sql_session root(server_);
        leftovers left;
        left.connections = std::stoi(
            root.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'app'"));
        // Rows stay for their tokens until they are swept; a lease has a value, and ends.
        const auto held = root.ask(
            "SELECT name FROM holdfast_lock WHERE value <> '' AND expires > "
            "TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))");
        for (const auto& row : held) {
            left.example = row.front();
            ++left.locks;
        }
        return left;
    }

private:
    test::mariadb_server server_;
};

}  // namespace

std::unique_ptr<soak_server> start_redis() { return std::make_unique<redis_here>(); }
std::unique_ptr<soak_server> start_mariadb() { return std::make_unique<mariadb_here>(); }

}  // namespace holdfast::soak
