// SPDX-License-Identifier: BSL-1.0
//
// What it is: the scripts that run on the server, and how each is called: by its hash, and in full
// when the server does not know it.
// Thread safety: constants.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace holdfast::redis {

/// What a script does with a server that has no memory left, or is a replica.
enum class on_server : std::uint8_t {
    frees,  ///< It frees memory, or needs little: works without memory, refused on a replica.
    takes,  ///< It takes new locks: refused in both cases.
    reads,  ///< Works in both cases.
};

/// What somebody counts on afterwards.
enum class on_locks : std::uint8_t {
    keeps,   ///< Nothing.
    raises,  ///< What it has written.
    grants,  ///< That, and it may take a lock, which a server in quarantine is not asked for.
};

/// One script in the two forms that servers want.
class script {
public:
    /// @param parts  Stand behind each other.
    script(on_server does, std::initializer_list<std::string_view> parts,
           on_locks effect = on_locks::keeps);

    /// @param version_major  The server's version; 0 if it did not tell.
    [[nodiscard]] std::string_view text(unsigned version_major) const noexcept;
    /// @return The SHA1 of that text, 40 hexadecimal digits.
    [[nodiscard]] std::string_view sha1(unsigned version_major) const noexcept;
    [[nodiscard]] bool lasts() const noexcept { return effect_ != on_locks::keeps; }
    [[nodiscard]] bool grants() const noexcept { return effect_ == on_locks::grants; }

private:
    on_locks effect_;
    std::string plain_;
    std::string flagged_;
    std::string plain_sha1_;
    std::string flagged_sha1_;
};

/// All of them.
struct script_set {
    script renew;
    script release;
    script take_away;
    script seed_fence;
    script raise_token;
    script acquire_again;
    script take_share;
    script take_all;
    script look;
    script guard;
    script ask;   ///< line.lua, for who asks ...
    script line;  ///< ... and for who passes on or leaves.
    // Of the dialects.
    script take_keys;
    script renew_keys;
    script release_keys;
    script break_keys;
    script take_hash;
    script renew_hash;
    script release_hash;
    script break_hash;
    // Of ranges.
    script range_hold;
    script range_renew;
    script range_release;
    script range_get;
    script range_confirm;
    script range_move;
    script range_list;
    script range_look;
    script range_sweep;
    script range_capacity;
};

/// @return The scripts, made at the first call.
[[nodiscard]] const script_set& scripts();

}  // namespace holdfast::redis
