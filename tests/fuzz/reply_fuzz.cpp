// SPDX-License-Identifier: BSL-1.0
//
// Why: a server, or whoever answers in its place, may send anything. How: the same bytes at once
// and in two parts must give the same replies, and never more than they can hold; and whatever a
// reply says, it is understood or refused.
#include "redis/client/server_error.hpp"
#include "redis/lock_reply.hpp"
#include "redis/resp/reply.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using holdfast::redis::resp::reader;
using holdfast::redis::resp::reply;

struct outcome {
    std::vector<std::size_t> sizes;
    bool broken{false};
    bool operator==(const outcome&) const = default;
};

constexpr std::size_t shown_bytes_max = 200;

void understand(const reply& said) {
    static const std::string address = "redis://h";
    if (holdfast::redis::tidy_text(said.text).size() > shown_bytes_max) std::abort();
    static_cast<void>(holdfast::redis::classify(said.text));
    static_cast<void>(holdfast::redis::ownership(said, address));
    if (holdfast::redis::describe("name", said, said, said).name != "name") std::abort();
    static_cast<void>(holdfast::redis::held_by(said, said));
    for (const reply& part : said.items) understand(part);
}

void drain(reader& from, outcome& into) {
    for (;;) {
        reply next;
        switch (from.next(next)) {
            case reader::state::incomplete: return;
            case reader::state::broken: into.broken = true; return;
            case reader::state::ready:
                understand(next);
                into.sizes.push_back(next.text.size() + next.items.size());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t cut = bytes.size() * data[0] / 256;
    reader whole;
    outcome at_once;
    whole.feed(bytes);
    drain(whole, at_once);
    reader parts;
    outcome in_parts;
    parts.feed(bytes.substr(0, cut));
    drain(parts, in_parts);
    if (!in_parts.broken) {
        parts.feed(bytes.substr(cut));
        drain(parts, in_parts);
    }
    if (at_once != in_parts) std::abort();
    return 0;
}
