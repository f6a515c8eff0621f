// SPDX-License-Identifier: BSL-1.0
#include "interop/node_peer.hpp"
#include "interop/party.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <stdexcept>
#include <utility>

namespace holdfast::test {
namespace {

using boost::json::object;

boost::json::array list_of(const names& which) {
    return boost::json::array(which.begin(), which.end());
}

class node_party : public party {
public:
    node_party(package which, const names& urls, pid_t* pid)
        : peer_(std::string(to_string(which)), urls) {
        if (pid != nullptr) *pid = peer_.pid();
    }

    std::optional<grip> take(const names& which, milliseconds ttl) override {
        return read_grip(peer_.receive(begin_take(which, ttl)), which, ttl);
    }
    look_for_grip wait_for(const std::string& name, milliseconds ttl) override {
        const auto request = begin_wait(name, ttl);
        return [this, request, name, ttl]() -> std::optional<grip> {
            const auto answer = peer_.look(request);
            if (!answer) return std::nullopt;
            auto got = read_grip(*answer, {name}, ttl);
            if (!got) throw std::runtime_error("gave up: " + boost::json::serialize(*answer));
            return got;
        };
    }

protected:
    [[nodiscard]] virtual std::int64_t begin_take(const names& which, milliseconds ttl) = 0;
    [[nodiscard]] virtual std::int64_t begin_wait(const std::string& name, milliseconds ttl) = 0;
    /// @return The lock that `answer` tells of, or nothing if it is a refusal.
    [[nodiscard]] virtual std::optional<grip> read_grip(const object& answer, const names& which,
                                                        milliseconds ttl) = 0;
    /// @return Whether `answer` is a yes. @throws std::runtime_error  If it is neither that nor an
    ///         error of the class `refusal`.
    static bool accepted(const object& answer, std::string_view refusal) {
        if (answer.at("ok").as_bool()) return true;
        if (refusal.empty() || text_in(answer, "name") != refusal)
            throw std::runtime_error("unexpected: " + boost::json::serialize(answer));
        return false;
    }

    node_peer peer_;
};

class node_redlock_4 : public node_party {
public:
    node_redlock_4(const names& urls, pid_t* pid) : node_party(package::redlock_4, urls, pid) {
        peer_.demand("configure", {{"retryCount", 0}, {"retryJitter", 1}});
    }
    bool release_by_id(const std::string& name, const std::string& id) override {
        return unlock(adopt(name, id));
    }
    bool extend_by_id(const std::string& name, const std::string& id, milliseconds ttl) override {
        return extend(adopt(name, id), ttl);
    }

private:
    std::int64_t begin_take(const names& which, milliseconds ttl) override {
        return peer_.send("lock", {{"resource", list_of(which)}, {"ttl", ttl.count()}});
    }
    std::int64_t begin_wait(const std::string& name, milliseconds ttl) override {
        const object options{{"retryCount", -1}, {"retryDelay", retry_delay.count()}};
        return peer_.send("lock", {{"resource", name}, {"ttl", ttl.count()}, {"options", options}});
    }
    std::optional<grip> read_grip(const object& answer, const names& /*which*/,
                                  milliseconds /*ttl*/) override {
        if (!accepted(answer, "LockError")) return std::nullopt;
        const std::int64_t handle = answer.at("handle").as_int64();
        return grip{text_in(answer, "value"), [this, handle] { return unlock(handle); },
                    [this, handle](milliseconds ttl) { return extend(handle, ttl); }};
    }
    std::int64_t adopt(const std::string& name, const std::string& id) {
        const object lock{{"resource", name}, {"value", id}, {"ttl", 60'000}};
        return peer_.demand("adopt", lock).at("handle").as_int64();
    }
    bool unlock(std::int64_t handle) {
        return accepted(peer_.ask("unlock", {{"handle", handle}}), "LockError");
    }
    bool extend(std::int64_t handle, milliseconds ttl) {
        return accepted(peer_.ask("extend", {{"handle", handle}, {"ttl", ttl.count()}}),
                        "LockError");
    }
};

class node_redlock_5 : public node_party {
public:
    node_redlock_5(const names& urls, pid_t* pid) : node_party(package::redlock_5, urls, pid) {
        peer_.demand("configure", {{"retryCount", 0}, {"retryJitter", 1}});
    }
    bool release_by_id(const std::string& name, const std::string& id) override {
        return release(adopt(name, id));
    }
    bool extend_by_id(const std::string& name, const std::string& id, milliseconds ttl) override {
        return extend(adopt(name, id), ttl).has_value();
    }

private:
    std::int64_t begin_take(const names& which, milliseconds ttl) override {
        return peer_.send("acquire", {{"resources", list_of(which)}, {"duration", ttl.count()}});
    }
    std::int64_t begin_wait(const std::string& name, milliseconds ttl) override {
        const object settings{
            {"retryCount", -1}, {"retryDelay", retry_delay.count()}, {"retryJitter", 1}};
        return peer_.send(
            "acquire",
            {{"resources", list_of({name})}, {"duration", ttl.count()}, {"settings", settings}});
    }
    // An extended lock is another object there.
    std::optional<grip> read_grip(const object& answer, const names& /*which*/,
                                  milliseconds /*ttl*/) override {
        if (!accepted(answer, "ExecutionError")) return std::nullopt;
        const auto handle = std::make_shared<std::int64_t>(answer.at("handle").as_int64());
        return grip{text_in(answer, "value"), [this, handle] { return release(*handle); },
                    [this, handle](milliseconds ttl) {
                        const auto next = extend(*handle, ttl);
                        if (next) *handle = *next;
                        return next.has_value();
                    }};
    }
    std::int64_t adopt(const std::string& name, const std::string& id) {
        const object lock{{"resources", list_of({name})}, {"value", id}, {"duration", 60'000}};
        return peer_.demand("adopt", lock).at("handle").as_int64();
    }
    bool release(std::int64_t handle) {
        return accepted(peer_.ask("release", {{"handle", handle}}), "ExecutionError");
    }
    std::optional<std::int64_t> extend(std::int64_t handle, milliseconds ttl) {
        const auto answer = peer_.ask("extend", {{"handle", handle}, {"duration", ttl.count()}});
        if (!accepted(answer, "ExecutionError")) return std::nullopt;
        return answer.at("handle").as_int64();
    }
};

class node_warlock : public node_party {
public:
    node_warlock(const names& urls, pid_t* pid) : node_party(package::warlock, urls, pid) {}
    bool release_by_id(const std::string& name, const std::string& id) override {
        return peer_.demand("unlock", {{"key", name}, {"id", id}}).at("result") == 1;
    }
    bool extend_by_id(const std::string& name, const std::string& id, milliseconds ttl) override {
        const object lock{{"key", name}, {"id", id}, {"ttl", ttl.count()}};
        return peer_.demand("touch", lock).at("result") == "OK";
    }

private:
    std::int64_t begin_take(const names& which, milliseconds ttl) override {
        return peer_.send("lock", {{"key", which.front()}, {"ttl", ttl.count()}});
    }
    std::int64_t begin_wait(const std::string& name, milliseconds ttl) override {
        return peer_.send("optimistic", {{"key", name},
                                         {"ttl", ttl.count()},
                                         {"maxAttempts", 1'000'000'000},
                                         {"wait", retry_delay.count()}});
    }
    std::optional<grip> read_grip(const object& answer, const names& which,
                                  milliseconds /*ttl*/) override {
        accepted(answer, {});
        if (!answer.contains("handle")) return std::nullopt;
        const std::int64_t handle = answer.at("handle").as_int64();
        const std::string id = text_in(answer, "id");
        return grip{id,
                    [this, handle] {
                        return peer_.demand("unlock", {{"handle", handle}}).at("result") == 1;
                    },
                    [this, name = which.front(), id](milliseconds ttl) {
                        return extend_by_id(name, id, ttl);
                    }};
    }
};

class node_dist_lock_2 : public node_party {
public:
    node_dist_lock_2(const names& urls, pid_t* pid) : node_party(package::dist_lock_2, urls, pid) {}
    bool release_by_id(const std::string& name, const std::string& id) override {
        return peer_.demand("releaseLock", {{"name", name}, {"id", id}}).at("result").as_bool();
    }
    bool extend_by_id(const std::string& name, const std::string& id, milliseconds ttl) override {
        const object lock{{"name", name}, {"id", id}, {"milliseconds", ttl.count()}};
        return peer_.demand("extendLock", lock).at("result").as_bool();
    }

private:
    std::int64_t begin(const std::string& name, milliseconds ttl, std::int64_t retries) {
        peer_.demand(
            "configure",
            {{"ttl", ttl.count()}, {"retryDelay", retry_delay.count()}, {"maxRetries", retries}});
        return peer_.send("acquire", {{"name", name}, {"owner", "interop"}});
    }
    std::int64_t begin_take(const names& which, milliseconds ttl) override {
        return begin(which.front(), ttl, 0);
    }
    std::int64_t begin_wait(const std::string& name, milliseconds ttl) override {
        return begin(name, ttl, -1);
    }
    std::optional<grip> read_grip(const object& answer, const names& /*which*/,
                                  milliseconds /*ttl*/) override {
        accepted(answer, {});
        if (!answer.at("got").as_bool()) return std::nullopt;
        const std::int64_t handle = answer.at("handle").as_int64();
        return grip{text_in(answer, "id"),
                    [this, handle] {
                        return peer_.demand("release", {{"handle", handle}}).at("result").as_bool();
                    },
                    [this, handle](milliseconds ttl) {
                        const object ask{{"handle", handle}, {"milliseconds", ttl.count()}};
                        return peer_.demand("extend", ask).at("result").as_bool();
                    }};
    }
};

}  // namespace

std::unique_ptr<party> make_node_party(package which, const names& urls, pid_t* pid) {
    switch (which) {
        case package::redlock_4: return std::make_unique<node_redlock_4>(urls, pid);
        case package::redlock_5: return std::make_unique<node_redlock_5>(urls, pid);
        case package::warlock: return std::make_unique<node_warlock>(urls, pid);
        case package::dist_lock_2: return std::make_unique<node_dist_lock_2>(urls, pid);
    }
    throw std::logic_error("no such package");
}

}  // namespace holdfast::test
