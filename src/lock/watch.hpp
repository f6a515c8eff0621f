// SPDX-License-Identifier: BSL-1.0
//
// What it is: one watch over the locks of a store: where it hears of changes, and what is known.
// Thread safety: none; it belongs to the engine's executor, on which it is also destroyed.
#pragma once

#include <holdfast/lock_change.hpp>
#include <holdfast/store.hpp>

#include "core/lock_diary.hpp"

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace holdfast::lock {

/// See the top of the file.
struct lock_watch {
    std::string prefix;
    std::unique_ptr<change_feed> feed;  ///< Null: changes are found by listing.
    core::lock_diary diary{};
    bool begun{false};                        ///< The first look was taken.
    bool look_at_all{true};                   ///< The next look has to be at all of them.
    std::set<std::string> changed{};          ///< Else at these.
    std::set<std::string> broken{};           ///< Names that were taken away.
    unsigned failures{0};                     ///< In a row.
    std::chrono::nanoseconds looking_took{};  ///< The last look at all.
    std::vector<lock_change> told{};          ///< What is to be told.
};

}  // namespace holdfast::lock
