// SPDX-License-Identifier: BSL-1.0
#include <holdfast/holdfast.hpp>

#include "integration/sqlite_raw.hpp"
#include "sqlite/place.hpp"
#include "sqlite/wake_file.hpp"
#include "support/child_process.hpp"
#include "support/poll.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <thread>

namespace holdfast::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
namespace fs = std::filesystem;

class sqlite_file : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return directory_ / "locks.db"; }
    [[nodiscard]] std::string url() const { return "sqlite:" + path(); }

    static mode_t mode_of(const std::string& path) {
        struct stat about {};
        return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
    }
    /// The failure of an attempt on `url`, whose text must name the file.
    failure refused(const std::string& url) {
        locker locks{url};
        const auto held = locks.try_acquire("job");
        if (held) {
            ADD_FAILURE() << "it was granted";
            return {};
        }
        EXPECT_THAT(held.error().text, HasSubstr(url));
        return held.error();
    }
    /// Runs `work` as somebody with few rights, even if the test runs as root.
    static int without_rights(const std::function<int()>& work) {
        child_process child([&](const auto&) {
            if (::geteuid() == 0 && (::setegid(65534) != 0 || ::seteuid(65534) != 0)) return 98;
            return work();
        });
        return child.wait();
    }
    void remove_files() {
        for (const char* end : {"", "-wal", "-shm", "-notify"}) fs::remove(path() + end);
    }

    temp_dir directory_;
};

TEST_F(sqlite_file, is_made_at_the_first_call_and_is_for_its_owner_alone) {
    const mode_t before = ::umask(0);
    {
        locker locks{url()};
        EXPECT_FALSE(fs::exists(path()));
        EXPECT_TRUE(locks.try_acquire("job"));
        for (const char* end : {"", "-wal", "-shm", "-notify"})
            EXPECT_EQ(mode_of(path() + end), 0600U) << end;
    }
    ::umask(before);
}

// Why: several users share a file by its mode; what lies beside it has to let them in too.
TEST_F(sqlite_file, gives_its_mode_and_owner_to_the_files_beside_it) {
    write_file(path(), "");
    fs::permissions(path(), fs::perms(0660));
    const bool root = ::geteuid() == 0;
    ASSERT_TRUE(!root || ::chown(path().c_str(), 65534, 65534) == 0);
    locker locks{url()};
    EXPECT_TRUE(locks.try_acquire("job"));
    for (const char* end : {"-wal", "-shm", "-notify"}) {
        EXPECT_EQ(mode_of(path() + end), 0660U) << end;
        struct stat about {};
        EXPECT_EQ(::stat((path() + end).c_str(), &about), 0);
        EXPECT_TRUE(!root || about.st_uid == 65534U) << end;
    }
}

TEST_F(sqlite_file, is_named_relative_to_the_directory_of_the_start) {
    const fs::path before = fs::current_path();
    fs::current_path(directory_.path());
    locker locks{"sqlite:locks.db"};
    fs::current_path(before);
    EXPECT_TRUE(locks.try_acquire("job"));
    EXPECT_TRUE(fs::exists(path()));
}

TEST_F(sqlite_file, may_have_any_name) {
    for (const char* name : {":memory:", "file:x?mode=memory", "with space", "a%b", "ä", "-wal"}) {
        std::string encoded;
        for (const char c : directory_ / name)
            encoded += c == '%' ? "%25" : c == '?' ? "%3F" : std::string(1, c);
        locker locks{"sqlite:" + encoded};
        const auto held = locks.try_acquire("job");
        EXPECT_TRUE(held) << held.error().message();
        EXPECT_TRUE(fs::exists(directory_ / name)) << name;
    }
}

TEST_F(sqlite_file, url_without_a_path_or_with_an_option_is_misuse) {
    for (const char* url :
         {"sqlite:", "sqlite:/x/locks.db?mode=fast", "sqlite:?x=1", "sqlite://x"}) {
        const auto opened = locker::open(url);
        ASSERT_FALSE(opened) << url;
        EXPECT_EQ(opened.error().code, errc::misuse) << url;
    }
}

TEST_F(sqlite_file, is_found_with_three_slashes_too) {
    ASSERT_TRUE(path().starts_with("/"));
    locker holder{"sqlite://" + path()};
    const auto held = holder.try_acquire("job");
    ASSERT_TRUE(held) << held.error().message();
    EXPECT_TRUE(fs::exists(path()));
    EXPECT_EQ(locker{url()}.try_acquire("job").error().code, errc::contended);
}

TEST_F(sqlite_file, adopts_an_empty_file) {
    write_file(path(), "");
    locker locks{url()};
    EXPECT_TRUE(locks.try_acquire("job"));
}

// Why: a POSIX lock of the process goes when any descriptor of the file is closed; two stores on
// one file in one process must not take each other's away.
TEST_F(sqlite_file, serves_two_lockers_of_one_process) {
    locker first{url()};
    auto held = first.try_acquire("job", {.ttl = 10s});
    ASSERT_TRUE(held);
    {
        locker second{url()};
        EXPECT_EQ(second.try_acquire("job").error().code, errc::contended);
        EXPECT_TRUE(second.try_acquire("another job"));
    }
    EXPECT_TRUE(held->renew(10s));
    locker third{"sqlite:" + (directory_ / "./locks.db")};
    EXPECT_EQ(third.try_acquire("job").error().code, errc::contended);
    std::jthread waiter([&] { EXPECT_TRUE(third.acquire("job", {.wait = 1min})); });
    ASSERT_TRUE(poll_until([&] { return third.statistics().refusals > 1; }));
    EXPECT_TRUE(held->release());
}

TEST_F(sqlite_file, that_is_no_database_is_refused_and_left_alone) {
    const std::vector<std::string> contents{"x", "hello, world\n", std::string(5000, 'x'),
                                            std::string(100'000, '\0')};
    for (const std::string& bytes : contents) {
        write_file(path(), bytes);
        const auto before = fs::last_write_time(path());
        EXPECT_EQ(refused(url()).code, errc::wrong_type) << bytes.size();
        EXPECT_TRUE(bytes_of(path()) == bytes) << bytes.size();
        EXPECT_EQ(fs::last_write_time(path()), before);
        remove_files();
    }
}

TEST_F(sqlite_file, of_another_application_is_refused_and_left_alone) {
    for (const char* journal : {"delete", "wal"}) {
        raw_database(path()).query(std::string("PRAGMA journal_mode = ") + journal +
                                   "; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);");
        const std::string before = bytes_of(path());
        const failure why = refused(url());
        EXPECT_EQ(why.code, errc::wrong_type);
        EXPECT_THAT(why.text, HasSubstr("another application"));
        EXPECT_EQ(bytes_of(path()), before);
        remove_files();
    }
}

TEST_F(sqlite_file, of_a_newer_version_is_refused_and_left_alone) {
    { EXPECT_TRUE(locker{url()}.try_acquire("job")); }
    raw_database(path()).query("PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE);");
    const std::string before = bytes_of(path());
    const failure why = refused(url());
    EXPECT_EQ(why.code, errc::denied);
    EXPECT_THAT(why.text, HasSubstr("newer version"));
    EXPECT_EQ(bytes_of(path()), before);
}

TEST_F(sqlite_file, that_is_damaged_is_an_error_and_works_again_when_it_is_replaced) {
    { EXPECT_TRUE(locker{url()}.try_acquire("job")); }
    raw_database(path()).query("PRAGMA wal_checkpoint(TRUNCATE);");
    std::string bytes = bytes_of(path());
    ASSERT_GT(bytes.size(), 8192U);
    for (std::size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
    write_file(path(), bytes);
    locker locks{url()};
    const auto held = locks.try_acquire("job");
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, errc::protocol) << held.error().message();
    EXPECT_THAT(held.error().text, HasSubstr(path()));
    remove_files();
    EXPECT_TRUE(locks.try_acquire("job"));
}

TEST_F(sqlite_file, that_lacks_its_table_is_an_error) {
    { EXPECT_TRUE(locker{url()}.try_acquire("job")); }
    raw_database(path()).query("DROP TABLE lease");
    EXPECT_EQ(refused(url()).code, errc::protocol);
}

TEST_F(sqlite_file, cannot_be_a_directory_nor_lie_in_none) {
    const failure directory = refused("sqlite:" + directory_.path().string());
    EXPECT_EQ(directory.code, errc::denied);
    EXPECT_THAT(directory.text, HasSubstr("directory"));
    EXPECT_EQ(refused("sqlite:" + (directory_ / "missing/locks.db")).code, errc::denied);
    EXPECT_EQ(refused("sqlite:/dev/null").code, errc::denied);
    write_file(directory_ / "file", "");
    EXPECT_EQ(refused("sqlite:" + (directory_ / "file/locks.db")).code, errc::denied);
}

TEST_F(sqlite_file, that_cannot_be_written_is_refused) {
    { EXPECT_TRUE(locker{url()}.try_acquire("job")); }
    fs::permissions(directory_.path(), fs::perms::all);
    fs::permissions(path(), fs::perms(0444));
    EXPECT_EQ(without_rights([&] { return refused(url()).code == errc::denied ? 0 : 1; }), 0);
}

// Why: what somebody without rights leaves beside the file, PATH-notify or SQLite's index, keeps
// those out who have them, for good.
class a_sqlite_file_of_others : public sqlite_file,
                                public testing::WithParamInterface<std::pair<int, int>> {
protected:
    static constexpr uid_t owner = 1001;
    void expect_left_alone(const std::string& what) {
        const auto files = std::distance(fs::directory_iterator(directory_.path()), {});
        EXPECT_EQ(without_rights([&] {
                      const failure why = refused(url());
                      if (why.code != errc::denied) return 1;
                      locker locks{url()};
                      if (locks.inspect("job") || locks.list()) return 2;
                      return why.text.find("(Permission denied)") != std::string::npos ? 0 : 3;
                  }),
                  0)
            << what;
        EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), {}), files) << what;
    }
};

TEST_P(a_sqlite_file_of_others, is_left_alone_by_who_may_not_write_it) {
    const auto [directory_mode, file_mode] = GetParam();
    const bool root = ::geteuid() == 0;
    write_file(path(), "");
    fs::permissions(directory_.path(), fs::perms(directory_mode));
    // Without root there is nobody else: then the owner is who may not write.
    fs::permissions(path(), fs::perms(root ? file_mode : file_mode & 0444));
    ASSERT_TRUE(!root || ::chown(path().c_str(), owner, owner) == 0);
    expect_left_alone("an empty file");
    if (!root) fs::permissions(path(), fs::perms(file_mode));
    child_process user([&](const auto&) {
        if (root && (::setegid(owner) != 0 || ::seteuid(owner) != 0)) return 98;
        const auto held = locker{url()}.try_acquire("job");
        if (!held) std::fprintf(stderr, "%s\n", held.error().message().c_str());
        return held ? 0 : 1;
    });
    EXPECT_EQ(user.wait(), 0);
    for (const char* rest : {"-notify", "-shm", "-wal"}) fs::remove(path() + rest);
    if (!root) fs::permissions(path(), fs::perms(file_mode & 0444));
    expect_left_alone("a database");
}

INSTANTIATE_TEST_SUITE_P(modes, a_sqlite_file_of_others,
                         testing::Values(std::pair{01777, 0660}, std::pair{01777, 0600},
                                         std::pair{01777, 0644}, std::pair{0777, 0660},
                                         std::pair{0777, 0602}));

// Why: the file may be replaced by another user's while the old one is open.
TEST_F(sqlite_file, that_another_user_made_anew_gets_no_notify_file_of_who_had_the_old_one) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, for a second user";
    fs::permissions(directory_.path(), fs::perms(01777));
    child_process user([&](const auto& parent) {
        if (::setegid(65534) != 0 || ::seteuid(65534) != 0) return 98;
        asio::io_context context;
        const auto waiters = std::make_shared<sqlite::wake_file>(context.get_executor());
        if (!waiters->open(path())) return 1;
        parent.tell();
        parent.hear();
        waiters->touch();
        return waiters->watch() ? 2 : 0;
    });
    ASSERT_NE(user.parent_line().hear(), 0);
    fs::remove(path() + "-notify");
    write_file(path(), "");
    fs::permissions(path(), fs::perms(0600));
    user.parent_line().tell();
    EXPECT_EQ(user.wait(), 0);
    EXPECT_FALSE(fs::exists(path() + "-notify"));
}

TEST_F(sqlite_file, that_is_a_link_that_leads_nowhere_is_refused_and_nothing_is_made) {
    fs::create_symlink(directory_ / "missing", path());
    EXPECT_EQ(refused(url()).code, errc::denied);
    EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), {}), 1);
}

// Why: SQLite's log lies beside the name, so by two names a lock has two holders.
TEST_F(sqlite_file, that_has_two_names_is_refused) {
    { EXPECT_TRUE(locker(url()).acquire("job")); }
    fs::create_hard_link(path(), directory_ / "other");
    const failure why = refused(url());
    EXPECT_EQ(why.code, errc::denied);
    EXPECT_NE(why.text.find("hard links"), std::string::npos) << why.text;
    EXPECT_EQ(refused("sqlite:" + (directory_ / "other")).code, errc::denied);
    fs::remove(directory_ / "other");
    EXPECT_TRUE(locker(url()).acquire("job"));
}

TEST_F(sqlite_file, in_a_directory_that_cannot_be_written_is_refused) {
    fs::permissions(directory_.path(), fs::perms(0555));
    EXPECT_EQ(without_rights([&] { return refused(url()).code == errc::denied ? 0 : 1; }), 0);
    EXPECT_TRUE(fs::is_empty(directory_.path()));
    fs::permissions(directory_.path(), fs::perms(0700));
    EXPECT_EQ(without_rights([&] { return refused(url()).code == errc::denied ? 0 : 1; }), 0);
}

// How: the process may write no file beyond a size, as on a disk that is full.
TEST_F(sqlite_file, that_cannot_grow_refuses_cleanly_and_loses_nothing) {
    { EXPECT_TRUE(locker{url()}.try_acquire("job")); }
    child_process child([&](const auto&) {
        ::signal(SIGXFSZ, SIG_IGN);
        locker locks{url()};
        auto held = locks.try_acquire("held", {.ttl = 1min});
        if (!held) return 1;
        const rlimit full{fs::file_size(path() + "-wal"), RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &full);
        const auto refused = locks.try_acquire("job");
        if (refused || refused.error().code != errc::denied) return 2;
        const auto still = locks.inspect("held");
        if (!still) std::fprintf(stderr, "%s\n", still.error().message().c_str());
        if (!still || !*still) return 3;
        if (locks.inspect("job").value()) return 4;
        const rlimit enough{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &enough);
        if (!locks.try_acquire("job")) return 5;
        return held->release() ? 0 : 6;
    });
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(raw_database(path()).query("PRAGMA integrity_check"), "ok");
}

// Why: whoever removes the file takes all locks away; holders must hear of it, and two processes
// must not go on with different files.
TEST_F(sqlite_file, that_was_removed_is_made_anew_and_its_leases_are_lost) {
    locker old{url()};
    auto held = old.try_acquire("job", {.ttl = 1min, .auto_renew = false});
    ASSERT_TRUE(held);
    remove_files();
    locker fresh{url()};
    auto anew = fresh.try_acquire("job", {.ttl = 1min});
    ASSERT_TRUE(anew) << anew.error().message();
    EXPECT_GT(anew->fencing_token(), held->fencing_token());
    EXPECT_EQ(old.try_acquire("job").error().code, errc::contended);
    const auto renewed = held->renew(1min);
    ASSERT_FALSE(renewed);
    EXPECT_EQ(renewed.error().code, errc::lost);
    EXPECT_TRUE(anew->renew(1min));
}

TEST_F(sqlite_file, may_be_removed_without_its_companions) {
    for (int round = 0; round < 10; ++round) {
        locker old{url()};
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(old.try_acquire("job " + std::to_string(i)));
        auto held = old.try_acquire("job", {.ttl = 1min, .auto_renew = false});
        ASSERT_TRUE(held) << held.error().message();
        fs::remove(path());
        locker fresh{url()};
        auto anew = fresh.try_acquire("job", {.ttl = 1min});
        ASSERT_TRUE(anew) << anew.error().message();
        EXPECT_EQ(old.try_acquire("job").error().code, errc::contended);
        EXPECT_EQ(held->renew(1min).error().code, errc::lost);
        EXPECT_TRUE(anew->renew(1min));
        EXPECT_EQ(raw_database(path()).query("PRAGMA integrity_check"), "ok");
        EXPECT_TRUE(anew->release());
    }
}

TEST_F(sqlite_file, that_was_removed_holds_no_waiter_up) {
    locker holder{url()};
    auto held = holder.try_acquire("job", {.ttl = 10min});
    ASSERT_TRUE(held);
    locker waiting{url()};
    std::atomic<bool> done{false};
    std::jthread waiter([&] {
        const auto got = waiting.acquire("job", {.wait = 1min});
        EXPECT_TRUE(got) << got.error().message();
        done = true;
    });
    ASSERT_TRUE(poll_until([&] { return waiting.statistics().refusals > 0; }));
    remove_files();
    locker third{url()};
    EXPECT_TRUE(third.inspect("job"));
    EXPECT_TRUE(poll_until([&] { return done.load(); }, 15s));
}

TEST_F(sqlite_file, that_was_replaced_by_a_foreign_one_is_refused_and_left_alone) {
    locker locks{url()};
    auto held = locks.try_acquire("job");
    ASSERT_TRUE(held);
    const std::string theirs = directory_ / "theirs.db";
    raw_database(theirs).query("CREATE TABLE theirs (x)");
    const std::string before = bytes_of(theirs);
    fs::rename(theirs, path());
    for (const char* end : {"-wal", "-shm"}) fs::remove(path() + end);
    const auto refused = locks.try_acquire("another job");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::wrong_type);
    EXPECT_EQ(bytes_of(path()), before);
}

/// Whether `waiting` gets "job" long before its lease ends when `holder` releases it. `trouble` is
/// called when it waits.
void expect_told(locker& holder, locker& waiting, const std::function<void()>& trouble = {}) {
    auto held = holder.try_acquire("job", {.ttl = 10min});
    ASSERT_TRUE(held) << held.error().message();
    std::atomic<bool> done{false};
    const auto before = waiting.statistics().refusals;
    std::jthread waiter([&] {
        const auto got = waiting.acquire("job", {.wait = 1min});
        EXPECT_TRUE(got);
        done = true;
    });
    ASSERT_TRUE(poll_until([&] { return waiting.statistics().refusals > before || done; }));
    if (trouble) trouble();
    EXPECT_TRUE(held->release());
    EXPECT_TRUE(poll_until([&] { return done.load(); }, 15s));
}

TEST_F(sqlite_file, works_on_when_its_notify_file_was_removed) {
    locker first{url()};
    locker second{url()};
    for (int round = 0; round < 3; ++round)
        expect_told(first, second, [&] { fs::remove(path() + "-notify"); });
}

TEST_F(sqlite_file, works_on_when_its_notify_file_was_emptied) {
    locker first{url()};
    locker second{url()};
    for (int round = 0; round < 3; ++round)
        expect_told(first, second, [&] { fs::resize_file(path() + "-notify", 0); });
}

TEST_F(sqlite_file, tells_those_who_use_a_link_to_it_and_those_who_do_not) {
    const std::string link = directory_ / "link";
    fs::create_directory(directory_ / "there");
    fs::create_symlink(directory_ / "there", directory_ / "directory");
    const std::string file = directory_ / "there/locks.db";
    locker plain{"sqlite:" + file};
    locker through_directory{"sqlite:" + std::string(directory_ / "directory/locks.db")};
    expect_told(through_directory, plain);  // Which makes the file.
    fs::create_symlink(file, link);
    locker linked{"sqlite:" + link};
    expect_told(linked, plain);
    expect_told(plain, linked);
    expect_told(linked, through_directory);
    EXPECT_FALSE(fs::exists(link + "-notify"));
}

// Why: the kernel does not follow links of /proc by what they say; SQLite does, and would open
// another file.
TEST_F(sqlite_file, that_its_links_do_not_name_is_refused_and_nothing_is_made) {
    const std::string gone = directory_ / "gone";
    fs::create_directory(gone);
    const int open_directory = ::open(gone.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(open_directory, 0);
    fs::remove(gone);
    fs::create_directory(gone + " (deleted)");  // As the link says.
    const std::string in_it = "/proc/self/fd/" + std::to_string(open_directory) + "/locks.db";
    EXPECT_EQ(refused("sqlite:" + in_it).code, errc::denied);
    EXPECT_TRUE(fs::is_empty(gone + " (deleted)"));
    ::close(open_directory);
}

TEST_F(sqlite_file, is_the_one_that_a_link_leads_to_now) {
    const std::string link = directory_ / "link";
    const std::string one = directory_ / "one.db";
    const std::string other = directory_ / "other.db";
    for (const std::string& file : {one, other}) {
        EXPECT_TRUE(locker("sqlite:" + file).acquire("job"));
    }
    fs::create_symlink(one, link);
    locker linked{"sqlite:" + link};
    auto held = linked.acquire("job", {.ttl = 10min});
    ASSERT_TRUE(held);
    fs::create_symlink(other, link + ".new");
    fs::rename(link + ".new", link);
    locker direct{"sqlite:" + other};
    const auto theirs = direct.acquire("job", {.ttl = 10min});
    ASSERT_TRUE(theirs);
    EXPECT_EQ(linked.acquire("job").error().code, errc::contended);
    EXPECT_EQ(held->release().error().code, errc::lost);
}

// Why: a file that goes in the middle of a call is a disk error to SQLite. It is another file now,
// or will be: the call begins again.
TEST_F(sqlite_file, that_is_removed_again_and_again_is_no_error) {
    locker locks{url(), {.timeout = 30s}};
    std::atomic<bool> ended{false};
    std::jthread remover([&] {
        while (!ended) fs::remove(path());
    });
    for (int i = 0; i < 100; ++i) {
        const auto held = locks.acquire("job");
        EXPECT_TRUE(held || held.error().code == errc::contended) << held.error().message();
    }
    ended = true;
}

TEST_F(sqlite_file, that_goes_while_its_place_is_looked_at_is_no_error) {
    std::atomic<bool> ended{false};
    std::jthread remover([&] {
        while (!ended) {
            ::close(::open(path().c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
            fs::remove(path());
        }
    });
    for (int i = 0; i < 20'000; ++i) {
        const auto bad = sqlite::check_place(path());
        if (!bad) continue;
        ADD_FAILURE() << bad->message();
        break;
    }
    ended = true;
}

}  // namespace
}  // namespace holdfast::test
