// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the tests of this folder run on: servers of their own, an original and our
// facade, who holds and who comes later, and a look at the servers past both.
// Thread safety: none.
#pragma once

#include "interop/party.hpp"
#include "support/redis_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;

/// A ttl that outlives every test.
inline constexpr milliseconds long_ttl = 120s;

/// Which package, on how many servers.
struct setting {
    package which;
    std::size_t servers{1};
    bool node_holds{true};  ///< Otherwise our facade does, and Node comes later.
};

/// For the names of tests and for messages.
std::ostream& operator<<(std::ostream& out, const setting& what);
[[nodiscard]] std::string name_of(const testing::TestParamInfo<setting>& info);

/// @return Every package on one server, Redlock on three as well; each with either as the holder.
[[nodiscard]] std::vector<setting> all_settings();
/// @return Of those, Redlock's; on at least so many servers.
[[nodiscard]] std::vector<setting> redlock_settings(std::size_t servers_min = 1);

/// The servers of a test, and what tests ask them.
class stage {
public:
    explicit stage(const setting& what);

    [[nodiscard]] names urls() const;
    /// @return Those for Node's side, whose rights are not ours to list.
    [[nodiscard]] names node_urls() const;
    [[nodiscard]] const redis_server& server(std::size_t i) const { return *servers_.at(i); }
    /// @return How many servers hold the lock `name`.
    [[nodiscard]] std::size_t holding(const std::string& name) const;
    /// @return Whether all servers hold it, or do so soon: packages wait for a majority only.
    [[nodiscard]] bool held_everywhere(const std::string& name) const;
    /// @return Whether no server holds it any more, or soon does.
    [[nodiscard]] bool gone_everywhere(const std::string& name) const;
    /// @return The holder's id as it stands on most servers; empty if nobody holds them.
    [[nodiscard]] std::string id_of(const std::string& name) const;
    /// @return The shortest time until it runs out on any server.
    [[nodiscard]] milliseconds time_left(const std::string& name) const;
    /// @return The key of the lock `name`.
    [[nodiscard]] std::string key_of(const std::string& name) const;
    /// @return How often anybody tried to take anything from the first server so far.
    [[nodiscard]] std::int64_t attempts() const;
    /// @return The integer that `words` are answered with by server `i`.
    [[nodiscard]] std::int64_t number(std::size_t i, const names& words) const;
    /// @return The text that `words` are answered with by server `i`, be it a bulk or a line.
    [[nodiscard]] std::string text(std::size_t i, const names& words) const;

private:
    setting what_;
    std::vector<std::unique_ptr<redis_server>> servers_;
};

/// @return Why no test of this folder can run on this machine; empty if they can.
[[nodiscard]] std::string missing_for_interop();

/// A test on a stage, run for each of its settings.
class interop_test : public testing::TestWithParam<setting> {
protected:
    void SetUp() override;

    /// Who holds, and who comes later. Made at the first use.
    [[nodiscard]] party& holder() { return GetParam().node_holds ? node() : cpp(); }
    [[nodiscard]] party& other() { return GetParam().node_holds ? cpp() : node(); }
    [[nodiscard]] party& node();
    [[nodiscard]] party& cpp();
    /// Waits until attempts that began after this call have been refused.
    [[nodiscard]] bool sees_more_attempts() const;

    std::unique_ptr<stage> stage_;
    std::unique_ptr<party> node_;
    std::unique_ptr<party> cpp_;
};

}  // namespace holdfast::test
