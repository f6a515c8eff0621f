// SPDX-License-Identifier: BSL-1.0
#include "sqlite/health_check.hpp"

#include "sqlite/place.hpp"

#include <sqlite3.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace holdfast::sqlite {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t space_needed = mebibyte;
constexpr std::uint64_t space_wanted = 16 * mebibyte;
/// SQLite folds the log into the file at about 4 MB; what is far above has been kept from it.
constexpr std::int64_t log_long = 64 * static_cast<std::int64_t>(mebibyte);
constexpr unsigned long tmpfs_magic = 0x01021994;  // statfs(2)

/// Collects findings about one file.
class judgement {
public:
    judgement(std::string file, const std::string& name)
        : path(std::move(file)), true_name(path), address(name) {
        if (auto leads_to = true_path(path)) true_name = std::move(*leads_to);
        directory = directory_of(true_name);
    }
    void add(severity level, std::string code, std::string text, std::string remedy) {
        found.push_back({level, std::move(code), address, std::move(text), std::move(remedy)});
    }

    std::string path;
    std::string true_name;  // Beside which the rest lies.
    std::string address;
    std::string directory;  // Of that.
    std::vector<finding> found;
};

void judge_directory(judgement& on, const std::string& directory) {
    struct stat about {};
    if (::stat(directory.c_str(), &about) != 0) return;
    if ((about.st_mode & S_IWOTH) != 0 && (about.st_mode & S_ISVTX) == 0)
        on.add(severity::warning, "directory-open-to-others",
               "every user of this machine may replace the file, as its directory is open to all",
               "chmod o-w " + directory);
}

void judge_rights(judgement& on) {
    struct stat about {};
    if (::stat(on.path.c_str(), &about) == 0) {
        if ((about.st_mode & (S_IWOTH | S_IROTH)) != 0)
            on.add(severity::warning, "open-to-others",
                   std::string("every user of this machine may ") +
                       ((about.st_mode & S_IWOTH) != 0 ? "write" : "read") +
                       " the file: who reads it learns the ids of locks, and can release them",
                   "chmod o= " + on.path);
    } else {
        on.add(severity::note, "no-file",
               "there is no file yet: the first who takes a lock makes it",
               "nothing has to be done");
    }
    if (!identity_of(on.directory)) return;
    judge_directory(on, on.directory);
    const std::string of_link = directory_of(on.path);
    if (identity_of(of_link) != identity_of(on.directory)) judge_directory(on, of_link);
    if (::faccessat(AT_FDCWD, on.directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
        on.add(severity::problem, "directory-not-writable",
               "this user may not write the directory, in which the log and its index are made",
               "chmod u+wx " + on.directory + ", or another place");
}

void judge_space(judgement& on) {
    struct statvfs system {};
    if (::statvfs(on.directory.c_str(), &system) != 0) return;
    const std::uint64_t free = std::uint64_t{system.f_bavail} * system.f_frsize;
    if (free < space_wanted)
        on.add(free < space_needed ? severity::problem : severity::warning, "disk-nearly-full",
               std::to_string(free / 1024) +
                   " KiB are left on its file system: when it is full, "
                   "no lock can be taken or renewed",
               "free space there: df " + on.directory);
    struct statfs kind {};
    if (::statfs(on.directory.c_str(), &kind) != 0) return;
    if ((static_cast<unsigned long>(kind.f_type) & 0xFFFFFFFF) == tmpfs_magic)
        on.add(severity::note, "memory-file-system",
               "it lies in memory: a restart of the machine ends its locks, as in any file, and "
               "forgets confirmed holds too",
               "for confirmed holds, a file on a disk");
}

}  // namespace

std::vector<finding> check_file(const std::string& path, const std::string& address) {
    judgement on(path, address);
    if (const auto bad = check_place(path)) {
        const bool network = bad->text.starts_with("lies on ");
        on.add(severity::problem, network ? "network-file-system" : "unusable-file",
               "it " + bad->text,
               network ? "a file on a disk of this machine, or a server"
                       : "see docs/stores/sqlite.md");
    }
    judge_rights(on);
    judge_space(on);
    return std::move(on.found);
}

std::vector<finding> check_journal(std::string_view mode, const std::string& path,
                                   const std::string& address) {
    judgement on(path, address);
    if (mode != "wal")
        on.add(severity::warning, "journal-mode",
               "journal_mode is " + std::string(mode) +
                   ", which another program has set: who reads keeps others from locks",
               "sqlite3 " + path + " 'PRAGMA journal_mode = WAL'");
    struct stat log {};
    if (::stat((on.true_name + "-wal").c_str(), &log) == 0 && log.st_size > log_long)
        on.add(severity::warning, "long-log",
               "its log has " + std::to_string(log.st_size / static_cast<std::int64_t>(mebibyte)) +
                   " MiB: some program reads the file without an end, and keeps the log from being "
                   "folded into it",
               "find and end that program: fuser " + path);
    return std::move(on.found);
}

std::string library_version() { return std::string("SQLite ") + sqlite3_libversion(); }

}  // namespace holdfast::sqlite
