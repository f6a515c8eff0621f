// SPDX-License-Identifier: BSL-1.0
#include "sqlite/wake_file.hpp"

#include "sqlite/place.hpp"

#include <boost/asio/error.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace holdfast::sqlite {
namespace {

// For people who look into it; a read of nothing would not be told to watchers.
constexpr std::string_view content =
    "Reading this file wakes the waiters of the lock file beside it.\n";

// IN_ATTRIB comes when the file is unlinked, which does not end a watch while it is open.
constexpr std::uint32_t what_wakes =
    IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

// As SQLite does with the files beside a database. Made only by those who may write the database:
// anybody else's file would keep them out, also where it was their file that was here before.
int open_like(const std::string& path, const std::string& database) {
    constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    const int existing = ::open(path.c_str(), flags);
    if (existing >= 0 || errno != ENOENT) return existing;
    struct stat model {};
    const bool has_model = ::stat(database.c_str(), &model) == 0;
    if (const int barred = has_model ? why_barred(database) : 0) {
        errno = barred;
        return -1;
    }
    const mode_t mode = has_model ? model.st_mode & 0666 : 0600;
    const int made = ::open(path.c_str(), flags | O_CREAT, mode);
    if (made < 0 || !has_model) return made;
    // Past the umask; and what root makes must not keep the database's owner out. Where this is not
    // allowed, it is not needed either.
    [[maybe_unused]] const int wider = ::fchmod(made, mode);
    if (::geteuid() == 0) [[maybe_unused]]
        const int given = ::fchown(made, model.st_uid, model.st_gid);
    return made;
}

}  // namespace

result<void> wake_file::open(const std::string& database) {
    close();
    database_ = database;
    const std::string path = database + "-notify";
    fd_ = open_like(path, database);
    if (fd_ < 0) return failure(errc::denied, with_errno("cannot open " + path, errno));
    struct stat about {};
    if (::fstat(fd_, &about) != 0 || !S_ISREG(about.st_mode))
        return failure(errc::denied, path + " is not a regular file");
    if (about.st_size > 0) return {};
    const ssize_t written = ::pwrite(fd_, content.data(), content.size(), 0);
    if (written <= 0) return failure(errc::denied, with_errno("cannot write " + path, errno));
    return {};
}

void wake_file::close() noexcept {
    boost::system::error_code ignored;  // An inotify descriptor has nothing to lose.
    if (events_) events_->close(ignored);
    events_.reset();
    listening_ = false;
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

bool wake_file::unlinked() const noexcept {
    struct stat about {};
    return ::fstat(fd_, &about) == 0 && about.st_nlink == 0;
}

void wake_file::touch() {
    // Somebody tidied up: others watch the new file, if any.
    if (unlinked() && open(std::string(database_))) wake_all();
    char byte = 0;
    // If it fails, waiters in other processes find out by the lease's end.
    if (::pread(fd_, &byte, 1, 0) != 0) return;
    // Somebody emptied it, and a read of nothing is not told. To write is, as well.
    [[maybe_unused]] const ssize_t written = ::pwrite(fd_, content.data(), content.size(), 0);
}

void wake_file::wake_all() {
    for (const waiter& each : waiters_) each.bell->wake();
}

void wake_file::wake_next(std::string_view name) {
    const auto next = std::find_if(waiters_.begin(), waiters_.end(),
                                   [&](const waiter& each) { return each.name == name; });
    if (next != waiters_.end()) next->bell->wake();
}

bool wake_file::watch() {
    if (unlinked()) [[maybe_unused]]
        const auto reopened = open(std::string(database_));
    if (events_) return true;
    if (fd_ < 0) return false;
    const int events = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (events < 0)
        return false;  // The kernel allows each user only so many: see max_user_instances.
    // By the descriptor, not by the path: the two might name different files by now.
    const std::string same_file = "/proc/self/fd/" + std::to_string(fd_);
    if (::inotify_add_watch(events, same_file.c_str(), what_wakes) < 0) {
        ::close(events);
        return false;
    }
    events_.emplace(executor_, events);
    ++watches_;
    if (!waiters_.empty()) listen();
    return true;
}

void wake_file::enter(const waiter& who) {
    waiters_.push_back(who);
    if (events_ && !listening_) listen();
}

void wake_file::leave(alarm* bell) noexcept {
    std::erase_if(waiters_, [bell](const waiter& each) { return each.bell == bell; });
    boost::system::error_code ignored;  // Without a pending wait there is nothing to cancel.
    if (waiters_.empty() && listening_ && events_) events_->cancel(ignored);
}

void wake_file::listen() {
    listening_ = true;
    auto woken = [self = weak_from_this(),
                  watch = watches_](const boost::system::error_code& failed) {
        const auto file = self.lock();
        if (!file || !file->events_ || file->watches_ != watch) return;
        file->listening_ = false;
        if (failed && failed != asio::error::operation_aborted) return;
        alignas(inotify_event) std::array<char, 4096> drained;
        while (::read(file->events_->native_handle(), drained.data(), drained.size()) > 0) {
        }
        if (file->waiters_.empty()) return;
        if (!failed) file->wake_all();
        file->listen();
    };
    events_->async_wait(asio::posix::stream_descriptor::wait_read, std::move(woken));
}

}  // namespace holdfast::sqlite
