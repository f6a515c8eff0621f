// SPDX-License-Identifier: BSL-1.0
//
// `holdfast completion bash|zsh|fish`: prints a completion script for that shell.
// Exit: 0, 64 usage.
#include "completion.hpp"
#include "context.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

#include <memory>

namespace holdfast::cli {
namespace {

struct completion_arguments {
    std::string shell;
};

int run_completion(const CLI::App& app, const completion_arguments& given) {
    const auto script = given.shell == "bash"  ? bash_completion(app)
                        : given.shell == "zsh" ? zsh_completion(app)
                                               : fish_completion(app);
    print_text(script);
    return exit_done;
}

}  // namespace

void add_completion(CLI::App& app, context& ctx) {
    auto given = std::make_shared<completion_arguments>();
    auto* command = app.add_subcommand("completion", "Print a completion script for a shell");
    command->add_option("SHELL", given->shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->type_name("");
    command->callback([&app, &ctx, given] { ctx.exit_code = run_completion(app, *given); });
}

}  // namespace holdfast::cli
