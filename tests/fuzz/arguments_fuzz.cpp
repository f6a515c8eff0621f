// SPDX-License-Identifier: BSL-1.0
//
// Why: arguments come from people, and from scripts that put other people's text into them. How:
// the program's own parser with all its commands, none of which is run. What is taken for CMD must
// be the end of what was given, untouched; a refusal must be explained in words.
#include "../../apps/cli/command_line.hpp"
#include "../../apps/cli/context.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace holdfast::cli;

// A byte 0 ends a word, as in the memory of a process.
std::vector<std::string> words_of(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> words;
    const std::string all(reinterpret_cast<const char*>(data), size);
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\0', at), all.size());
        words.push_back(all.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

// Thrown when all is parsed, before any command is run.
struct parsed {};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<std::string> given = words_of(data, size);
    context ctx;
    CLI::App app{"Distributed locks for programs and people", "holdfast"};
    add_everything(app, ctx);
    app.parse_complete_callback([] { throw parsed{}; });
    auto [words, command] = split(app, given);
    if (words.size() + command.size() > given.size() ||
        !std::equal(command.rbegin(), command.rend(), given.rbegin()))
        std::abort();
    std::reverse(words.begin(), words.end());
    try {
        app.parse(std::move(words));
        std::abort();  // A command was run.
    } catch (const parsed&) {
    } catch (const CLI::Success&) {  // Help, or the version.
    } catch (const CLI::ParseError& error) {
        if (explain(app, error, command).empty()) std::abort();
    }
    return 0;
}
