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
    if (const auto url = parse_store_url(text)) {
        const std::string shown = url->redacted();
        const auto secret = url->password.reveal();
        const std::string around = url->scheme + url->user + url->host + url->path;
        const bool elsewhere = around.find(secret) != std::string::npos;
        const bool told = shown.find(secret) != std::string::npos;
        // A short password may stand in the rest of the URL by chance.
        if (secret.size() > 5 && !elsewhere && told) std::abort();
    }
    const auto encoded = encode_name(text);
    if (decode_name(encoded) != std::string(text)) std::abort();
    if (const auto decoded = decode_name(text); decoded && encode_name(*decoded) != text)
        std::abort();
    const auto record = read_holder_record(text);
    if (text.find('|') == std::string_view::npos && record.id != text) std::abort();
    return 0;
}
