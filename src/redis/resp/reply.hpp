// SPDX-License-Identifier: BSL-1.0
//
// What it is: a reply of a Redis server, of protocol version 2 or 3, and the reader that finds
// replies in a stream of bytes. Our own, because hiredis 0.14, which Debian 12 has, does not know
// version 3 (docs/internals/redis.md).
// Thread safety: none; plain values and state.
// Source: redis.io, "Redis serialization protocol specification".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::redis::resp {

/// What kind of reply it is. Types of version 3 that carry the same are folded into those of 2.
enum class kind : std::uint8_t {
    nil,
    text,     ///< Simple, bulk and verbatim strings, doubles, big numbers.
    error,    ///< Simple and bulk errors.
    integer,  ///< Also booleans, as 0 and 1.
    array,    ///< Also sets, and maps as alternating keys and values.
    push,     ///< Not an answer to a command.
};

/// One reply.
struct reply {
    kind type{kind::nil};
    std::int64_t integer{0};
    std::string text;
    std::vector<reply> items;

    [[nodiscard]] bool is(kind k) const noexcept { return type == k; }
};

/// No reply that the library asks for comes near these.
inline constexpr std::size_t reply_bytes_max = std::size_t{2} << 20U;
inline constexpr unsigned reply_depth_max = 8;

/// Finds replies in a stream of bytes.
class reader {
public:
    /// Adds bytes that have arrived.
    void feed(std::string_view bytes) { buffer_.append(bytes); }

    /// What `next` found.
    enum class state { ready, incomplete, broken };
    /// Takes the next whole reply out of the bytes. After `broken` the stream is of no more use.
    /// @param into  What room it has is used again, so that who reads the same again and again
    ///              allocates nothing. Its content counts after `ready` only.
    [[nodiscard]] state next(reply& into);
    /// @return Why the stream is broken, for people. Quotes nothing of it.
    [[nodiscard]] std::string_view why_broken() const noexcept { return why_broken_; }

private:
    state read_value(reply& into, unsigned depth);
    state read_blob(reply& into, std::int64_t bytes, bool verbatim);
    state read_items(reply& into, std::int64_t count, unsigned depth);
    std::optional<std::string_view> read_line();
    state broken(std::string_view why);

    std::string buffer_;
    std::size_t taken_{0};   // Bytes of the buffer that belong to replies already given out.
    std::size_t cursor_{0};  // Where reading stands within the next reply.
    std::string_view why_broken_;
};

}  // namespace holdfast::redis::resp
