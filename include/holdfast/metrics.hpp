// SPDX-License-Identifier: BSL-1.0
//
// What it is: the numbers of lockers as text that Prometheus and its like read. The names are those
// of OpenTelemetry's conventions, written as Prometheus writes them; docs/reference/metrics.md
// lists each one.
// Thread safety: free functions, safe from any thread.
#pragma once

#include <holdfast/statistics.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// What the text is served as: the value of the header `Content-Type`.
inline constexpr std::string_view prometheus_content_type =
    "text/plain; version=0.0.4; charset=utf-8";

/// A label that all numbers of a locker get.
struct metric_label {
    /// A letter or `_`, then letters, digits and `_`; not `__...`, and none of those that the
    /// metrics have themselves: `le`, `error_type`, `server_address`, `holdfast_...`.
    std::string name;
    std::string value;  ///< Any bytes; what is no UTF-8 is shown as `?`.
};

/// The numbers of one of several lockers.
struct labelled_statistics {
    lock_statistics numbers;           ///< What it has counted.
    std::vector<metric_label> labels;  ///< Different from those of the others.
};

/// Writes the numbers in the text format 0.0.4. No lock's name is in it, and no id.
///
/// @param labels  Put to each number, e.g. `{{"service", "billing"}}`; may be empty.
/// @throws lock_error  `misuse` if a label's name breaks the rule, or stands twice.
/// @par Cost  About 10 KiB of text for a locker on one server.
[[nodiscard]] std::string prometheus_text(const lock_statistics& numbers,
                                          const std::vector<metric_label>& labels = {});

/// The same for several lockers on one page, on which each metric may be described once only.
/// @throws lock_error  Likewise.
[[nodiscard]] std::string prometheus_text(std::span<const labelled_statistics> all);

}  // namespace holdfast
