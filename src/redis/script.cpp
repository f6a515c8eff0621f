// SPDX-License-Identifier: BSL-1.0
#include "redis/script.hpp"

#include "redis/scripts.hpp"

#include <openssl/evp.h>

#include <array>

namespace holdfast::redis {
namespace {

/// From version 7 on. It lets a script free memory on a server that has none left, and it makes a
/// replica answer READONLY where a script would otherwise take what it reads there for the truth.
constexpr std::string_view flags_line = "#!lua flags=allow-oom\n";
constexpr unsigned flags_since = 7;

std::string sha1_text(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned bytes = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &bytes, EVP_sha1(), nullptr);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < bytes; ++i) {
        hex += digits[digest[i] >> 4U];
        hex += digits[digest[i] & 0xFU];
    }
    return hex;
}

}  // namespace

script::script(std::string_view text)
    : plain_(text),
      flagged_(std::string(flags_line).append(text)),
      plain_sha1_(sha1_text(plain_)),
      flagged_sha1_(sha1_text(flagged_)) {}

std::string_view script::text(unsigned version_major) const noexcept {
    return version_major >= flags_since ? flagged_ : plain_;
}

std::string_view script::sha1(unsigned version_major) const noexcept {
    return version_major >= flags_since ? flagged_sha1_ : plain_sha1_;
}

const script_set& scripts() {
    static const script_set all{.renew = script(lua::renew),
                                .release = script(lua::release),
                                .take_away = script(lua::take_away),
                                .seed_fence = script(lua::seed_fence),
                                .acquire_again = script(lua::acquire_again),
                                .take_keys = script(lua::take_keys),
                                .renew_keys = script(lua::renew_keys),
                                .release_keys = script(lua::release_keys),
                                .break_keys = script(lua::break_keys),
                                .take_hash = script(lua::take_hash),
                                .renew_hash = script(lua::renew_hash),
                                .release_hash = script(lua::release_hash),
                                .break_hash = script(lua::break_hash)};
    return all;
}

}  // namespace holdfast::redis
