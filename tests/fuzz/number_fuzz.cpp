// SPDX-License-Identifier: BSL-1.0
//
// Why: durations, instants and numbers come from people and from tables that others write to. How:
// what is accepted lies within its limits, and is the same however it is written.
#include "../../apps/cli/duration.hpp"
#include "../../apps/cli/instant.hpp"
#include "mysql/seed_number.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr std::chrono::hours a_century{100 * 366 * 24};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto found : {cli::parse_duration(text), cli::parse_seconds(text)})
        if (found && (found->count() < 0 || *found > a_century)) std::abort();
    if (const auto found = cli::parse_duration(text)) {
        const std::string again = std::to_string(found->count()) + "ms";
        if (cli::parse_duration(again) != found) std::abort();
    }
    if (const auto found = cli::parse_instant(text))
        if (cli::parse_instant(std::to_string(*found)) != found) std::abort();
    const auto least = mysql::read_number(text, mysql::rounding::down);
    const auto most = mysql::read_number(text, mysql::rounding::up);
    if (least > most || (least != most &&
                         static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(least) != 1))
        std::abort();
    const auto characters = mysql::count_characters(text);
    if (characters < -1 || characters > static_cast<std::int64_t>(size)) std::abort();
    return 0;
}
