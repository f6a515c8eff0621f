// SPDX-License-Identifier: BSL-1.0
//
// What it is: the umbrella for blocking callers. It makes known the stores whose libraries are
// linked. Coroutine callers include <holdfast/async_locker.hpp>, which brings Boost.Asio along.
#pragma once

#include <holdfast/clock.hpp>
#include <holdfast/errc.hpp>
#include <holdfast/event.hpp>
#include <holdfast/guard.hpp>
#include <holdfast/lease.hpp>
#include <holdfast/locker.hpp>
#include <holdfast/metrics.hpp>
#include <holdfast/mutex.hpp>
#include <holdfast/options.hpp>
#include <holdfast/quorum.hpp>
#include <holdfast/range_guard.hpp>
#include <holdfast/range_locker.hpp>
#include <holdfast/shared_mutex.hpp>
#include <holdfast/statistics.hpp>
#include <holdfast/version.hpp>

#ifdef HOLDFAST_HAS_MEMORY
#include <holdfast/memory.hpp>
#endif
#ifdef HOLDFAST_HAS_MYSQL
#include <holdfast/mysql.hpp>
#endif
#ifdef HOLDFAST_HAS_REDIS
#include <holdfast/redis.hpp>
#endif
#ifdef HOLDFAST_HAS_SQLITE
#include <holdfast/sqlite.hpp>
#endif
