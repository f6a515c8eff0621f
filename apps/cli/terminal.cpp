// SPDX-License-Identifier: BSL-1.0
#include "terminal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace holdfast::cli {
namespace {

bool is_pipe(int fd) noexcept {
    struct stat found {};
    return ::fstat(fd, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode));
}

}  // namespace

terminal::terminal()
    : device_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)),
      is_stream_(!is_pipe(STDIN_FILENO) && !is_pipe(STDOUT_FILENO) &&
                 (::isatty(STDIN_FILENO) == 1 || ::isatty(STDOUT_FILENO) == 1)) {}

bool terminal::is_ours() const noexcept {
    return present() && ::tcgetpgrp(device_.get()) == ::getpgrp();
}

bool terminal::should_be_lent() const noexcept { return is_stream_ && is_ours(); }

void terminal::take_back(pid_t group) const noexcept {
    if (!present()) return;
    const auto now = ::tcgetpgrp(device_.get());
    if (now == group || now <= 0) ::tcsetpgrp(device_.get(), ::getpgrp());
}

}  // namespace holdfast::cli
