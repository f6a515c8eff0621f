// SPDX-License-Identifier: BSL-1.0
//
// What it is: finds what stores of one name share, for as long as one of them has it.
// Thread safety: safe from any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace holdfast::memory {

/// @param name  Empty: something of its own.
template <class Table>
[[nodiscard]] std::shared_ptr<Table> table_of(const std::string& name) {
    static std::mutex mutex;
    // Never destroyed: lockers may be opened at exit.
    static auto& tables = *new std::map<std::string, std::weak_ptr<Table>, std::less<>>;
    if (name.empty()) return std::make_shared<Table>();
    const std::scoped_lock lock(mutex);
    std::erase_if(tables, [](const auto& known) { return known.second.expired(); });
    auto table = tables[name].lock();
    if (!table) {
        table = std::make_shared<Table>();
        tables[name] = table;
    }
    return table;
}

}  // namespace holdfast::memory
