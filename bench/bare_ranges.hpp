// SPDX-License-Identifier: BSL-1.0
//
// What it is: the limit that a hold on a range can reach: the store's own script or statements,
// given to the server by a client that does nothing else.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::bench {

/// The key of all holds that are measured.
inline constexpr const char* ranges_key = "bench";
/// For how long each of them is held.
inline constexpr std::int64_t ranges_ttl_ms = 600'000;

/// One client.
class bare_ranges {
public:
    bare_ranges() = default;
    bare_ranges(const bare_ranges&) = delete;
    bare_ranges& operator=(const bare_ranges&) = delete;
    virtual ~bare_ranges() = default;

    /// @throws std::runtime_error  If it is not granted.
    virtual void hold(std::int64_t start, std::int64_t end) = 0;
    /// Releases what was held last.
    virtual void release() = 0;
    /// Makes so many holds, of [0, 1), [2, 3), ... that last a day, where that is faster than the
    /// locker's way. @return Whether it did.
    virtual bool fill(int) { return false; }
};

/// @param client  Its number.
/// @return The limit for the store of that URL, where its tables are already; null if there is
///         none. @throws std::runtime_error  If the server cannot be used.
[[nodiscard]] std::unique_ptr<bare_ranges> make_bare_ranges(const std::string& url, int client);

/// @return What a Redis server says that it uses; 0 for all other stores.
[[nodiscard]] double server_bytes(const std::string& url);

/// @return How many deadlocks the server has broken so far; nothing where it does not tell.
[[nodiscard]] std::optional<std::int64_t> server_deadlocks(const std::string& url);

}  // namespace holdfast::bench
