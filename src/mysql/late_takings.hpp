// SPDX-License-Identifier: BSL-1.0
//
// What it is: statements that take something, whose caller has given them up while the server was
// at them. They go on to their end here, each on its connection, which is closed afterwards; who
// releases what such a statement takes waits for that, and would find nothing to release before.
// Thread safety: none; it belongs to its executor.
// Invariants: each ends after `late_max` at the latest: then its connection is cut off, and what
// the server makes of it stays for its ttl. Once stopped, what the environment refers to is not
// touched any more.
#pragma once

#include <holdfast/store.hpp>

#include "mysql/client/pool.hpp"

#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::mysql {

/// A statement with its values.
struct statement {
    std::string_view sql{};
    std::vector<cell> values{};
};

/// See the top of the file.
class late_takings : public std::enable_shared_from_this<late_takings> {
public:
    explicit late_takings(const store_environment& environment) : env_(environment) {}

    /// Sees to its end what was left on `line`.
    void adopt(lent line);
    /// Waits until nothing is under way that takes `name` for `holder`.
    /// @param release  Releases it. If the deadline comes first, it is run when all has ended.
    /// @return false if the deadline came first, or a cancellation.
    [[nodiscard]] asio::awaitable<bool> settle(std::string name, std::string holder,
                                               statement release, time_point deadline);
    /// @return Whether anything is under way.
    [[nodiscard]] bool any() const noexcept { return !all_.empty(); }
    void stop() noexcept { stopped_ = true; }

private:
    struct taking {
        std::string name;
        std::string holder;
        std::set<alarm*> waiting{};
        statement release{};  ///< Its text is empty if nobody wants that.
    };
    class place;

    [[nodiscard]] std::shared_ptr<taking> find(std::string_view name, std::string_view holder);
    static asio::awaitable<void> finish(std::shared_ptr<late_takings> self,
                                        std::shared_ptr<taking> mine, lent line);
    static asio::awaitable<void> take_back(std::shared_ptr<late_takings> self, statement release,
                                           connection& line);

    store_environment env_;
    std::list<std::shared_ptr<taking>> all_;
    bool stopped_{false};
};

}  // namespace holdfast::mysql
