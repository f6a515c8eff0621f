// SPDX-License-Identifier: BSL-1.0
#include <holdfast/store.hpp>

#include "base/store_url.hpp"
#include "lock/session.hpp"

#include <map>
#include <mutex>

namespace holdfast {
namespace {

struct scheme_table {
    std::mutex mutex;
    std::map<std::string, scheme_opener, std::less<>> openers;
};

// Made at its first use, because stores register themselves before main().
scheme_table& known_schemes() {
    static scheme_table table;
    return table;
}

}  // namespace

bool register_scheme(std::string_view scheme, scheme_opener open) {
    scheme_table& known = known_schemes();
    const std::scoped_lock lock(known.mutex);
    known.openers.insert_or_assign(std::string(scheme), open);
    return true;
}

namespace lock {

result<store_factory> factory_for(std::string_view url) {
    const auto parsed = base::parse_store_url(url);
    if (!parsed) return parsed.error();
    scheme_table& known = known_schemes();
    scheme_opener open = nullptr;
    std::string names;
    {
        const std::scoped_lock lock(known.mutex);
        if (const auto found = known.openers.find(parsed->scheme); found != known.openers.end())
            open = found->second;
        for (const auto& [name, opener] : known.openers) names.append(" ").append(name);
    }
    if (open != nullptr) return open(url);
    return failure{errc::misuse, "store URL: no store for the scheme '" + parsed->scheme +
                                     "' (known here:" + (names.empty() ? " none" : names) + ")"};
}

}  // namespace lock
}  // namespace holdfast
