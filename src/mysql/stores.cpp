// SPDX-License-Identifier: BSL-1.0
//
// How `mysql:` URLs become stores.
#include <holdfast/mysql.hpp>
#include <holdfast/range_store.hpp>
#include <holdfast/store.hpp>

#include "mysql/mysql_lock_store.hpp"
#include "mysql/mysql_range_store.hpp"

#include <utility>

namespace holdfast {
namespace {

result<range_store_factory> open_mysql_ranges(std::string_view url) {
    auto where = mysql::read_settings(url, mysql::url_use::store);
    if (!where) return where.error();
    return range_store_factory([where = std::move(*where)](const store_environment& environment) {
        return result<std::shared_ptr<range_store>>(
            std::make_shared<mysql::mysql_range_store>(environment, where));
    });
}

result<store_factory> open_mysql_locks(std::string_view url) {
    auto where = mysql::read_settings(url, mysql::url_use::store);
    if (!where) return where.error();
    return store_factory([where = std::move(*where)](const store_environment& environment) {
        return result<std::shared_ptr<store>>(
            std::make_shared<mysql::mysql_lock_store>(environment, where));
    });
}

}  // namespace

bool register_mysql_store() {
    return register_scheme("mysql", open_mysql_locks) &&
           register_scheme("mysql+unix", open_mysql_locks) &&
           register_range_scheme("mysql", open_mysql_ranges) &&
           register_range_scheme("mysql+unix", open_mysql_ranges);
}

}  // namespace holdfast
