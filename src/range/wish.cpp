// SPDX-License-Identifier: BSL-1.0
#include "range/wish.hpp"

#include <cstdint>
#include <cstring>

namespace holdfast::ranges {
namespace {

/// The numbers of a wish; its texts follow.
struct wish_head {
    std::uint32_t key_bytes{0};
    std::uint32_t owner_bytes{0};
    std::int64_t start{0};
    std::int64_t end{0};
    std::uint32_t units{1};
    std::uint32_t capacity{0};
};

wish_head head_of(std::string_view wish) noexcept {
    wish_head head;
    std::memcpy(&head, wish.data(), sizeof head);
    return head;
}

}  // namespace

std::string to_wish(const range_claim& wanted) {
    const wish_head head{.key_bytes = static_cast<std::uint32_t>(wanted.key.size()),
                         .owner_bytes = static_cast<std::uint32_t>(wanted.owner.size()),
                         .start = wanted.start,
                         .end = wanted.end,
                         .units = wanted.units,
                         .capacity = wanted.capacity};
    std::string wish(sizeof head, '\0');
    wish.reserve(sizeof head + wanted.key.size() + wanted.owner.size() + wanted.data.size());
    std::memcpy(wish.data(), &head, sizeof head);
    return wish.append(wanted.key).append(wanted.owner).append(wanted.data);
}

std::string wish_for(std::string_view key) {
    range_claim wanted;
    wanted.key = key;
    return to_wish(wanted);
}

std::string_view key_of(std::string_view wish) noexcept {
    if (wish.size() < sizeof(wish_head)) return {};
    const std::size_t bytes = head_of(wish).key_bytes;
    wish.remove_prefix(sizeof(wish_head));
    return bytes <= wish.size() ? wish.substr(0, bytes) : std::string_view();
}

range_claim from_wish(std::string_view wish) {
    const wish_head head = head_of(wish);
    wish.remove_prefix(sizeof head);
    range_claim wanted;
    wanted.key = wish.substr(0, head.key_bytes);
    wanted.owner = wish.substr(head.key_bytes, head.owner_bytes);
    wanted.data = wish.substr(head.key_bytes + head.owner_bytes);
    wanted.start = head.start;
    wanted.end = head.end;
    wanted.units = head.units;
    wanted.capacity = head.capacity;
    return wanted;
}

}  // namespace holdfast::ranges
