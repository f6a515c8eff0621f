// SPDX-License-Identifier: BSL-1.0
#include "redis/script.hpp"

#include "redis/scripts.hpp"

#include <openssl/evp.h>

#include <array>

namespace holdfast::redis {
namespace {

/// From version 7 on. Without flags a script is refused as a whole on a server that has no memory
/// left, and on a replica: it must not take what it reads there for the truth.
constexpr std::string_view flags_line(on_server does) {
    switch (does) {
        case on_server::frees: return "#!lua flags=allow-oom\n";
        case on_server::reads: return "#!lua flags=no-writes\n";
        case on_server::takes: break;
    }
    return "#!lua\n";
}
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

script::script(on_server does, std::initializer_list<std::string_view> parts, on_locks effect)
    : effect_(effect), flagged_(flags_line(does)) {
    for (const std::string_view part : parts) plain_ += part;
    flagged_ += plain_;
    plain_sha1_ = sha1_text(plain_);
    flagged_sha1_ = sha1_text(flagged_);
}

std::string_view script::text(unsigned version_major) const noexcept {
    return version_major >= flags_since ? flagged_ : plain_;
}

std::string_view script::sha1(unsigned version_major) const noexcept {
    return version_major >= flags_since ? flagged_sha1_ : plain_sha1_;
}

const script_set& scripts() {
    using enum on_server;
    using enum on_locks;
    using namespace lua;
    // Never destroyed: lockers of static storage may have been made before it.
    static const auto* const all = new script_set{
        .renew{frees, {renew, shares, renew_share}},
        .release{frees,
                 {release, pass_on, release_on, shares, tokens, holding, places, release_share,
                  hand_over}},
        .take_away{frees, {shares, tokens, holding, places, take_away, hand_over}},
        .seed_fence{frees, {tokens, seed_fence}, raises},
        .raise_token{frees, {raise_token}, raises},
        .acquire_again{frees, {tokens, acquire_again}, grants},
        .take_share{takes, {shares, tokens, holding, places, take_share}, grants},
        .take_all{takes, {tokens, take_all}, grants},
        .look{reads, {look}},
        .guard{frees, {guard}},
        .ask{takes,
             {pass_on, line_head, shares, tokens, holding, places, line, hand_over, line_answer},
             grants},
        .line{frees,
              {pass_on, line_head, shares, tokens, holding, places, line, hand_over, line_answer}},
        .take_keys{takes, {take_keys}},
        .renew_keys{frees, {renew_keys}},
        .release_keys{frees, {release_keys}},
        .break_keys{frees, {break_keys}},
        .take_hash{takes, {take_hash}},
        .renew_hash{frees, {renew_hash}},
        .release_hash{frees, {release_hash}},
        .break_hash{frees, {break_hash}},
        .range_hold{takes,
                    {range_clock, range_usual, range_book, range_overlap, range_window, range_hold},
                    grants},
        .range_renew{frees, {range_clock, range_renew, range_book, range_renew_on}},
        .range_release{frees, {range_clock, range_release, range_book, range_release_on}},
        .range_get{reads, {range_clock, range_get}},
        .range_confirm{frees, {range_clock, range_book, range_confirm}},
        .range_move{
            frees, {range_clock, range_book, range_overlap, range_window, range_move}, grants},
        .range_list{reads, {range_clock, range_book, range_overlap, range_window, range_list}},
        .range_look{reads, {range_clock, range_book, range_overlap, range_look}},
        .range_sweep{frees, {range_clock, range_book, range_sweep}},
        .range_capacity{frees, {range_clock, range_book, range_capacity}}};
    return *all;
}

}  // namespace holdfast::redis
