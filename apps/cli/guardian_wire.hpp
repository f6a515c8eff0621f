// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the wrapper and its guardian say to each other, over a socket of packets that
// one fork made: both ends are the same program, so the structs travel as they lie in memory.
// Thread safety: plain values.
#pragma once

#include "boot_time.hpp"

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <type_traits>

namespace holdfast::cli {

/// What the wrapper tells its guardian.
enum class order_kind : int {
    start,      ///< Run CMD: `id`, `fence`, both deadlines, `foreground`.
    deadlines,  ///< The lock was renewed: both deadlines.
    lose,       ///< The lock is lost: SIGTERM now, SIGKILL at `kill_at`.
    signal,     ///< Send `signal` to CMD's group.
    resume,     ///< Continue CMD's group; give it the terminal if `foreground`.
};

struct guardian_order {
    order_kind kind{};
    int signal{0};
    bool foreground{false};
    boot_time term_at{never};
    boot_time kill_at{never};
    std::uint64_t fence{0};
    std::array<char, 65> id{};  ///< At most 64 characters and a zero.
};

/// How far the guardian had to go.
enum class stop_stage : int { none, terminating, killing };

/// What the guardian tells the wrapper.
enum class report_kind : int {
    stopped,  ///< CMD was stopped by `signal`.
    killing,  ///< The tree is being killed.
    gone,     ///< No descendant is left: `status`, `exec_error`, `stage`.
};

struct guardian_report {
    report_kind kind{};
    int signal{0};
    int status{0};      ///< CMD's, as of waitpid(2).
    int exec_error{0};  ///< Why CMD could not be run (errno), or 0.
    pid_t group{0};     ///< CMD's process group.
    stop_stage stage{stop_stage::none};
};

static_assert(std::is_trivially_copyable_v<guardian_order>);
static_assert(std::is_trivially_copyable_v<guardian_report>);

/// Sends without waiting. @return Whether it was sent; a full socket, or nobody there, is no.
template <class Message>
bool send_message(int socket, const Message& message) noexcept {
    return ::send(socket, &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(sizeof message);
}

/// How a look into the socket went.
enum class received { message, nothing, closed };

/// Takes one message, if there is one, without waiting.
template <class Message>
received receive_message(int socket, Message& message) noexcept {
    const auto got = ::recv(socket, &message, sizeof message, MSG_DONTWAIT);
    if (got == static_cast<ssize_t>(sizeof message)) return received::message;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? received::nothing : received::closed;
}

}  // namespace holdfast::cli
