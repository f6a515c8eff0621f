// SPDX-License-Identifier: BSL-1.0
//
// What it is: one connection as a stream of bytes: TCP, unix socket, or TLS over TCP with the
// server's certificate and host name checked.
// Thread safety: none; it belongs to its executor, or to who has its turn in place of it.
// Invariants: after `close` every operation under way ends, with an error.
#pragma once

#include <holdfast/errc.hpp>

#include "redis/client/settings.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::redis {

namespace asio = boost::asio;

/// See the top of the file.
class transport {
public:
    explicit transport(const asio::any_io_executor& executor);

    /// Connects, and shakes hands if it is TLS. Bounded by nothing: the owner closes it in time.
    /// @par Errors  `unreachable`; `denied` if a certificate or key is not as it has to be.
    [[nodiscard]] asio::awaitable<result<void>> open(const settings& where);
    /// @return How many bytes came, or why none did.
    [[nodiscard]] asio::awaitable<result<std::size_t>> read(std::span<char> into);
    /// Waits for bytes on the calling thread, without the executor, for a few milliseconds.
    /// @param turn  Locked; unlocked while it waits, so that others write, or close this.
    /// @return How many came: none in time, over TLS, or if something is wrong; `read` then tells.
    [[nodiscard]] std::size_t read_now(std::span<char> into, std::mutex& turn);
    /// Writes what the kernel takes at once. @return How many bytes: none over TLS, or if it takes
    /// none now, or failed; `write` then tells.
    [[nodiscard]] std::size_t write_now(std::string_view bytes) noexcept;
    /// Writes all of `bytes`.
    [[nodiscard]] asio::awaitable<result<void>> write(std::string_view bytes);
    void close() noexcept;

private:
    using socket = asio::generic::stream_protocol::socket;

    asio::awaitable<result<void>> open_tcp(const settings& where);
    asio::awaitable<result<void>> open_unix(const settings& where);
    asio::awaitable<result<void>> open_tls(const settings& where);
    asio::awaitable<boost::system::error_code> connect(asio::generic::stream_protocol::endpoint to);
    result<void> prepare_tls(const settings& where);
    result<void> make_plain();

    asio::ip::tcp::resolver resolver_;
    socket socket_;
    std::optional<asio::ssl::context> tls_context_;
    std::optional<asio::ssl::stream<socket&>> tls_;
    unsigned prompt_reads_{0};  // Without a turn of the executor between them.
    bool drained_{false};       // Nothing more was there when it was last read.
    bool reading_{false};       // In `read_now`, on another thread.
    bool ahead_{false};         // `read` has bytes that it did not give back yet.
    bool closed_{false};
};

}  // namespace holdfast::redis
