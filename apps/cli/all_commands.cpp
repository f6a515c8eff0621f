// SPDX-License-Identifier: BSL-1.0
#include <holdfast/version.hpp>

#include "context.hpp"

namespace holdfast::cli {

void add_everything(CLI::App& app, context& ctx) {
    app.add_option("--store", ctx.stores,
                   "URL of the store: sqlite:PATH, redis://host, ...; several make a quorum "
                   "(default: HOLDFAST_STORE, else an SQLite file of this user)")
        ->type_name("URL")
        ->expected(1)
        ->allow_extra_args(false)  // Else it would take a NAME behind it for another URL.
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_flag("--json", ctx.json, "Print JSON objects, one on each line");
    app.add_flag("--verbose", ctx.verbose, "Tell on stderr of connections, losses and long waits");
    add_duration(app, "--timeout", ctx.timeout,
                 "Bound of one conversation with the store (default 5s)");
    app.set_version_flag("--version", "holdfast " HOLDFAST_VERSION, "Print the version");
    app.set_help_flag("-h,--help", "Print this help");
    app.require_subcommand(1);
    app.fallthrough();
    add_run(app, ctx);
    add_acquire(app, ctx);
    add_renew(app, ctx);
    add_release(app, ctx);
    add_break(app, ctx);
    add_show(app, ctx);
    add_list(app, ctx);
    add_watch(app, ctx);
    add_doctor(app, ctx);
    add_bench(app, ctx);
    add_range(app, ctx);
    add_completion(app, ctx);
    app.footer(
        "Durations need a unit: 250ms, 30s, 5m, 1h.\n"
        "Exit codes: 0 done; CMD's own code; 1 not there, not mine, findings; 64 usage; 69 store;\n"
        "75 taken by somebody else; 76 lost while CMD ran; 126, 127 CMD cannot be run;\n"
        "128 + N ended by signal N.");
}

}  // namespace holdfast::cli
