// SPDX-License-Identifier: BSL-1.0
#include "completion.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::cli {
namespace {

// What the shells need to know of one option.
struct flag {
    std::vector<std::string> spellings;  // "-n", "--store"
    bool takes_value{false};
    std::string help;
};

std::vector<flag> flags_of(const CLI::App& command) {
    std::vector<flag> found;
    for (const auto* option : command.get_options()) {
        flag one;
        for (const auto& name : option->get_snames()) one.spellings.push_back("-" + name);
        for (const auto& name : option->get_lnames()) one.spellings.push_back("--" + name);
        if (one.spellings.empty()) continue;  // A positional argument.
        one.takes_value = option->get_items_expected_max() > 0;
        one.help = option->get_description();
        found.push_back(one);
    }
    return found;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The flags of a command and of those below it, each once.
std::vector<flag> all_flags_of(const CLI::App& command) {
    auto found = flags_of(command);
    for (const auto* nested : commands_of(command)) {
        for (auto& one : flags_of(*nested)) {
            const bool known = std::any_of(found.begin(), found.end(), [&](const flag& other) {
                return other.spellings == one.spellings;
            });
            if (!known) found.push_back(std::move(one));
        }
    }
    return found;
}

/// The words that may stand behind a command: those below it, or the shells.
std::string words_behind(const CLI::App& command) {
    if (command.get_name() == "completion") return "bash zsh fish";
    std::string words;
    for (const auto* nested : commands_of(command))
        words += (words.empty() ? "" : " ") + nested->get_name();
    return words;
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
    std::string text;
    for (const auto& word : words) {
        if (!text.empty()) text += between;
        text += word;
    }
    return text;
}

std::string words_of(const std::vector<flag>& flags) {
    std::string text;
    for (const auto& one : flags) text += (text.empty() ? "" : " ") + join(one.spellings, " ");
    return text;
}

// For text within single quotes; `special` are characters that need a backslash there.
std::string escaped(std::string_view text, std::string_view special) {
    std::string safe;
    for (const char c : text) {
        if (c == '\'') {
            safe += "'\\''";
            continue;
        }
        if (special.find(c) != std::string_view::npos) safe += '\\';
        safe += c;
    }
    return safe;
}

std::string zsh_flags(const std::vector<flag>& flags, std::string_view indent) {
    std::string text;
    for (const auto& one : flags) {
        for (const auto& spelling : one.spellings) {
            text += std::string{indent} + "'" + spelling + "[" + escaped(one.help, "[]:\\") + "]";
            if (one.takes_value) text += ":value:";
            text += "' \\\n";
        }
    }
    return text;
}

std::string fish_flags(const std::vector<flag>& flags, std::string_view condition) {
    std::string text;
    for (const auto& one : flags) {
        text += "complete -c holdfast -n '" + std::string{condition} + "'";
        for (const auto& spelling : one.spellings) {
            const bool is_long = spelling.starts_with("--");
            text += (is_long ? " -l " : " -s ") + spelling.substr(is_long ? 2 : 1);
        }
        if (one.takes_value) text += " -x";
        text += " -d '" + escaped(one.help, "\\") + "'\n";
    }
    return text;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
    std::vector<std::string> names;
    std::vector<std::string> with_value;
    std::string cases;
    const auto shared = flags_of(app);
    auto all = shared;
    for (const auto* command : commands_of(app)) {
        const auto own = all_flags_of(*command);
        all.insert(all.end(), own.begin(), own.end());
        names.push_back(command->get_name());
        const auto behind = words_behind(*command);
        cases += "        " + command->get_name() + ") words='" + words_of(own) +
                 (behind.empty() ? "" : " " + behind) + "' ;;\n";
    }
    for (const auto& one : all) {
        if (one.takes_value) with_value.push_back(join(one.spellings, "|"));
    }
    return "# Completion of holdfast for bash.\n"
           "_holdfast() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local command='' words='' i\n"
           "    COMPREPLY=()\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n"
           "        --)\n"
           "            if declare -F _command_offset >/dev/null; then\n"
           "                _command_offset $((i + 1))\n"
           "            else\n"
           "                mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
           "            fi\n"
           "            return ;;\n"
           "        " +
           join(names, "|") +
           ") [[ $command ]] || command=${COMP_WORDS[i]} ;;\n"
           "        esac\n"
           "    done\n"
           "    case $prev in\n"
           "    " +
           join(with_value, "|") +
           ") return ;;\n"
           "    esac\n"
           "    case $command in\n"
           "        '') words='" +
           words_of(shared) + " " + join(names, " ") + "' ;;\n" + cases +
           "    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "}\n"
           "complete -F _holdfast holdfast\n";
}

std::string zsh_completion(const CLI::App& app) {
    std::string names;
    std::string cases;
    for (const auto* command : commands_of(app)) {
        const auto& name = command->get_name();
        names += "        '" + name + ":" + escaped(command->get_description(), ":\\") + "'\n";
        const auto behind = words_behind(*command);
        cases += "    " + name + ")\n        _arguments \\\n" +
                 zsh_flags(all_flags_of(*command), "            ") +
                 "            '*:" + (behind.empty() ? ":argument:" : "argument:") +
                 (name == "run"    ? "_normal"
                  : behind.empty() ? ""
                                   : "(" + behind + ")") +
                 "' ;;\n";
    }
    return "#compdef holdfast\n"
           "# Completion of holdfast for zsh.\n"
           "_holdfast() {\n"
           "    local context state state_descr line\n"
           "    local -a commands\n"
           "    typeset -A opt_args\n"
           "    commands=(\n" +
           names +
           "    )\n"
           "    _arguments -C \\\n" +
           zsh_flags(flags_of(app), "        ") +
           "        '1: :->command' \\\n"
           "        '*:: :->arguments' && return\n"
           "    case $state in\n"
           "    command) _describe -t commands 'holdfast command' commands; return ;;\n"
           "    esac\n"
           "    case $words[1] in\n" +
           cases +
           "    esac\n"
           "}\n"
           "if [ \"$funcstack[1]\" = _holdfast ]; then\n"
           "    _holdfast \"$@\"\n"
           "else\n"
           "    compdef _holdfast holdfast\n"
           "fi\n";
}

std::string fish_completion(const CLI::App& app) {
    std::string text = "# Completion of holdfast for fish.\ncomplete -c holdfast -f\n";
    text += fish_flags(flags_of(app), "__fish_use_subcommand");
    for (const auto* command : commands_of(app)) {
        const auto& name = command->get_name();
        text += "complete -c holdfast -n '__fish_use_subcommand' -a " + name + " -d '" +
                escaped(command->get_description(), "\\") + "'\n";
        text += fish_flags(all_flags_of(*command), "__fish_seen_subcommand_from " + name);
        const auto behind = words_behind(*command);
        if (!behind.empty())
            text += "complete -c holdfast -n '__fish_seen_subcommand_from " + name + "' -a '" +
                    behind + "'\n";
    }
    return text +
           "complete -c holdfast -n '__fish_seen_subcommand_from run' -a "
           "'(__fish_complete_subcommand)'\n";
}

}  // namespace holdfast::cli
