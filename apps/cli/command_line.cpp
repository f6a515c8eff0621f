// SPDX-License-Identifier: BSL-1.0
#include "command_line.hpp"

#include "output.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::cli {
namespace {

constexpr const char* option_end = "--";

// As the parser sees it: "-" is none, and nor is a negative number.
bool is_option(const std::string& word) {
    std::string name;
    std::string rest;
    if (CLI::detail::split_long(word, name, rest)) return true;
    return CLI::detail::split_short(word, name, rest) && (name[0] < '0' || name[0] > '9');
}

// Options of all commands may stand behind `run`, and those of `run` before it are refused later.
const CLI::Option* find_option(const CLI::App& app, const CLI::App& run, const std::string& name) {
    const CLI::Option* const own = run.get_option_no_throw(name);
    return own != nullptr ? own : app.get_option_no_throw(name);
}

bool takes_next_word(const CLI::App& app, const CLI::App& run, const std::string& word) {
    const auto takes_value = [&](const std::string& name) {
        const CLI::Option* const option = find_option(app, run, name);
        return option != nullptr && option->get_items_expected_max() > 0;
    };
    std::string name;
    std::string rest;
    if (CLI::detail::split_long(word, name, rest)) return rest.empty() && takes_value("--" + name);
    // Of several letters, the first with a value takes the others for it: "-nE5", "-nE 5".
    for (std::size_t at = 1; at < word.size(); ++at)
        if (takes_value(std::string{'-', word[at]})) return at + 1 == word.size();
    return false;
}

// The last of the commands that were recognised; `app` if there was none.
const CLI::App& innermost(const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app : innermost(*chosen.back());
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
    return text;
}

}  // namespace

command_line split(const CLI::App& app, std::vector<std::string> words) {
    const CLI::App& run = *app.get_subcommand("run");
    bool in_run = false;
    bool has_name = false;
    bool options_over = false;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (word == option_end && has_name) {
            const auto mark = words.begin() + static_cast<std::ptrdiff_t>(at);
            std::vector<std::string> command(mark + 1, words.end());
            words.erase(mark, words.end());
            return {std::move(words), std::move(command)};
        }
        if (word == option_end && !options_over) {
            options_over = true;
        } else if (!options_over && is_option(word)) {
            if (takes_next_word(app, run, word)) ++at;
        } else if (in_run) {
            has_name = true;
        } else if (word == "run") {
            in_run = true;
            options_over = false;
        } else {
            break;
        }
    }
    return {std::move(words), {}};
}

std::string explain(const CLI::App& app, const CLI::ParseError& error,
                    const std::vector<std::string>& command) {
    auto odd = app.remaining(true);
    std::erase(odd, option_end);
    const CLI::App& chosen = innermost(app);
    const bool is_group = !chosen.get_subcommands([](const CLI::App*) { return true; }).empty();
    if (is_group && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
        const std::string group = &chosen == &app ? "" : " " + chosen.get_name();
        const std::string help = "see holdfast" + group + " --help";
        if (odd.empty()) return "a command is missing: " + help;
        const char* const kind = is_option(odd.front()) ? " is no option" : " is no command";
        return in_quotes(odd.front()) + kind + ": " + help;
    }
    if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr || odd.empty())
        return error.what();
    const bool lacks_mark = chosen.get_name() == "run" && command.empty();
    return "not expected: " + join(odd) +
           (lacks_mark ? " (CMD stands behind --, as in: holdfast run NAME -- CMD ARG...)" : "");
}

}  // namespace holdfast::cli
