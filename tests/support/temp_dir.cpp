// SPDX-License-Identifier: BSL-1.0
#include "support/temp_dir.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace holdfast::test {

temp_dir::temp_dir() {
    std::string pattern = std::filesystem::temp_directory_path() / "holdfast-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), "mkdtemp");
    path_ = pattern;
}

temp_dir::~temp_dir() {
    std::error_code ignored;  // What is left is in a directory for left-overs.
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace holdfast::test
