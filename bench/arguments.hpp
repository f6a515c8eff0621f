// SPDX-License-Identifier: BSL-1.0
//
// What it is: the arguments of a benchmark: `--name VALUE` and `--name`, each asked for once. What
// nobody asked for ends the program with a word on how it is used.
// Thread safety: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {

/// See the top of the file.
class arguments {
public:
    /// @param usage  Shown when the arguments do not fit.
    arguments(int count, char** values, std::string_view usage);

    [[nodiscard]] bool flag(std::string_view name);
    [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = {});
    [[nodiscard]] double number(std::string_view name, double otherwise);
    [[nodiscard]] int count(std::string_view name, int otherwise);
    /// Ends the program if something was given that nobody asked for.
    void all_read() const;
    /// Ends the program with `why` and the usage.
    [[noreturn]] void refuse(std::string_view why) const;

private:
    std::vector<std::string> left_;
    std::string_view usage_;
};

}  // namespace holdfast::bench
