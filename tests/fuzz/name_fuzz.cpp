// SPDX-License-Identifier: BSL-1.0
//
// Why: names come from programs, holder records and keys from whoever writes to the store. How:
// whatever is accepted must survive its own round trip.
#include "base/holder_record.hpp"
#include "base/name.hpp"
#include "redis/keys.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast::base;
    namespace redis = holdfast::redis;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string encoded = encode_name(text);
    if (encoded.size() > encoded_bytes_max(size)) std::abort();
    if (decode_name(encoded) != std::string(text)) std::abort();
    if (const auto decoded = decode_name(text); decoded && encode_name(*decoded) != text)
        std::abort();

    const std::string key = redis::lock_key(text);
    // A key has one hash tag, which is all of it.
    if (key.find('}') != key.size() - 1 || key.rfind('{') != 0) std::abort();
    if (!check_name(text)) {
        if (redis::name_of_key(key) != std::string(text)) std::abort();
        if (redis::key_texts(text).lock() != key) std::abort();
    }
    if (const auto name = redis::name_of_key(text); name && redis::lock_key(*name) != text)
        std::abort();
    if (redis::lock_key_pattern(text).size() < key.size()) std::abort();

    const auto record = read_holder_record(text);
    if (text.find('|') == std::string_view::npos && record.id != text) std::abort();
    for (const char c : record.holder.owner + record.holder.host)
        if (is_control(c)) std::abort();
    return 0;
}
