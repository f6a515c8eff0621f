// SPDX-License-Identifier: BSL-1.0
#include "range/wish.hpp"

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace holdfast::ranges {
namespace {

/// The numbers of a wish, without gaps between them; its texts follow.
struct wish_head {
    std::uint32_t key_bytes{0};
    std::uint16_t owner_bytes{0};
    std::uint16_t id_bytes{0};
    std::int64_t start{0};
    std::int64_t end{0};
    std::uint32_t units{1};
    std::uint32_t capacity{0};
};

static_assert(std::has_unique_object_representations_v<wish_head>);

wish_head head_of(std::string_view wish) noexcept {
    wish_head head;
    std::memcpy(&head, wish.data(), sizeof head);
    return head;
}

}  // namespace

std::string to_wish(std::string_view key, const range& where, std::uint32_t units,
                    const range_options& options) {
    const wish_head head{.key_bytes = static_cast<std::uint32_t>(key.size()),
                         .owner_bytes = static_cast<std::uint16_t>(options.owner.size()),
                         .id_bytes = static_cast<std::uint16_t>(options.id.size()),
                         .start = where.start,
                         .end = where.end,
                         .units = units,
                         .capacity = options.capacity};
    std::string wish;
    wish.reserve(sizeof head + key.size() + options.owner.size() + options.id.size() +
                 options.data.size());
    wish.append(reinterpret_cast<const char*>(&head), sizeof head);
    return wish.append(key).append(options.owner).append(options.id).append(options.data);
}

std::string wish_for(std::string_view key) { return to_wish(key, {}, 1, {}); }

std::string_view key_of(std::string_view wish) noexcept {
    if (wish.size() < sizeof(wish_head)) return {};
    const std::size_t bytes = head_of(wish).key_bytes;
    wish.remove_prefix(sizeof(wish_head));
    return bytes <= wish.size() ? wish.substr(0, bytes) : std::string_view();
}

std::string_view id_of(std::string_view wish) noexcept {
    const wish_head head = head_of(wish);
    return wish.substr(sizeof head + head.key_bytes + head.owner_bytes, head.id_bytes);
}

range_claim from_wish(std::string_view wish) {
    range_claim wanted;
    from_wish(wish, wanted);
    return wanted;
}

void from_wish(std::string_view wish, range_claim& into) {
    const wish_head head = head_of(wish);
    wish.remove_prefix(sizeof head);
    into.key = wish.substr(0, head.key_bytes);
    into.owner = wish.substr(head.key_bytes, head.owner_bytes);
    into.data = wish.substr(head.key_bytes + head.owner_bytes + head.id_bytes);
    into.start = head.start;
    into.end = head.end;
    into.units = head.units;
    into.capacity = head.capacity;
}

}  // namespace holdfast::ranges
