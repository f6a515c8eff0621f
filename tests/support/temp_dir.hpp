// SPDX-License-Identifier: BSL-1.0
//
// What it is: a directory of a test's own, gone with all that is in it when the test ends.
// Thread safety: as a string.
#pragma once

#include <filesystem>
#include <string>

namespace holdfast::test {

/// A fresh directory below the system's place for temporary files.
class temp_dir {
public:
    temp_dir();
    temp_dir(const temp_dir&) = delete;
    temp_dir& operator=(const temp_dir&) = delete;
    ~temp_dir();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// @return The path of `name` in it.
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace holdfast::test
