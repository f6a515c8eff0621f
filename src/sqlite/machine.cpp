// SPDX-License-Identifier: BSL-1.0
#include "sqlite/machine.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

namespace holdfast::sqlite {
namespace {

constexpr const char* boot_file = "/proc/sys/kernel/random/boot_id";
constexpr const char* offsets_file = "/proc/self/timens_offsets";

std::string read_text(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::chrono::nanoseconds read_clock_offset(std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string clock;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    while (lines >> clock >> seconds >> nanoseconds)
        // The first kernels that had the file wrote the clock's number.
        if (clock == "boottime" || clock == "7")
            return std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds);
    return std::chrono::nanoseconds{0};
}

result<machine> this_machine() {
    machine here;
    here.boot = read_text(boot_file);
    while (!here.boot.empty() && here.boot.back() == '\n') here.boot.pop_back();
    if (here.boot.empty())
        return failure(errc::denied, std::string("cannot read the boot id from ") + boot_file);
    // A kernel without time namespaces has no such file, and no offset either.
    here.clock_offset = read_clock_offset(read_text(offsets_file));
    return here;
}

}  // namespace holdfast::sqlite
