// SPDX-License-Identifier: BSL-1.0
#include "sqlite/place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

namespace holdfast::sqlite {
namespace {

// statfs(2) says the same numbers; not every libc has names for all of them.
constexpr unsigned long nfs_magic = 0x6969;
constexpr unsigned long smb_magic = 0x517B;
constexpr unsigned long cifs_magic = 0xFF534D42;
constexpr unsigned long smb2_magic = 0xFE534D42;

failure denied(std::string cause, int error) {
    return {errc::denied, with_errno(std::move(cause), error)};
}

const char* network_file_system(unsigned long type) noexcept {
    switch (type & 0xFFFFFFFF) {
        case nfs_magic: return "NFS";
        case smb_magic:
        case cifs_magic:
        case smb2_magic: return "SMB";
        default: return nullptr;
    }
}

// Keeps the threads of this process apart between making the file and closing it: a close drops
// all POSIX locks on that file, also those of a store that opened it in between.
std::mutex making;

// An advisory lock on a whole open file description; it goes with this object.
class file_lock {
public:
    explicit file_lock(int fd) noexcept : fd_(fd), held_(::flock(fd, LOCK_EX | LOCK_NB) == 0) {}
    file_lock(const file_lock&) = delete;
    file_lock& operator=(const file_lock&) = delete;
    ~file_lock() {
        if (held_) ::flock(fd_, LOCK_UN);
    }
    [[nodiscard]] bool held() const noexcept { return held_; }

private:
    int fd_;
    bool held_;
};

}  // namespace

std::string with_errno(std::string cause, int error) {
    return std::move(cause) + " (" + std::generic_category().message(error) + ")";
}

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

int why_barred(const std::string& path) noexcept {
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0) return 0;
    // A sandbox that does not know the call may answer otherwise; then opening will tell.
    return errno == EACCES || errno == EROFS ? errno : 0;
}

std::optional<failure> check_place(const std::string& path) {
    struct stat about {};
    const bool there = ::stat(path.c_str(), &about) == 0;
    if (!there && errno != ENOENT) return denied("cannot be reached", errno);
    if (!there && ::lstat(path.c_str(), &about) == 0 && S_ISLNK(about.st_mode))
        return failure(errc::denied, "is a symbolic link that leads nowhere");
    if (there && S_ISDIR(about.st_mode)) return failure(errc::denied, "is a directory");
    if (there && !S_ISREG(about.st_mode)) return failure(errc::denied, "is not a regular file");
    // SQLite's log and index lie beside the name by which it was opened.
    if (there && about.st_nlink > 1)
        return failure(errc::denied,
                       "has several names (hard links), and who uses one of them would not see "
                       "the locks of who uses another");
    // SQLite takes a file of one byte for a new one.
    if (there && about.st_size == 1) return failure(errc::wrong_type, "is not a database");
    // Before anything is made beside it: what somebody without rights leaves there, be it through
    // SQLite, would keep those out who have them.
    if (const int barred = there ? why_barred(path) : 0)
        return denied("cannot be read and written by this user", barred);
    struct statfs system {};
    const std::string directory = directory_of(path);
    int known = ::statfs(there ? path.c_str() : directory.c_str(), &system);
    if (known != 0 && there && errno == ENOENT)  // It has just been removed.
        known = ::statfs(directory.c_str(), &system);
    if (known != 0) return denied("its directory cannot be reached", errno);
    if (const char* kind = network_file_system(static_cast<unsigned long>(system.f_type)))
        return failure(errc::denied,
                       std::string("lies on ") + kind +
                           ", where the processes of several machines cannot share a database");
    return std::nullopt;
}

result<std::string> true_path(const std::string& path) {
    std::error_code failed;
    auto real = std::filesystem::canonical(path, failed);
    const bool there = !failed;
    const bool removed = failed == std::errc::no_such_file_or_directory;
    if (removed) real = std::filesystem::canonical(directory_of(path), failed);
    if (failed) return denied("cannot be reached", failed.value());
    // To the kernel a link of /proc may lead elsewhere than it says; SQLite goes by what it says.
    if (real != path) {
        const std::string asked = there ? path : directory_of(path);
        const auto wanted = identity_of(asked);
        const auto found = identity_of(real.string());
        if (!wanted || wanted != found) {
            const bool lasts = wanted && found && identity_of(asked) == wanted &&
                               identity_of(real.string()) == found &&
                               std::filesystem::canonical(asked, failed) == real;
            if (!lasts) return failure(errc::contended, "has just changed");
            return failure(errc::denied,
                           "leads elsewhere than its links say, and SQLite would follow those");
        }
    }
    return there ? real.string() : (real / std::filesystem::path(path).filename()).string();
}

std::optional<file_identity> identity_of(const std::string& path) noexcept {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return std::nullopt;
    return file_identity{about.st_dev, about.st_ino};
}

result<file_origin> make_file(const std::string& path, int guard_fd) {
    const std::lock_guard one_at_a_time(making);
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0) return file_origin::existed;
    if (errno != ENOENT) return denied("cannot be reached", errno);
    const file_lock sole_maker(guard_fd);
    if (!sole_maker.held()) return failure(errc::contended, "is just being made");
    // Look again: another process may have made it before we had the lock.
    if (::stat(path.c_str(), &about) == 0) return file_origin::existed;
    // The log and the index of a file that was removed alone. Processes that still have that file
    // open go on with theirs, apart from us, until they see that it is gone.
    for (const char* rest : {"-wal", "-shm", "-journal"})
        if (::unlink((path + rest).c_str()) != 0 && errno != ENOENT)
            return denied(std::string("cannot remove its left-over ") + rest + " file", errno);
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0)
        return errno == EEXIST ? result<file_origin>(file_origin::existed)
                               : result<file_origin>(denied("cannot be made", errno));
    ::close(made);
    return file_origin::made;
}

}  // namespace holdfast::sqlite
