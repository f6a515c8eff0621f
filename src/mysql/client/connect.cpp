// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/connection.hpp"
#include "mysql/client/library.hpp"
#include "mysql/client/server_error.hpp"
#include "mysql/sql.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <mysql.h>
#include <utility>

namespace holdfast::mysql {
namespace {

using boost::system::error_code;

/// The library's stack for a call. TLS needs most of it, and a sanitizer's wrappers some.
constexpr std::size_t stack_bytes = 256 * 1024;

bool is_address(const std::string& host) {
    error_code not_one;
    asio::ip::make_address(host, not_one);
    return !not_one;
}

}  // namespace

asio::awaitable<result<void>> connection::open(time_point deadline) {
    if (!set_library_up()) co_return failure{errc::denied, "libmariadb cannot be set up"};
    auto password = current_password(where_);
    if (!password) co_return password.error();
    password_ = std::move(*password);
    std::vector<std::string> hosts{where_.host};
    if (where_.unix_path.empty() && !is_address(where_.host)) {
        auto found = co_await look_up(deadline);
        if (!found) co_return found.error();
        // The library checks the certificate against the host that it was given; it then looks the
        // name up by itself, for which the system's own answer of just now is still at hand.
        if (where_.tls != tls_mode::verify) hosts = std::move(*found);
    }
    result<void> opened = failure{errc::unreachable, where_.address + ": no such host"};
    for (std::string& host : hosts) {
        opened = co_await connect_to(std::move(host), deadline);
        if (opened || opened.error().code != errc::unreachable) break;
    }
    password_ = {};
    if (opened) opened = co_await set_session_up(deadline);
    if (!opened) give_up();
    co_return opened;
}

asio::awaitable<result<std::vector<std::string>>> connection::look_up(time_point deadline) {
    struct found_hosts : wait_state {
        std::vector<std::string> hosts;
        error_code failed;
    };
    asio::ip::tcp::resolver resolver(env_.executor);
    alarm bell(env_.time);
    const auto state = std::make_shared<found_hosts>();
    const farewell at_end(*state, bell_, bell);
    auto take = [state](const error_code& failed,
                        const asio::ip::tcp::resolver::results_type& all) {
        if (!state->bell) return;
        state->failed = failed;
        for (const auto& entry : all) {
            error_code unused;
            state->hosts.push_back(entry.endpoint().address().to_string(unused));
        }
        state->ready = 1;
        state->bell->wake();
    };
    resolver.async_resolve(where_.host, std::to_string(where_.port), std::move(take));
    const wake_reason why = co_await bell.wait_until(deadline);
    if (aborted_ || (state->ready == 0 && why == wake_reason::cancelled))
        co_return failure{errc::cancelled, "cancelled"};
    if (state->ready == 0)
        co_return failure{errc::unreachable,
                          where_.address + ": look up the host: no answer in time"};
    if (state->failed)
        co_return failure{errc::unreachable,
                          where_.address + ": look up the host: " + state->failed.message()};
    co_return std::move(state->hosts);
}

result<void> connection::set_options(time_point deadline) {
    mysql_ = mysql_init(nullptr);
    if (!mysql_) return failure{errc::unreachable, "no memory for a connection"};
    const unsigned int no_files = 0;
    const unsigned int tcp = MYSQL_PROTOCOL_TCP;
    const my_bool yes = 1;
    const my_bool verified = where_.tls == tls_mode::verify ? 1 : 0;
    mysql_options(mysql_, MYSQL_OPT_NONBLOCK, &stack_bytes);
    mysql_options(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    // A server may ask for any file of ours, and for the password in clear text: not of us.
    mysql_options(mysql_, MYSQL_OPT_LOCAL_INFILE, &no_files);
    mysql_options(mysql_, MARIADB_OPT_RESTRICTED_AUTH,
                  "mysql_native_password,client_ed25519,caching_sha2_password,parsec");
    if (where_.unix_path.empty()) mysql_options(mysql_, MYSQL_OPT_PROTOCOL, &tcp);
    if (where_.tls == tls_mode::off) return {};
    // The library shakes hands without giving the thread back: at least it does so with a limit.
    const auto patience =
        std::min<std::chrono::nanoseconds>(where_.connect_timeout, deadline - env_.time.now());
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(patience);
    const auto limit = static_cast<unsigned int>(std::max<std::int64_t>(seconds.count(), 1));
    mysql_options(mysql_, MYSQL_OPT_CONNECT_TIMEOUT, &limit);
    mysql_options(mysql_, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verified);
    mysql_options(mysql_, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
    if (!where_.ca_file.empty())
        mysql_options(mysql_, MYSQL_OPT_SSL_CA, where_.ca_file.c_str());
    else if (verified != 0)
        mysql_options(mysql_, MYSQL_OPT_SSL_CAPATH, "/etc/ssl/certs");
    return {};
}

asio::awaitable<result<void>> connection::connect_to(std::string host, time_point deadline) {
    give_up();
    host_ = std::move(host);
    if (auto set = set_options(deadline); !set) co_return set;
    const time_point started = env_.time.now();
    connected_ = nullptr;
    const char* const socket = where_.unix_path.empty() ? nullptr : where_.unix_path.c_str();
    const int waits = begin(
        [this, socket] {
            return mysql_real_connect_start(&connected_, mysql_, socket ? nullptr : host_.c_str(),
                                            where_.user.c_str(), password_.reveal().data(),
                                            where_.database.c_str(), where_.port, socket, 0);
        },
        [this](int ready) { return mysql_real_connect_cont(&connected_, mysql_, ready); });
    if (auto done = co_await proceed(waits, deadline); !done) co_return done;
    if (!connected_) {
        failure why = refusal(mysql_errno(mysql_), mysql_error(mysql_));
        if (why.code == errc::protocol) why.code = errc::denied;
        // A handshake that ended at its limit was no refusal.
        const auto took = env_.time.now() - started;
        const bool late = env_.time.now() >= deadline || took >= where_.connect_timeout;
        if (where_.tls != tls_mode::off && late) why.code = errc::unreachable;
        co_return why;
    }
    if (where_.tls != tls_mode::off && !mysql_get_ssl_cipher(mysql_))
        co_return failure{errc::denied, where_.address + ": the server does not offer TLS"};
    co_return watch_socket();
}

asio::awaitable<result<void>> connection::set_session_up(time_point deadline) {
    for (const std::string_view sql : {sql::session, sql::session_isolation}) {
        auto said = co_await say(sql, deadline);
        if (!said) co_return without_effect(said.error());
    }
    co_return result<void>{};
}

}  // namespace holdfast::mysql
