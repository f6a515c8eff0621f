// SPDX-License-Identifier: BSL-1.0
#include <holdfast/shared_mutex.hpp>

#include <utility>

namespace holdfast {
namespace {

acquire_options to_read(acquire_options options) {
    options.mode = lock_mode::shared;
    return options;
}

}  // namespace

// The base checks the options of readers, which have more rules.
shared_mutex::shared_mutex(locker& where, std::string name, acquire_options options)
    : mutex(where, std::move(name), to_read(std::move(options))) {
    options_.mode = lock_mode::exclusive;
}

}  // namespace holdfast
