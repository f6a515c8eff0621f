// SPDX-License-Identifier: BSL-1.0
//
// What it is: the manual page against the program's own help: the same commands with the same
// options, each of them described.
#include "cli_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace holdfast::test {
namespace {

using testing::HasSubstr;
using names = std::set<std::string>;

const std::string page_file = HOLDFAST_SOURCE "/docs/man/holdfast.1";

/// All that `pattern` finds in its first group, line by line.
words found_in(const std::string& text, const std::regex& pattern) {
    words found;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        if (std::smatch match; std::regex_search(line, match, pattern)) found.push_back(match[1]);
    return found;
}

/// The options that `COMMAND --help` tells of: the last spelling of each.
names options_in_help(const std::string& help) {
    static const std::regex line{R"(^  (?:-\w,)?(--?[\w-]+))"};
    const words found = found_in(help, line);
    return {found.begin(), found.end()};
}

words commands_in_help(const std::string& help) {
    static const std::regex line{R"(^  ([a-z]+) )"};
    const auto list = help.find("Subcommands:");
    return list == std::string::npos ? words{} : found_in(help.substr(list), line);
}

std::string help_of(words command) {
    command.emplace_back("--help");
    const auto result = holdfast_cli(command, {});
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
}

/// What each command takes, by its name, as the program says.
std::map<std::string, names> commands_by_help() {
    std::map<std::string, names> all;
    for (const auto& name : commands_in_help(help_of({}))) {
        const std::string help = help_of({name});
        const words below = commands_in_help(help);
        if (below.empty()) all[name] = options_in_help(help);
        for (const auto& nested : below)
            all[name + ' ' + nested] = options_in_help(help_of({name, nested}));
    }
    for (auto& [name, options] : all) options.erase("--help");
    return all;
}

/// The page without what a terminal does not show of it: `\-` is a dash.
std::string page() { return std::regex_replace(read_file(page_file), std::regex{R"(\\-)"}, "-"); }

/// The names in a line `.B range get\fR|\fBconfirm`: "range get" and "range confirm".
words names_in(const std::string& line) {
    static const std::regex between{R"(\\fR\|\\fB)"};
    const bool range = line.starts_with("range ");
    const std::string rest = range ? line.substr(6) : line.substr(0, line.find(' '));
    words all{std::sregex_token_iterator{rest.begin(), rest.end(), between, -1}, {}};
    for (auto& name : all) name = (range ? "range " : "") + name;
    return all;
}

/// What each command takes, by its name, as the page's synopsis says.
std::map<std::string, names> commands_by_synopsis() {
    static const std::regex option{R"(^\.(?:OP|B) (--?[\w-]*\w))"};
    std::map<std::string, names> all;
    const std::string text = page();
    for (auto from = text.find("\n.SY "); from != std::string::npos;) {
        const auto to = text.find("\n.YS", from);
        const std::string one = text.substr(from, to - from);
        const words options = found_in(one, option);
        for (const auto& name : names_in(found_in(one, std::regex{R"(^\.B ([a-z].*))"}).at(0)))
            all[name].insert(options.begin(), options.end());
        from = text.find("\n.SY ", to);
    }
    return all;
}

TEST(manual_page, has_the_commands_and_options_that_the_program_has) {
    const auto wanted = commands_by_help();
    auto found = commands_by_synopsis();
    EXPECT_GE(wanted.size(), 18U);
    for (const auto& [name, options] : wanted) {
        // With a dialect, a command on ranges has a line of its own, for several of them at once.
        if (!options.contains("--mutex")) found[name].erase("--mutex");
        EXPECT_THAT(found[name], testing::ContainerEq(options)) << "of the command " << name;
        found.erase(name);
    }
    EXPECT_TRUE(found.empty()) << "there is no command " << found.begin()->first;
}

TEST(manual_page, describes_each_option_that_it_names) {
    const std::string text = page();
    const std::string described = text.substr(text.find("\n.SH OPTIONS"));
    for (const auto& [name, options] : commands_by_help())
        for (const auto& option : options)
            EXPECT_TRUE(std::regex_search(
                described, std::regex{R"(\n\.TP\n\.B[IR]? [^\n]*)" + option + R"((?![\w-]))"}))
                << option << " of " << name << " has no paragraph";
    for (const auto& option : options_in_help(help_of({})))
        EXPECT_THAT(described, HasSubstr(option));
}

TEST(manual_page, has_the_exit_codes_and_variables_of_the_program) {
    const std::string text = page();
    for (const auto* code : {"0", "1", "64", "69", "75", "76", "126", "127", "128"})
        EXPECT_TRUE(std::regex_search(text.substr(text.find("\n.SH EXIT STATUS")),
                                      std::regex{"\\b" + std::string{code} + "\\b"}))
            << code;
    for (const auto* variable : {"HOLDFAST_STORE", "HOLDFAST_MUTEX", "HOLDFAST_NAME", "HOLDFAST_ID",
                                 "HOLDFAST_FENCE", "XDG_STATE_HOME"})
        EXPECT_THAT(text.substr(text.find("\n.SH ENVIRONMENT")), HasSubstr(variable));
}

// Why: two texts for people about the same options drift apart unseen.
TEST(reference_page, names_each_option) {
    const std::string text = read_file(HOLDFAST_SOURCE "/docs/reference/cli.md");
    for (const auto& [name, options] : commands_by_help())
        for (const auto& option : options)
            EXPECT_THAT(text, HasSubstr(option)) << "of the command " << name;
}

}  // namespace
}  // namespace holdfast::test
