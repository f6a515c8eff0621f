// SPDX-License-Identifier: BSL-1.0
#include <holdfast/errc.hpp>

#include <array>

namespace holdfast {
namespace {

struct error_name {
    errc code;
    std::string_view name;
    std::string_view meaning;
};

constexpr std::array error_names{
    error_name{errc::contended, "contended", "somebody else holds the lock"},
    error_name{errc::timed_out, "timed_out", "still held by somebody else when the wait was over"},
    error_name{errc::cancelled, "cancelled", "the wait was ended by the caller"},
    error_name{errc::no_quorum, "no_quorum", "too few of the nodes agreed in time"},
    error_name{errc::lost, "lost", "the lock is not held any more"},
    error_name{errc::in_doubt, "in_doubt", "the reply was lost, the effect is unknown"},
    error_name{errc::unreachable, "unreachable", "the store cannot be reached"},
    error_name{errc::denied, "denied", "the store refuses"},
    error_name{errc::wrong_type, "wrong_type", "the name is in use for something else"},
    error_name{errc::protocol, "protocol", "the store's answer makes no sense"},
    error_name{errc::misuse, "misuse", "an argument breaks a rule"},
    error_name{errc::quarantined, "quarantined", "the server came back, and grants nothing yet"},
};

constexpr std::array<std::string_view, 7> reason_names{
    "none", "expired", "taken", "deleted", "unreachable", "max_hold", "forked"};

const error_name* find(int code) noexcept {
    for (const error_name& known : error_names)
        if (static_cast<int>(known.code) == code) return &known;
    return nullptr;
}

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "holdfast"; }
    std::string message(int code) const override {
        const error_name* known = find(code);
        return known ? std::string(known->meaning) : "unknown error " + std::to_string(code);
    }
};

}  // namespace

std::string_view to_string(errc code) noexcept {
    const error_name* known = find(static_cast<int>(code));
    return known ? known->name : "unknown";
}

std::string_view to_string(lost_reason reason) noexcept {
    const auto index = static_cast<std::size_t>(reason);
    return index < reason_names.size() ? reason_names[index] : "unknown";
}

const boost::system::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

boost::system::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

std::string failure::message() const {
    std::string line(to_string(code));
    line += ": ";
    line += text.empty() ? error_category().message(static_cast<int>(code)) : text;
    return line;
}

lock_error::lock_error(failure why)
    : std::system_error(std::error_code(make_error_code(why.code)), why.text),
      why_(std::move(why)) {}

void throw_exception_from_error(const failure& why, const boost::source_location&) {
    throw lock_error(why);
}

}  // namespace holdfast
