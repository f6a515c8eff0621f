// SPDX-License-Identifier: BSL-1.0
#include <holdfast/sqlite.hpp>

#include "base/store_url.hpp"
#include "sqlite/sqlite_range_store.hpp"
#include "sqlite/sqlite_store.hpp"

#include <filesystem>

namespace holdfast {
namespace {

/// Where a file is, and how it is called.
struct file_place {
    std::string path;  // Absolute, so that a later change of directory leads to no other file.
    std::string address;
};

result<file_place> read_sqlite_url(std::string_view text) {
    auto url = base::parse_store_url(text);
    if (!url) return url.error();
    if (const auto unknown = base::check_query(*url, {})) return *unknown;
    if (url->path.empty())
        return failure(errc::misuse,
                       "a sqlite: URL names a file, as in sqlite:/var/lib/app/locks.db");
    std::error_code failed;
    const auto path = std::filesystem::absolute(url->path, failed);
    if (failed) return failure(errc::misuse, url->redacted() + ": " + failed.message());
    return file_place{path.string(), url->redacted()};
}

/// A factory of `Store`s, as what they are a kind of.
template <class Store, class Port>
auto open_file(std::string_view text)
    -> result<std::function<result<std::shared_ptr<Port>>(const store_environment&)>> {
    auto place = read_sqlite_url(text);
    if (!place) return place.error();
    return std::function<result<std::shared_ptr<Port>>(const store_environment&)>(
        [place = std::move(*place)](const store_environment& environment) {
            return result<std::shared_ptr<Port>>(
                std::make_shared<Store>(environment, place.path, place.address));
        });
}

}  // namespace

bool register_sqlite_store() {
    return register_scheme("sqlite", open_file<sqlite::sqlite_store, store>) &&
           register_range_scheme("sqlite", open_file<sqlite::sqlite_range_store, range_store>);
}

}  // namespace holdfast
