// SPDX-License-Identifier: BSL-1.0
//
// What it is: what a guide speaks of, made real for a test: servers behind the host names, a
// directory behind the paths, the built program behind its name.
// Thread safety: none.
// Invariants: the servers have ended when the object has.
#pragma once

#include "support/mariadb_server.hpp"
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::test {

/// The hosts `*.example.com` of a guide, its paths, and the scripts that it calls.
class scene {
public:
    /// Starts a server for each host that `guide` names.
    /// @param scripts  A directory, whose files are copied to where the commands run.
    scene(std::string_view guide, const std::string& scripts, const std::string& program);

    /// @return The directory in which commands run.
    [[nodiscard]] std::string directory() const { return directory_ / "work"; }
    /// @return `text` with this test's servers and paths in place of the guide's.
    [[nodiscard]] std::string real(std::string text) const;
    /// @return `text` with the guide's in place of this test's.
    [[nodiscard]] std::string as_written(std::string text) const;
    /// @return What a shell has to begin with.
    [[nodiscard]] std::string prologue() const;

private:
    void add_redis(const std::string& host);
    void add_database();
    void add_path(const std::string& path);

    temp_dir directory_;
    std::vector<std::unique_ptr<redis_server>> servers_;
    std::unique_ptr<mariadb_server> database_;
    std::map<std::string, std::string> real_;  ///< By what stands in the guide.
};

}  // namespace holdfast::test
