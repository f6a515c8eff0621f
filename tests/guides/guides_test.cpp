// SPDX-License-Identifier: BSL-1.0
//
// What it is: each guide's commands, run in their order in one shell, on servers of the test's own;
// what they print is what the guide says.
#include "cli/cli_process.hpp"
#include "guides/blocks.hpp"
#include "guides/scene.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace holdfast::test {
namespace {

const std::string source = HOLDFAST_SOURCE;

words guides_with_commands() {
    words found;
    for (const auto& entry : std::filesystem::directory_iterator{source + "/docs/guides"})
        if (!commands_of(read_file(entry.path())).empty()) found.push_back(entry.path().stem());
    std::sort(found.begin(), found.end());
    return found;
}

class guide : public testing::TestWithParam<std::string> {};

TEST_P(guide, does_what_it_says) {
    const std::string text = read_file(source + "/docs/guides/" + GetParam() + ".md");
    const scene stage{text, source + "/examples/shell", HOLDFAST_PROGRAM};
    const auto blocks = commands_of(text);
    std::string script = stage.prologue();
    for (const auto& [line, commands, printed] : blocks)
        script += "{\n" + stage.real(commands) + "} >block." + std::to_string(line) + " 2>&1\n";

    cli_process shell{{.arguments = {"-c", script}, .program = "sh"}};
    const auto result = shell.wait(std::chrono::seconds{90});

    EXPECT_EQ(result.code, 0) << result.err;
    for (const auto& [line, commands, printed] : blocks) {
        const std::string file = stage.directory() + "/block." + std::to_string(line);
        ASSERT_TRUE(file_exists(file)) << "line " << line << " was not reached";
        const std::string seen = stage.as_written(read_file(file));
        EXPECT_TRUE(looks_like(seen, printed.value_or(""))) << "line " << line << " of the guide:\n"
                                                            << commands << "printed\n"
                                                            << seen << "and not\n"
                                                            << printed.value_or("nothing\n");
    }
}

INSTANTIATE_TEST_SUITE_P(each, guide, testing::ValuesIn(guides_with_commands()),
                         [](const auto& given) { return given.param; });

// Why: a comparison that is always content would let every guide pass.
TEST(guide_blocks, are_compared_line_by_line) {
    EXPECT_TRUE(looks_like("id  ab.c\n", "id  …\n"));
    EXPECT_TRUE(looks_like("{\"a\":[1]}\n", "{\"a\":[1]}\n"));
    EXPECT_FALSE(looks_like("id  abc\nmore\n", "id  …\n"));
    EXPECT_FALSE(looks_like("id  abc\n", "id  ab.\n"));
    EXPECT_FALSE(looks_like("something\n", ""));
}

TEST(guide_blocks, are_found_with_what_they_print_and_files_that_are_shown_are_not_run) {
    const auto found = commands_of(
        "# A\n```sh\none\n```\n\n```text\nprinted\n```\n<!-- examples/x.sh -->\n```sh\nshown\n```\n"
        "```sh\ntwo\n```\n");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].line, 2);
    EXPECT_EQ(found[0].commands, "one\n");
    EXPECT_EQ(found[0].printed, "printed\n");
    EXPECT_EQ(found[1].commands, "two\n");
    EXPECT_EQ(found[1].printed, std::nullopt);
}

}  // namespace
}  // namespace holdfast::test
