// SPDX-License-Identifier: BSL-1.0
#include <holdfast/range_store.hpp>
#include <holdfast/store.hpp>

#include "base/store_url.hpp"
#include "lock/session.hpp"
#include "port/bulletin.hpp"

#include <map>
#include <mutex>

namespace holdfast {
namespace {

/// What makes stores, by the scheme of their URLs.
template <class Opener>
struct scheme_table {
    std::mutex mutex;
    std::map<std::string, Opener, std::less<>> openers;

    // Made at its first use, because stores register themselves before main(), and never destroyed,
    // because lockers may be opened at exit.
    static scheme_table& known() {
        static auto* const table = new scheme_table;
        return *table;
    }

    bool add(std::string_view scheme, Opener open) {
        const std::scoped_lock lock(mutex);
        openers.insert_or_assign(std::string(scheme), open);
        return true;
    }
};

/// @return What `url`'s opener gives. @param what  As it is called in the error.
template <class Opener>
auto open_known(std::string_view url, std::string_view what) -> decltype(Opener{}(url)) {
    const auto parsed = base::parse_store_url(url);
    if (!parsed) return parsed.error();
    auto& table = scheme_table<Opener>::known();
    Opener open = nullptr;
    std::string names;
    {
        const std::scoped_lock lock(table.mutex);
        if (const auto found = table.openers.find(parsed->scheme); found != table.openers.end())
            open = found->second;
        for (const auto& [name, opener] : table.openers) names.append(" ").append(name);
    }
    if (open != nullptr) return open(url);
    failure why{errc::misuse, "store URL: no "};
    why.text.append(what).append(" for the scheme '").append(parsed->scheme);
    why.text.append("' (known here:").append(names.empty() ? " none" : names).append(")");
    return why;
}

}  // namespace

bool register_scheme(std::string_view scheme, scheme_opener open) {
    return scheme_table<scheme_opener>::known().add(scheme, open);
}

bool register_range_scheme(std::string_view scheme, range_scheme_opener open) {
    return scheme_table<range_scheme_opener>::known().add(scheme, open);
}

bool port::register_bulletin_scheme(std::string_view scheme, bulletin_opener open) {
    return scheme_table<bulletin_opener>::known().add(scheme, open);
}

result<port::bulletin_factory> port::bulletin_for(std::string_view url) {
    return open_known<bulletin_opener>(url, "carrier of notices");
}

namespace lock {

result<store_factory> factory_for(std::string_view url) {
    return open_known<scheme_opener>(url, "store");
}

result<range_store_factory> range_factory_for(std::string_view url) {
    return open_known<range_scheme_opener>(url, "store of ranges");
}

}  // namespace lock
}  // namespace holdfast
