// SPDX-License-Identifier: BSL-1.0
#include "context.hpp"

#include <holdfast/holdfast.hpp>  // Makes known the stores that were built in.
#include <holdfast/quorum.hpp>

#include "duration.hpp"
#include "output.hpp"
#include "store_address.hpp"

#include <algorithm>
#include <iostream>

namespace holdfast::cli {
namespace {

using std::chrono::milliseconds;

// The text that was given is not quoted: it may be anything, an URL with a password too.
[[noreturn]] void refuse(const std::string& flag, const std::string& rule) {
    throw CLI::ValidationError(flag, rule);
}

CLI::Option* add_time(CLI::App& command, const std::string& flag, const std::string& type,
                      const std::string& help, const std::function<void(std::string)>& take) {
    return command
        .add_option_function<std::string>(
            flag, [take](const std::string& text) { take(text); }, help)
        ->type_name(type)
        ->expected(1);
}

void check_label(const std::string& owner) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; };
    if (owner.size() > owner_bytes_max) refuse("--owner", "at most 256 bytes");
    if (std::any_of(owner.begin(), owner.end(), is_control))
        refuse("--owner", "no control characters");
}

}  // namespace

result<std::vector<std::string>> store_urls(const context& ctx) {
    const bool votes = !ctx.whose || ctx.whose == dialect::redlock;
    return choose_stores(ctx.stores, votes ? store_count::several : store_count::one);
}

locker_options options_of(const context& ctx) {
    locker_options options{.timeout = ctx.timeout};
    if (ctx.verbose) options.on_event = [](const event& what) { say("event", to_string(what)); };
    return options;
}

result<locker> open_locker(const context& ctx, const std::vector<std::string>& urls) {
    const locker_options options = options_of(ctx);
#ifdef HOLDFAST_HAS_REDIS
    if (ctx.whose) {
        std::vector<store_factory> nodes;
        for (const std::string& url : urls) {
            auto make = open_dialect(*ctx.whose, url);
            if (!make) return make.error();
            nodes.push_back(std::move(*make));
        }
        const bool votes = ctx.whose == dialect::redlock;
        return locker::open(votes ? quorum_of(std::move(nodes)) : nodes.front(), options);
    }
#endif
    if (urls.size() == 1) return locker::open(urls.front(), options);
    const auto quorum = open_quorum(urls);
    if (!quorum) return quorum.error();
    return locker::open(*quorum, options);
}

result<locker> open_locker(const context& ctx) {
    const auto urls = store_urls(ctx);
    if (!urls) return urls.error();
    return open_locker(ctx, *urls);
}

bool gives_tokens(const context& ctx) noexcept { return ctx.whose != dialect::redlock; }

CLI::Option* add_duration(CLI::App& command, const std::string& flag, milliseconds& target,
                          const std::string& help) {
    return add_time(command, flag, "DURATION", help, [&target, flag](const std::string& text) {
        const auto parsed = parse_duration(text);
        if (!parsed) refuse(flag, "a whole number and a unit, such as 250ms, 30s, 5m or 1h");
        target = *parsed;
    });
}

CLI::Option* add_wait(CLI::App& command, const std::string& flag, milliseconds& target,
                      const std::string& help) {
    return add_time(command, flag, "DURATION", help, [&target, flag](const std::string& text) {
        const auto parsed = text == "forever" ? forever : parse_duration(text);
        if (!parsed)
            refuse(flag, "a whole number and a unit, such as 250ms, 30s or 5m; or forever");
        if (*parsed > wait_max && *parsed != forever) refuse(flag, "at most 24h, or forever");
        target = *parsed;
    });
}

CLI::Option* add_name(CLI::App& command, std::string& name) {
    return command.add_option("NAME", name, "The lock's name, 1 to 512 bytes")
        ->type_name("")
        ->required()
        ->check([](const std::string& text) {
            const bool fits = !text.empty() && text.size() <= name_bytes_max;
            return fits ? std::string{} : std::string{"a name has 1 to 512 bytes"};
        });
}

CLI::Option* add_ttl(CLI::App& command, milliseconds& ttl) {
    const auto help = "Lease length: a dead holder blocks the others this long (default 30s)";
    return add_time(command, "--ttl", "DURATION", help, [&ttl](const std::string& text) {
        const auto parsed = parse_duration(text);
        if (!parsed) refuse("--ttl", "a whole number and a unit, such as 250ms, 30s, 5m or 1h");
        if (*parsed < ttl_min || *parsed > ttl_max) refuse("--ttl", "10ms to 24h");
        ttl = *parsed;
    });
}

CLI::Option* add_owner(CLI::App& command, std::string& owner) {
    return command
        .add_option_function<std::string>(
            "--owner",
            [&owner](const std::string& text) {
                check_label(text);
                owner = text;
            },
            "Label for people, shown to others, at most 256 bytes")
        ->type_name("TEXT");
}

void add_dialect([[maybe_unused]] CLI::App& command, [[maybe_unused]] context& ctx) {
#ifdef HOLDFAST_HAS_REDIS
    command
        .add_option_function<std::string>(
            "--dialect",
            [&ctx](const std::string& name) {
                ctx.whose = dialect_named(name);
                if (!ctx.whose)
                    refuse("--dialect", "redlock, warlock, dist-lock, dist-lock-1 or process-lock");
            },
            "Whose lock it is: redlock, warlock, dist-lock, dist-lock-1 or process-lock")
        ->type_name("DIALECT")
        ->expected(1);
#endif
}

CLI::Option* add_id(CLI::App& command, std::string& id) {
    return command.add_option("ID", id, "The holder's id; - reads it from stdin")
        ->type_name("")
        ->required();
}

std::string read_id(const std::string& given) {
    if (given != "-") return given;
    std::string line;
    std::getline(std::cin, line);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
}

}  // namespace holdfast::cli
