// SPDX-License-Identifier: BSL-1.0
#include "guides/blocks.hpp"

#include <regex>
#include <sstream>

namespace holdfast::test {
namespace {

// Everything up to the closing fence.
std::string body_of(std::istream& lines, int& line) {
    std::string body;
    for (std::string text; std::getline(lines, text);) {
        ++line;
        if (text == "```") break;
        body += text + '\n';
    }
    return body;
}

}  // namespace

std::vector<command_block> commands_of(std::string_view guide) {
    std::vector<command_block> found;
    std::istringstream lines{std::string(guide)};
    std::string before;
    int number = 0;
    for (std::string text; std::getline(lines, text); before = text) {
        ++number;
        if (!text.starts_with("```")) continue;
        const int fence = number;
        const std::string body = body_of(lines, number);
        if (before.starts_with("<!-- ")) continue;  // It shows a file.
        if (text == "```sh") found.push_back({fence, body, std::nullopt});
        if (text == "```text" && !found.empty()) found.back().printed = body;
    }
    return found;
}

bool looks_like(const std::string& seen, const std::string& wanted) {
    static const std::regex special{R"([.^$|()\[\]{}*+?\\])"};
    static const std::regex any{"…"};
    const std::string escaped = std::regex_replace(wanted, special, R"(\$&)");
    return std::regex_match(seen, std::regex{std::regex_replace(escaped, any, ".*")});
}

}  // namespace holdfast::test
