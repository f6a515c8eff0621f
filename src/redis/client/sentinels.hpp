// SPDX-License-Identifier: BSL-1.0
//
// What it is: the sentinels that watch a master and its replicas: asked where the master is, and
// heard when it becomes another one. All are asked at once; the place that most of them name
// counts, so that one that is cut off and behind is outvoted.
// Source: Redis documentation, "Guidelines for Redis clients with support for Redis Sentinel";
// the message +switch-master from "Sentinel Pub/Sub Messages".
// Thread safety: none; it belongs to its executor.
// Invariants: once stopped it touches neither the timeline nor its clients' connections.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "base/store_url.hpp"
#include "redis/client/settings.hpp"
#include "redis/resp/reply.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis {

class client;

/// See the top of the file.
class sentinels : public std::enable_shared_from_this<sentinels> {
public:
    /// @param where  Of the store: `where.sentinels` is not empty.
    sentinels(const store_environment& environment, const settings& where);

    /// Asks where the master is. As soon as most sentinels agree that is the answer; else the place
    /// named most often of those that answer in time.
    /// @return A place with a port.
    /// @par Errors  `unreachable`: none knows it for now. `denied`: they watch no such master, or
    ///              refuse us. `cancelled`: it was stopped.
    [[nodiscard]] asio::awaitable<result<base::server_place>> find_master();

    /// From now on `who` is told where the master is whenever a sentinel says that it has changed.
    void tell(std::weak_ptr<client> who);

    /// Ends everything.
    void stop();

private:
    struct question;  // One `find_master`.
    /// One sentinel, and what is heard from it.
    struct watcher {
        watcher(std::shared_ptr<client> to, timeline& time) : line(std::move(to)), bell(time) {}
        std::shared_ptr<client> line;
        alarm bell;  // Of who listens to it.
    };

    asio::awaitable<void> ask(std::size_t which, std::shared_ptr<question> about);
    [[nodiscard]] result<base::server_place> conclude(const question& about) const;
    void start_listening();
    asio::awaitable<void> listen(std::size_t which);
    asio::awaitable<result<void>> subscribe(std::shared_ptr<client> line);
    void take_in(const resp::reply& push);

    store_environment env_;
    std::string master_name_;
    std::vector<std::unique_ptr<watcher>> all_;
    std::vector<std::weak_ptr<client>> clients_;
    bool listening_{false};
    bool stopped_{false};
};

/// @return The sentinels that `where` names, or null.
[[nodiscard]] std::shared_ptr<sentinels> sentinels_of(const store_environment& environment,
                                                      const settings& where);

/// Reads the reply to SENTINEL GET-MASTER-ADDR-BY-NAME.
/// @par Errors  `denied`: no such master, or a refusal; `protocol`.
[[nodiscard]] result<base::server_place> read_master_place(const resp::reply& answer);

/// Reads what is published as +switch-master: `NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT`.
/// @return The new place, if `message` is about `master_name` and makes sense.
[[nodiscard]] std::optional<base::server_place> read_switch(std::string_view message,
                                                            std::string_view master_name);

}  // namespace holdfast::redis
