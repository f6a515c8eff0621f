// SPDX-License-Identifier: BSL-1.0
#include "errors.hpp"

#include "exit_codes.hpp"
#include "output.hpp"

namespace holdfast::cli {
namespace {

std::string explain(std::string_view name, const failure& why) {
    const auto lock = in_quotes(name);
    switch (why.code) {
        case errc::contended:
        case errc::timed_out: {
            const auto who = why.holder ? describe(*why.holder) : std::string{"somebody else"};
            const auto late = why.code == errc::timed_out ? " (not free in time)" : "";
            return lock + " is taken by " + who + late;
        }
        case errc::lost:
            return lock +
                   (why.reason == lost_reason::taken ? " is held by another id" : " is not held");
        default: return lock + ": " + why.message();
    }
}

}  // namespace

int exit_code_of(errc code) noexcept {
    switch (code) {
        case errc::contended:
        case errc::timed_out: return exit_taken;
        case errc::misuse: return exit_usage;
        case errc::lost: return exit_not_there;
        case errc::cancelled:
        case errc::no_quorum:
        case errc::in_doubt:
        case errc::unreachable:
        case errc::denied:
        case errc::wrong_type:
        case errc::protocol:
        case errc::quarantined: break;
    }
    return exit_unavailable;
}

std::string describe(const holder_info& holder) {
    std::string text = holder.owner.empty() ? "" : in_quotes(holder.owner);
    if (holder.pid != 0 || !holder.host.empty()) {
        const auto pid = holder.pid != 0 ? "pid " + std::to_string(holder.pid) : std::string{};
        const auto host = holder.host.empty() ? std::string{} : "host " + printable(holder.host);
        const auto place = pid + (pid.empty() || host.empty() ? "" : " on ") + host;
        text += text.empty() ? place : " (" + place + ")";
    }
    if (text.empty()) text = "somebody else";
    if (holder.remaining.count() >= 0) {
        text += ", for " + spoken(holder.remaining) + " more unless renewed";
    }
    return text;
}

int fail(std::string_view command, const failure& why) {
    say(command, why.message());
    return exit_code_of(why.code);
}

int fail(std::string_view command, std::string_view name, const failure& why) {
    say(command, explain(name, why));
    return exit_code_of(why.code);
}

}  // namespace holdfast::cli
