// SPDX-License-Identifier: BSL-1.0
//
// What it is: the port by which a store that cannot tell of changes itself has somebody else carry
// them to the other processes. What it carries are hints: any may be lost, come late or come
// twice, and none is needed for anything but being quick.
// Thread safety: none; a bulletin belongs to its executor.
#pragma once

#include <holdfast/store.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::port {

/// See the top of the file.
class bulletin {
public:
    /// Who is told. It only notes what it hears.
    class listener {
    public:
        virtual void on_notice(std::string_view words) = 0;
        /// Something may have been missed; also when what is said begins to be heard.
        virtual void on_gap() = 0;

    protected:
        ~listener() = default;
    };

    bulletin() = default;
    bulletin(const bulletin&) = delete;
    bulletin& operator=(const bulletin&) = delete;
    virtual ~bulletin() = default;

    /// Tells `who` what anybody says on `topic`, until `unfollow`. One topic a listener.
    virtual void follow(const std::string& topic, listener& who) = 0;
    virtual void unfollow(const std::string& topic, listener& who) = 0;
    /// @return Whether nothing that is said from now on is missed without `on_gap`. If not, it is
    ///         seen to in the background, and `on_gap` tells.
    /// @param topic  One that somebody follows.
    [[nodiscard]] virtual bool hears(const std::string& topic) = 0;
    /// Says `words` to all who follow `topic`. Never waits; what cannot be said soon is dropped.
    virtual void say(const std::string& topic, std::string words) = 0;
    /// @return Whether something is being said.
    [[nodiscard]] virtual bool busy() const noexcept = 0;
    virtual void stop() = 0;
};

using bulletin_factory = std::function<std::shared_ptr<bulletin>(const store_environment&)>;
using bulletin_opener = result<bulletin_factory> (*)(std::string_view url);

/// Makes URLs of `scheme` known to `bulletin_for`. As `register_scheme`.
bool register_bulletin_scheme(std::string_view scheme, bulletin_opener open);
/// @par Errors  `misuse`: nothing that carries notices has such a scheme, or the URL breaks a rule.
[[nodiscard]] result<bulletin_factory> bulletin_for(std::string_view url);

}  // namespace holdfast::port
