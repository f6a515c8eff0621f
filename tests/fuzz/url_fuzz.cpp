// SPDX-License-Identifier: BSL-1.0
//
// Why: URLs come from people, and hold passwords. How: whatever is accepted must not show its
// password; whatever is refused is refused as misuse.
#include "base/store_url.hpp"
#include "mysql/client/settings.hpp"
#include "redis/client/settings.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

// In how many ways it is said where the server is.
unsigned ways(const holdfast::redis::settings& where) {
    return unsigned{!where.host.empty()} + unsigned{!where.unix_path.empty()} +
           unsigned{!where.seeds.empty()} + unsigned{!where.sentinels.empty()};
}

unsigned ways(const holdfast::mysql::settings& where) {
    return unsigned{!where.host.empty()} + unsigned{!where.unix_path.empty()};
}

// What was read from a URL and is shown of it.
template <class Read>
void check(Read read, std::string_view text) {
    const auto settings = read(text);
    if (!settings && settings.error().code != holdfast::errc::misuse) std::abort();
    if (settings && ways(*settings) != 1) std::abort();
    const std::string& shown = settings ? settings->address : settings.error().text;
    for (const char c : shown)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto url = base::parse_store_url(text)) {
        // What is shown must not depend on the password at all. To look for the password in it
        // would not do: the rest of the URL may hold the same bytes by chance.
        const std::string shown = url->redacted();
        url->password = base::secret("another");
        if (url->redacted() != shown) std::abort();
    }
    check(redis::read_settings, text);
    check([](std::string_view url) { return mysql::read_settings(url, mysql::url_use::store); },
          text);
    return 0;
}
