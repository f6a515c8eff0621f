// SPDX-License-Identifier: BSL-1.0
#include "base/secret.hpp"

#include <cstring>
#include <fstream>

namespace holdfast::base {

void secret::wipe() noexcept {
    // The capacity, not the size: a moved-from short string still has its bytes in place.
    text_.resize(text_.capacity());
    explicit_bzero(text_.data(), text_.size());
    text_.clear();
}

result<secret> stored_password(const secret& given, const std::string& file) {
    if (file.empty()) return given;
    std::ifstream stream(file);
    std::string line;
    if (!std::getline(stream, line))
        return failure{errc::denied,
                       "password_file " + file + ": cannot be read, or has no first line"};
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty())
        return failure{errc::denied, "password_file " + file + ": its first line is empty"};
    return secret(std::move(line));
}

}  // namespace holdfast::base
