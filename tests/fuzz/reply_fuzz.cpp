// SPDX-License-Identifier: BSL-1.0
//
// Why: a server, or whoever answers in its place, may send anything. How: the same bytes at once
// and in two parts must give the same replies, and never more than they can hold.
#include "redis/resp/reply.hpp"

#include <cstdint>
#include <cstdlib>
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

void drain(reader& from, outcome& into) {
    for (;;) {
        reply next;
        switch (from.next(next)) {
            case reader::state::incomplete: return;
            case reader::state::broken: into.broken = true; return;
            case reader::state::ready: into.sizes.push_back(next.text.size() + next.items.size());
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
