// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a client of the soak does, as records in a file that is mapped into its memory:
// what was written is there, however the process ends.
// Thread safety: one writer a file; readers come when it has ended.
// Invariants: times are nanoseconds of the boot clock, the same one for all processes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::soak {

enum class action : std::uint8_t {
    acquire,        ///< `deadline`: the end of its validity; `limit_ms`: how long it may take.
    hold,           ///< It looked, and it held the lock; `deadline` as it was then.
    write,          ///< It wrote to the guarded counter.
    lose,           ///< `completed`: when it was told; `deadline` as it was then.
    look_again,     ///< It looked again at what it has lost; ok: it held it.
    release,        ///< `invoked`: until when it held it; `deadline` as it was then.
    release_again,  ///< What it had released.
    let_go,         ///< It stopped renewing without a release.
    leave,          ///< Its process ends in order; `token`: descriptors, `holder`: threads left.
};

enum class outcome : std::uint8_t {
    unknown,  ///< It never learned; also of whoever was killed meanwhile.
    ok,
    busy,    ///< Somebody else has it.
    lost,    ///< It is not its own any more.
    failed,  ///< The store could not be had.
};

/// One thing that a client did.
struct record {
    std::int64_t invoked{0};
    std::int64_t completed{0};
    std::int64_t deadline{0};
    std::uint64_t token{0};
    std::uint64_t holder{0};  ///< The first half of the holder's id.
    std::uint32_t grant{0};   ///< Which grant of this client, from 1.
    std::uint32_t limit_ms{0};
    std::uint32_t ttl_ms{0};
    std::uint8_t lock{0};  ///< Which lock, over all stores.
    action what{};
    outcome how{};
    std::uint8_t reason{0};  ///< A `lost_reason`.
};

/// @return Now, on the clock of records.
[[nodiscard]] std::int64_t now_ns() noexcept;

/// Writes a history.
class history_writer {
public:
    /// Makes the file `path`. @throws std::system_error
    explicit history_writer(const std::string& path);
    history_writer(const history_writer&) = delete;
    history_writer& operator=(const history_writer&) = delete;
    ~history_writer();

    /// Notes that something begins; its outcome is unknown until `end`. One at a time.
    /// @throws std::runtime_error  If the file is full.
    record& begin(const record& what);
    /// Notes that it has ended now.
    static void end(record& what, outcome how) noexcept;
    /// @return Whether there is room for the next round.
    [[nodiscard]] bool has_room() const noexcept;

private:
    struct head;
    head* head_{nullptr};
};

/// @return What stands in `path`. @throws std::runtime_error  If it is no history.
[[nodiscard]] std::vector<record> read_history(const std::string& path);

}  // namespace holdfast::soak
