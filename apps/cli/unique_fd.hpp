// SPDX-License-Identifier: BSL-1.0
//
// What it is: the owner of one file descriptor.
// Thread safety: as an int.
#pragma once

#include <unistd.h>

#include <utility>

namespace holdfast::cli {

/// Owns one file descriptor; -1 means none. Move-only.
class unique_fd {
public:
    unique_fd() noexcept = default;
    explicit unique_fd(int number) noexcept : number_(number) {}
    unique_fd(unique_fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.number_, -1));
        return *this;
    }
    unique_fd(const unique_fd&) = delete;
    unique_fd& operator=(const unique_fd&) = delete;
    ~unique_fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }
    void reset(int number = -1) noexcept {
        if (number_ >= 0) ::close(number_);
        number_ = number;
    }

private:
    int number_{-1};
};

}  // namespace holdfast::cli
