// SPDX-License-Identifier: BSL-1.0
//
// Why: URLs come from people, names from programs, holder records from whoever writes to the store.
// How: whatever is accepted must survive its own round trip, and nothing secret may be shown.
#include "base/holder_record.hpp"
#include "base/name.hpp"
#include "base/store_url.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast::base;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto url = parse_store_url(text)) {
        // What is shown must not depend on the password at all. To look for the password in it
        // would not do: the rest of the URL may hold the same bytes by chance.
        const std::string shown = url->redacted();
        url->password = secret("another");
        if (url->redacted() != shown) std::abort();
    }
    const auto encoded = encode_name(text);
    if (decode_name(encoded) != std::string(text)) std::abort();
    if (const auto decoded = decode_name(text); decoded && encode_name(*decoded) != text)
        std::abort();
    const auto record = read_holder_record(text);
    if (text.find('|') == std::string_view::npos && record.id != text) std::abort();
    return 0;
}
