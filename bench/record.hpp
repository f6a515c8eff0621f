// SPDX-License-Identifier: BSL-1.0
//
// What it is: one line of results: a JSON object on standard output, and the same as a table for
// people on standard error.
// Thread safety: none.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::bench {

/// See the top of the file.
class record {
public:
    explicit record(std::string_view bench) { add("bench", bench); }

    record& add(std::string_view name, std::string_view value);
    record& add(std::string_view name, bool value);
    record& add(std::string_view name, int value) { return add(name, double(value), 0); }
    record& add(std::string_view name, double value, int digits);
    void print() const;

private:
    struct field {
        std::string name;
        std::string shown;
        bool quoted;
    };
    std::vector<field> fields_;
};

}  // namespace holdfast::bench
