// SPDX-License-Identifier: BSL-1.0
//
// What it is: how a release in one process wakes waiters in others: each release reads a byte of a
// small file beside the database, and the kernel tells that to whoever watches the file (inotify).
// A read dirties no page. Waiters are only hinted at; they look at the table themselves.
// Thread safety: none; it belongs to the executor of its store.
// Invariants: a wait on the executor is pending only while a waiter is listed, so an idle store
// keeps no executor busy.
#pragma once

#include <holdfast/errc.hpp>
#include <holdfast/timeline.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::sqlite {

/// The file, and the waiters of one store.
class wake_file : public std::enable_shared_from_this<wake_file> {
public:
    explicit wake_file(asio::any_io_executor executor) : executor_(std::move(executor)) {}
    wake_file(const wake_file&) = delete;
    wake_file& operator=(const wake_file&) = delete;
    ~wake_file() { close(); }

    /// Opens the file beside `database`. If there is none, makes one for those who may use the
    /// database: with its mode and owner if it is there, and for us alone otherwise.
    /// @par Errors  `denied`.
    [[nodiscard]] result<void> open(const std::string& database);
    /// @return The open file; -1 if it is not open.
    [[nodiscard]] int fd() const noexcept { return fd_; }
    /// Tells every watcher in every process.
    void touch();
    /// Wakes the waiters of this store.
    void wake_all();
    /// Wakes the one in this store that has waited for `name` the longest. It is there before the
    /// kernel's word, and before whoever released the name asks for it again.
    void wake_next(std::string_view name);
    /// Closes the file and ends the watching; waiters stay listed.
    void close() noexcept;

    /// A place in the list of waiters; it must not outlive the alarm, the name nor the store.
    class place {
    public:
        place(wake_file& file, alarm& waiter, std::string_view name)
            : file_(file), waiter_(&waiter) {
            file_.enter({waiter_, name});
        }
        place(const place&) = delete;
        place& operator=(const place&) = delete;
        ~place() { file_.leave(waiter_); }

    private:
        wake_file& file_;
        alarm* waiter_;
    };

    /// Begins to watch the open file, if that has not been done. @return Whether it is watched.
    bool watch();
    /// @return Whether it was not watched before, and is now.
    bool begin_watch() { return !events_ && watch(); }

private:
    [[nodiscard]] bool unlinked() const noexcept;
    struct waiter {
        alarm* bell;
        std::string_view name;
    };
    void enter(const waiter& who);
    void leave(alarm* bell) noexcept;
    void listen();

    asio::any_io_executor executor_;
    std::string database_;
    int fd_{-1};
    std::optional<asio::posix::stream_descriptor> events_;
    unsigned watches_{0};  // Counts the descriptors, so that a late answer of an old one is known.
    bool listening_{false};
    std::vector<waiter> waiters_;  // In the order in which they came.
};

}  // namespace holdfast::sqlite
