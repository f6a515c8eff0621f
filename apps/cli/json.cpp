// SPDX-License-Identifier: BSL-1.0
//
// What it is: the body of Boost.JSON, compiled here once, so that no library of it is needed.
#include <boost/json/src.hpp>
