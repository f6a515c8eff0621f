// SPDX-License-Identifier: BSL-1.0
//
// What it is: the program `holdfast`: from its arguments to its exit code.
#include "command_line.hpp"
#include "context.hpp"
#include "exit_codes.hpp"
#include "output.hpp"
#include "store_address.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <string.h>
#include <string>
#include <system_error>
#include <utility>

namespace {

using namespace holdfast::cli;

// A caller that closed a standard stream would have our first socket take its number.
void open_standard_streams() {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
        if (::fcntl(stream, F_GETFD) == -1) static_cast<void>(::open("/dev/null", O_RDWR));
    }
}

void prepare_signals(context& ctx) {
    struct sigaction found {};
    ::sigaction(SIGPIPE, nullptr, &found);
    ctx.default_sigpipe = found.sa_handler != SIG_IGN;
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD,
             SIG_DFL);  // A caller that ignores it would keep us from learning of CMD's end.
}

// What was asked for may have been done, but whoever asked does not know. Who went away without
// reading on, as head(1) does, wants no line about it: it ends as if SIGPIPE had ended it.
int conclude(const context& ctx) {
    const int error = print_error();
    if (error == 0 || ctx.exit_code == exit_unavailable) return ctx.exit_code;
    if (error == EPIPE && ctx.default_sigpipe) return exit_signal_base + SIGPIPE;
    say("output", std::string{"cannot write to standard output: "} + ::strerror(error));
    return exit_unavailable;
}

int run(int argc, char** argv) {
    context ctx;
    open_standard_streams();
    prepare_signals(ctx);
    CLI::App app{"Distributed locks for programs and people", "holdfast"};
    add_everything(app, ctx);
    auto [words, command] = split(app, {argv + std::min(argc, 1), argv + argc});
    ctx.command = std::move(command);
    wipe_passwords(argc - static_cast<int>(ctx.command.size()), argv);
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back.
    try {
        app.parse(std::move(words));
    } catch (const CLI::Success& help_or_version) {
        std::ostringstream text;
        app.exit(help_or_version, text, text);
        print_text(text.str());
    } catch (const CLI::ParseError& error) {
        say("usage", explain(app, error, ctx.command));
        return exit_usage;
    }
    return conclude(ctx);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::system_error& error) {
        say("system", error.what());
        return exit_unavailable;
    } catch (const std::exception& error) {
        say("internal error", error.what());
        return exit_unavailable;
    }
}
