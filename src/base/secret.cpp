// SPDX-License-Identifier: BSL-1.0
#include "base/secret.hpp"

#include <cstring>

namespace holdfast::base {

void secret::wipe() noexcept {
    // The capacity, not the size: a moved-from short string still has its bytes in place.
    text_.resize(text_.capacity());
    explicit_bzero(text_.data(), text_.size());
    text_.clear();
}

}  // namespace holdfast::base
