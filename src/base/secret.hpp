// SPDX-License-Identifier: BSL-1.0
//
// What it is: text that cannot be printed by accident, and that is wiped when it goes.
// Thread safety: as a string.
#pragma once

#include <holdfast/errc.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace holdfast::base {

/// A password. It has no stream operator and no implicit conversion: who sends it says `reveal`.
class secret {
public:
    secret() = default;
    explicit secret(std::string text) noexcept : text_(std::move(text)) {}
    secret(const secret&) = default;
    secret(secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
    secret& operator=(const secret& other) {
        if (this == &other) return *this;
        wipe();
        text_ = other.text_;
        return *this;
    }
    secret& operator=(secret&& other) noexcept {
        std::swap(text_, other.text_);
        other.wipe();
        return *this;
    }
    ~secret() { wipe(); }

    [[nodiscard]] std::string_view reveal() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

private:
    void wipe() noexcept;  // Writes that the compiler may not leave out.

    std::string text_;
};

/// @return The password to use now: `given`, or the first line of `file` if one is named.
/// @par Errors  `denied`: the file cannot be read, or its first line is empty.
[[nodiscard]] result<secret> stored_password(const secret& given, const std::string& file);

}  // namespace holdfast::base
