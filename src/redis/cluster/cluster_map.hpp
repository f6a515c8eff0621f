// SPDX-License-Identifier: BSL-1.0
//
// What it is: which master serves which slot of a cluster, as far as is known: asked for when
// nothing is known, corrected by what servers say, asked for again when one does not answer.
// Thread safety: none; it belongs to its executor.
// Invariants: a server's store, once made, stays as long as the map: what is under way may end.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/store.hpp>

#include "redis/client/settings.hpp"
#include "redis/cluster/slot.hpp"
#include "redis/redis_store.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::redis {

/// See the top of the file.
class cluster_map : public std::enable_shared_from_this<cluster_map> {
public:
    /// @param where  Of the store: `where.seeds` is not empty.
    cluster_map(const store_environment& environment, settings where);
    cluster_map(const cluster_map&) = delete;
    cluster_map& operator=(const cluster_map&) = delete;

    /// @return The store of the master that serves `slot`; it stays valid.
    /// @par Errors  `unreachable`: nobody tells, or nobody serves it for now. `denied`, `protocol`:
    ///              what the servers say to the question. `cancelled`.
    [[nodiscard]] asio::awaitable<result<redis_store*>> master_of(std::uint16_t slot,
                                                                  time_point deadline);
    /// Asks the cluster anew, unless that was done a moment ago. It goes on whatever becomes of
    /// who waits for it.
    [[nodiscard]] asio::awaitable<result<void>> refresh(time_point deadline);
    /// Begins that, and does not wait: a master did not answer.
    void refresh_soon();
    /// @return The store of whom `master_of` would name now; null if nobody is known.
    [[nodiscard]] redis_store* known_master(std::uint16_t slot);
    /// @return All masters, each once.
    [[nodiscard]] asio::awaitable<result<std::vector<redis_store*>>> masters(time_point deadline);

    void stop();

private:
    /// What is known. Connections may outlive the store, and tell of redirections until they end.
    struct knowledge {
        static constexpr std::uint16_t nobody = 0xFFFF;

        /// @return The number of the server there; the same one from now on.
        std::uint16_t number_of(const base::server_place& place);
        /// @return A key in some slot of that server.
        [[nodiscard]] std::string guard_key_of(std::uint16_t which) const;

        std::vector<base::server_place> places;
        std::array<std::uint16_t, slots_of_a_cluster> served_by{};
    };

    [[nodiscard]] redis_store& store_of(std::uint16_t which);
    [[nodiscard]] std::shared_ptr<client> asker_of(std::uint16_t which);
    asio::awaitable<void> run_refresh();
    asio::awaitable<result<void>> ask_around(time_point deadline);
    asio::awaitable<result<void>> ask(std::uint16_t which, time_point deadline);

    store_environment env_;
    settings where_;
    std::shared_ptr<knowledge> known_ = std::make_shared<knowledge>();
    std::vector<std::unique_ptr<redis_store>> stores_;  // By number; null: not needed so far.
    std::shared_ptr<client> asker_;                     // Of one server, whose number is ...
    std::uint16_t asker_number_{0};                     // ... this one.
    std::uint16_t next_{0};                             // Who is asked first.
    time_point asked_at_{};                             // When a refresh ended.
    result<void> last_{};                               // How that went.
    std::vector<alarm*> waiting_;                       // Of those who wait for what is under way.
    bool asking_{false};
    bool stopped_{false};
};

}  // namespace holdfast::redis
