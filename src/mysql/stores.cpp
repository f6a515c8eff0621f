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

/// Makes a `Store`, seen as a `Port`, for each environment. What carries its notices has to have
/// made its scheme known before.
template <class Port, class Store>
auto open_mysql(std::string_view url)
    -> result<std::function<result<std::shared_ptr<Port>>(const store_environment&)>> {
    auto where = mysql::read_settings(url, mysql::url_use::store);
    if (!where) return where.error();
    port::bulletin_factory notify;
    if (!where->notify.empty()) {
        auto carrier = port::bulletin_for(where->notify);
        if (!carrier) {
            failure why = carrier.error();
            why.text = "notify: " + why.text;
            return why;
        }
        notify = std::move(*carrier);
    }
    return [where = std::move(*where), notify = std::move(notify)](
               const store_environment& environment) -> result<std::shared_ptr<Port>> {
        auto carrier = notify ? notify(environment) : nullptr;
        return std::make_shared<Store>(environment, where, std::move(carrier));
    };
}

result<range_store_factory> open_mysql_ranges(std::string_view url) {
    return open_mysql<range_store, mysql::mysql_range_store>(url);
}

result<store_factory> open_mysql_locks(std::string_view url) {
    return open_mysql<store, mysql::mysql_lock_store>(url);
}

}  // namespace

bool register_mysql_store() {
    return register_scheme("mysql", open_mysql_locks) &&
           register_scheme("mysql+unix", open_mysql_locks) &&
           register_range_scheme("mysql", open_mysql_ranges) &&
           register_range_scheme("mysql+unix", open_mysql_ranges);
}

}  // namespace holdfast
