// SPDX-License-Identifier: BSL-1.0
#include "redis/client/transport.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace holdfast::redis {
namespace {

using boost::system::error_code;

constexpr unsigned prompt_reads_max = 4;

failure unreachable(std::string_view doing, const error_code& why) {
    return {errc::unreachable, std::string(doing) + ": " + why.message()};
}

/// TLS alerts by which a peer says that it will never take us as we are (RFC 8446, section 6.2):
/// handshake_failure, the certificate's own, access_denied, protocol_version,
/// insufficient_security, certificate_required.
bool refuses_for_good(int alert) noexcept {
    return alert == 40 || (alert >= 42 && alert <= 46) || alert == 48 || alert == 49 ||
           alert == 70 || alert == 71 || alert == 116;
}

// A server that asks for a certificate may say so after the handshake, so reads meet it too.
failure tls_failure(std::string_view doing, const error_code& why) {
    failure failed = unreachable(doing, why);
    if (why.category() != asio::error::get_ssl_category()) return failed;
    const int reason = ERR_GET_REASON(static_cast<unsigned long>(why.value()));
    if (refuses_for_good(reason - SSL_AD_REASON_OFFSET))
        failed.code = errc::denied;
    else if (reason == SSL_R_WRONG_VERSION_NUMBER)
        failed = {errc::protocol, "the server does not speak TLS"};
    return failed;
}

// What the macro SSL_set_tlsext_host_name does, without its C casts.
bool announce_host(SSL* ssl, std::string host) {
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

}  // namespace

transport::transport(const asio::any_io_executor& executor)
    : resolver_(executor), socket_(executor) {}

asio::awaitable<result<void>> transport::open(const settings& where) {
    result<void> opened;
    if (where.unix_path.empty())
        opened = co_await open_tcp(where);
    else
        opened = co_await open_unix(where);
    if (opened && where.tls) opened = co_await open_tls(where);
    if (opened && !where.tls) opened = make_plain();
    if (closed_ && opened) opened = failure{errc::unreachable, "closed"};
    co_return opened;
}

asio::awaitable<error_code> transport::connect(asio::generic::stream_protocol::endpoint to) {
    error_code failed;
    if (socket_.is_open()) socket_.close(failed);
    const int family = to.protocol().family();
    // Made here, because Asio's own sockets are inherited by the programs that a user starts.
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) co_return error_code(errno, boost::system::system_category());
    socket_.assign(to.protocol(), fd, failed);
    if (failed) {
        ::close(fd);
        co_return failed;
    }
    if (closed_) co_return asio::error::operation_aborted;
    co_await socket_.async_connect(to, asio::redirect_error(asio::use_awaitable, failed));
    co_return failed;
}

asio::awaitable<result<void>> transport::open_unix(const settings& where) {
    const asio::local::stream_protocol::endpoint endpoint(where.unix_path);
    const asio::generic::stream_protocol::endpoint to(endpoint);
    const error_code failed = co_await connect(to);
    if (failed) co_return unreachable("connect", failed);
    co_return result<void>{};
}

asio::awaitable<result<void>> transport::open_tcp(const settings& where) {
    error_code failed;
    const std::string port = std::to_string(where.port);
    const auto found = co_await resolver_.async_resolve(
        where.host, port, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return unreachable("look up the host", failed);
    failed = asio::error::host_not_found;
    for (const auto& entry : found) {
        const asio::generic::stream_protocol::endpoint to(entry.endpoint());
        failed = co_await connect(to);
        if (!failed || closed_) break;
    }
    if (failed) co_return unreachable("connect", failed);
    error_code ignored;  // Both only make it faster, or surer to notice a dead peer.
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    co_return result<void>{};
}

result<void> transport::prepare_tls(const settings& where) {
    error_code failed;
    auto& context = tls_context_.emplace(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    context.set_verify_mode(asio::ssl::verify_peer, failed);
    if (where.ca_file.empty())
        context.set_default_verify_paths(failed);
    else
        context.load_verify_file(where.ca_file, failed);
    if (failed) return failure{errc::denied, "ca_file " + where.ca_file + ": " + failed.message()};
    if (!where.cert_file.empty()) {
        context.use_certificate_chain_file(where.cert_file, failed);
        if (failed)
            return failure{errc::denied, "cert_file " + where.cert_file + ": " + failed.message()};
        context.use_private_key_file(where.key_file, asio::ssl::context::pem, failed);
        if (failed)
            return failure{errc::denied, "key_file " + where.key_file + ": " + failed.message()};
    }
    tls_.emplace(socket_, context);
    SSL* const ssl = tls_->native_handle();
    error_code no_address;
    asio::ip::make_address(where.host, no_address);
    // The name is checked by OpenSSL itself: RFC 9525 rules, no wildcards within a label.
    X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool set =
        no_address ? SSL_set1_host(ssl, where.host.c_str()) == 1 && announce_host(ssl, where.host)
                   : X509_VERIFY_PARAM_set1_ip_asc(rules, where.host.c_str()) == 1;
    if (!set) return failure{errc::denied, "TLS: the host name cannot be checked"};
    return {};
}

asio::awaitable<result<void>> transport::open_tls(const settings& where) {
    if (auto prepared = prepare_tls(where); !prepared) co_return prepared;
    error_code failed;
    co_await tls_->async_handshake(asio::ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, failed));
    if (!failed) co_return result<void>{};
    const long verdict = SSL_get_verify_result(tls_->native_handle());
    if (verdict != X509_V_OK)
        co_return failure{errc::denied, std::string("TLS: the server's certificate is refused: ") +
                                            X509_verify_cert_error_string(verdict)};
    co_return tls_failure("TLS handshake", failed);
}

asio::awaitable<result<std::size_t>> transport::read(std::span<char> into) {
    error_code failed;
    if (tls_) {
        const auto buffer = asio::buffer(into.data(), into.size());
        auto token = asio::redirect_error(asio::use_awaitable, failed);
        const std::size_t bytes = co_await tls_->async_read_some(buffer, token);
        if (failed == asio::error::eof) co_return failure{errc::unreachable, "the server hung up"};
        if (failed) co_return tls_failure("read", failed);
        co_return bytes;
    }
    for (;;) {  // Ends with the connection.
        // Who waits is told at once of what is there: after a short read, another is most often in
        // vain.
        if (std::exchange(drained_, false)) {
            co_await socket_.async_wait(socket::wait_read,
                                        asio::redirect_error(asio::use_awaitable, failed));
            if (failed) co_return unreachable("read", failed);
        }
        if (closed_) co_return unreachable("read", asio::error::operation_aborted);
        const auto got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
        if (got > 0) {
            drained_ = static_cast<std::size_t>(got) < into.size();
            // Where bytes are always there, others of the executor are to have their turn too.
            if (!drained_ && ++prompt_reads_ % prompt_reads_max == 0) {
                ahead_ = true;
                co_await asio::post(socket_.get_executor(), asio::use_awaitable);
                ahead_ = false;
            }
            co_return static_cast<std::size_t>(got);
        }
        if (got == 0) co_return failure{errc::unreachable, "the server hung up"};
        failed.assign(errno, boost::system::system_category());
        if (failed != asio::error::would_block && failed != asio::error::interrupted)
            co_return unreachable("read", failed);
        drained_ = true;
    }
}

std::size_t transport::read_now(std::span<char> into, std::mutex& turn) {
    if (tls_ || closed_ || ahead_) return 0;
    const int fd = socket_.native_handle();
    reading_ = true;
    turn.unlock();
    const auto got = ::recv(fd, into.data(), into.size(), 0);
    turn.lock();
    reading_ = false;
    if (closed_) close();  // All of it, now that nobody reads.
    return got > 0 && !closed_ ? static_cast<std::size_t>(got) : 0;
}

std::size_t transport::write_now(std::string_view bytes) noexcept {
    if (tls_ || closed_) return 0;
    const auto sent =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

asio::awaitable<result<void>> transport::write(std::string_view bytes) {
    error_code failed;
    if (tls_) {
        const auto buffer = asio::buffer(bytes.data(), bytes.size());
        auto token = asio::redirect_error(asio::use_awaitable, failed);
        co_await asio::async_write(*tls_, buffer, token);
        if (failed) co_return tls_failure("write", failed);
        co_return result<void>{};
    }
    while (!bytes.empty()) {
        if (closed_) co_return unreachable("write", asio::error::operation_aborted);
        const auto sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        failed.assign(errno, boost::system::system_category());
        if (failed != asio::error::would_block && failed != asio::error::interrupted)
            co_return unreachable("write", failed);
        co_await socket_.async_wait(socket::wait_write,
                                    asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return unreachable("write", failed);
    }
    co_return result<void>{};
}

// Without TLS Asio only tells us when to read and write. It has watched for when to write since it
// connected, and would tell of that at each wait to read; so it is to begin anew. It has also made
// the socket non-blocking: we say that each time that it must not block, and `read_now` can wait
// within its one system call.
result<void> transport::make_plain() {
    error_code failed;
    const auto protocol = socket_.local_endpoint(failed).protocol();
    const int fd = failed ? -1 : socket_.release(failed);
    if (failed) return unreachable("open", failed);
    socket_.assign(protocol, fd, failed);
    if (failed) {
        ::close(fd);
        return unreachable("open", failed);
    }
    // Asio is told that it is non-blocking, or it would make it so at its first wait.
    socket_.native_non_blocking(true, failed);
    if (failed) return unreachable("open", failed);
    timeval limit{};
    limit.tv_usec = 1'000;  // The kernel rounds it up to its own steps, some milliseconds.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0) ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return {};
}

void transport::close() noexcept {
    closed_ = true;
    resolver_.cancel();
    error_code ignored;  // There is nothing left to lose on it.
    // Under who waits for it its number must not become another file's.
    if (socket_.is_open() && reading_)
        socket_.shutdown(socket::shutdown_both, ignored);
    else if (socket_.is_open())
        socket_.close(ignored);
}

}  // namespace holdfast::redis
