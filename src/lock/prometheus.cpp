// SPDX-License-Identifier: BSL-1.0
//
// Prometheus' text format 0.0.4: prometheus.io, "Exposition formats". Metrics are named as in
// OpenTelemetry's "Prometheus and OpenMetrics Compatibility": dots become underscores, the unit
// follows, counters end in _total.
#include <holdfast/metrics.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>

namespace holdfast {
namespace {

/// What `store_errors` and `failures_by` may have.
constexpr std::array error_codes{errc::no_quorum, errc::in_doubt,   errc::unreachable,
                                 errc::denied,    errc::protocol,   errc::wrong_type,
                                 errc::misuse,    errc::quarantined};
constexpr std::array refusal_codes{errc::contended, errc::timed_out, errc::cancelled, errc::lost};
constexpr std::array lost_reasons{lost_reason::expired, lost_reason::taken, lost_reason::deleted,
                                  lost_reason::unreachable, lost_reason::max_hold};

/// How many bytes of `text` are one character of UTF-8; 0: none.
std::size_t character(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    // Overlong forms, surrogates, and what is above the last character: RFC 3629, section 4.
    const bool wrong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) ||
                       (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f);
    return wrong ? 0 : length;
}

void append_label(std::string& into, std::string_view name, std::string_view value) {
    if (!into.empty()) into.push_back(',');
    into.append(name).append("=\"");
    while (!value.empty()) {
        const std::size_t bytes = character(value);
        const std::string_view one = value.substr(0, std::max<std::size_t>(bytes, 1));
        value.remove_prefix(one.size());
        if (bytes == 0)
            into.push_back('?');
        else if (one == "\n")
            into.append("\\n");
        else if (one == "\\" || one == "\"")
            into.append("\\").append(one);
        else
            into.append(one);
    }
    into.push_back('"');
}

/// @return Exactly, as seconds: "0.0005", "3600".
std::string seconds(std::chrono::nanoseconds length) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(length.count(), 0));
    std::string text = std::to_string(ns / 1'000'000'000);
    std::string fraction = std::to_string(ns % 1'000'000'000);
    fraction.insert(0, 9 - fraction.size(), '0');
    fraction.erase(fraction.find_last_not_of('0') + 1);
    if (!fraction.empty()) text.append(".").append(fraction);
    return text;
}

void check_labels(const std::vector<metric_label>& labels) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    constexpr std::string_view digits = "0123456789";
    const auto bad = [](const std::string& name, std::string_view rule) {
        throw lock_error({errc::misuse, "the label '" + name + "': " + std::string(rule)});
    };
    std::set<std::string_view> seen;
    for (const metric_label& one : labels) {
        const std::string& name = one.name;
        const bool well_formed =
            !name.empty() && digits.find(name.front()) == digits.npos &&
            name.find_first_not_of(std::string(letters).append(digits)) == name.npos;
        if (!well_formed) bad(name, "a name has letters, digits and _, and begins with no digit");
        const bool ours = name == "le" || name == "error_type" || name == "server_address" ||
                          name.starts_with("holdfast_");
        if (ours || name.starts_with("__")) bad(name, "this name is reserved");
        if (!seen.insert(name).second) bad(name, "a name stands once");
    }
}

/// Writes one metric after the other, each for all lockers.
class page {
public:
    explicit page(std::span<const labelled_statistics> all) : all_(all) {
        for (const labelled_statistics& one : all) {
            check_labels(one.labels);
            std::string& text = labels_.emplace_back();
            for (const metric_label& label : one.labels)
                append_label(text, label.name, label.value);
        }
    }
    [[nodiscard]] std::string text() && { return std::move(text_); }

    /// Begins a metric. `write(numbers)` is called for each locker, and calls what follows.
    template <class Write>
    void metric(std::string_view name, std::string_view type, std::string_view help, Write write) {
        name_ = name;
        text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
        text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
        for (std::size_t i = 0; i < all_.size(); ++i) {
            base_ = labels_[i];
            write(all_[i].numbers);
        }
    }
    template <class Read>
    void counter(std::string_view name, std::string_view help, Read read) {
        metric(name, "counter", help, [&](const lock_statistics& n) { value(read(n)); });
    }
    template <class Read>
    void histogram(std::string_view name, std::string_view help, Read read) {
        metric(name, "histogram", help, [&](const lock_statistics& n) { durations(read(n)); });
    }

    /// A label of what follows, for this locker, till the next of that name.
    page& with(std::string_view name, std::string_view value) {
        extra_.clear();
        return and_with(name, value);
    }
    page& and_with(std::string_view name, std::string_view value) {
        append_label(extra_, name, value);
        return *this;
    }
    void value(std::uint64_t number) {
        line("", {}, std::to_string(number));
        extra_.clear();
    }
    void durations(const duration_histogram& all) {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < all.counts.size(); ++i) {
            sum += all.counts[i];
            const bool last = i == all.bounds.size();
            line("_bucket", last ? "+Inf" : seconds(all.bounds[i]), std::to_string(sum));
        }
        line("_sum", {}, seconds(all.sum));
        line("_count", {}, std::to_string(sum));
        extra_.clear();
    }

private:
    void line(std::string_view suffix, std::string_view bound, std::string_view number) {
        std::string labels = base_;
        if (!extra_.empty()) labels.append(labels.empty() ? "" : ",").append(extra_);
        if (!bound.empty()) append_label(labels, "le", bound);
        text_.append(name_).append(suffix);
        if (!labels.empty()) text_.append("{").append(labels).append("}");
        text_.append(" ").append(number).append("\n");
    }

    std::span<const labelled_statistics> all_;
    std::vector<std::string> labels_;
    std::string_view name_;
    std::string base_, extra_;
    std::string text_;
};

using numbers = lock_statistics;

void write_acquisitions(page& to) {
    to.counter("holdfast_lock_attempts_total", "How often the store was asked for a lock.",
               [](const numbers& n) { return n.attempts; });
    to.counter("holdfast_lock_refusals_total", "Attempts that found somebody else.",
               [](const numbers& n) { return n.refusals; });
    to.metric("holdfast_lock_grants_total", "counter",
              "Locks that were granted, by where they came from.", [&](const numbers& n) {
                  const std::uint64_t acquired = n.grants - n.adoptions;
                  const std::uint64_t passed = std::min(n.passes, acquired);
                  to.with("holdfast_origin", "store").value(acquired - passed);
                  to.with("holdfast_origin", "process").value(passed);
                  to.with("holdfast_origin", "adopted").value(n.adoptions);
              });
    to.metric("holdfast_lock_acquire_failures_total", "counter",
              "Acquisitions that ended without a lock, by what they returned.",
              [&](const numbers& n) {
                  for (const errc code : refusal_codes)
                      to.with("error_type", to_string(code)).value(count_of(n.failures_by, code));
                  for (const errc code : error_codes)
                      to.with("error_type", to_string(code)).value(count_of(n.failures_by, code));
              });
    to.metric("holdfast_lock_acquire_duration_seconds", "histogram",
              "From the call to its end, by whether there was a lock.", [&](const numbers& n) {
                  to.with("holdfast_outcome", "granted").durations(n.wait_time);
                  to.with("holdfast_outcome", "failed").durations(n.vain_wait_time);
              });
}

void write_holding(page& to) {
    to.metric("holdfast_lock_held", "gauge", "Locks that are held now.",
              [&](const numbers& n) { to.value(n.held()); });
    to.histogram("holdfast_lock_hold_duration_seconds",
                 "From the grant to the release, the loss, or the handing over.",
                 [](const numbers& n) { return n.hold_time; });
    to.metric("holdfast_lock_renewals_total", "counter",
              "Renewals that were confirmed, and attempts at one that failed and were retried.",
              [&](const numbers& n) {
                  to.with("holdfast_outcome", "confirmed").value(n.renewals);
                  to.with("holdfast_outcome", "failed").value(n.renewal_failures);
              });
    to.histogram("holdfast_lock_renewal_margin_seconds",
                 "Validity that a lock had left when its renewal was confirmed.",
                 [](const numbers& n) { return n.renewal_margin; });
    to.metric(
        "holdfast_lock_losses_total", "counter", "Held locks that were lost, by the reason.",
        [&](const numbers& n) {
            for (const lost_reason why : lost_reasons)
                to.with("holdfast_lost_reason", to_string(why)).value(count_of(n.losses_by, why));
        });
    to.metric("holdfast_lock_releases_total", "counter",
              "Releases that were confirmed, and those without a clear answer.",
              [&](const numbers& n) {
                  to.with("holdfast_outcome", "confirmed").value(n.releases);
                  to.with("holdfast_outcome", "in_doubt").value(n.releases_in_doubt);
              });
}

void write_stores(page& to) {
    to.metric("holdfast_store_errors_total", "counter",
              "Answers that were neither a yes nor a no, by the code.", [&](const numbers& n) {
                  for (const errc code : error_codes)
                      to.with("error_type", to_string(code)).value(count_of(n.errors_by, code));
              });
    to.metric("holdfast_node_errors_total", "counter",
              "The same at each server: of a quorum, or the only one.", [&](const numbers& n) {
                  for (const node_statistics& node : n.nodes)
                      for (const errc code : error_codes)
                          to.with("server_address", node.address)
                              .and_with("error_type", to_string(code))
                              .value(count_of(node.errors, code));
              });
    to.metric("holdfast_events_lost_total", "counter",
              "Events that on_event did not take, by the reason.", [&](const numbers& n) {
                  to.with("holdfast_outcome", "dropped").value(n.events_dropped);
                  to.with("holdfast_outcome", "refused").value(n.events_refused);
              });
}

}  // namespace

std::string prometheus_text(std::span<const labelled_statistics> all) {
    page to(all);
    write_acquisitions(to);
    write_holding(to);
    write_stores(to);
    return std::move(to).text();
}

std::string prometheus_text(const lock_statistics& numbers,
                            const std::vector<metric_label>& labels) {
    const labelled_statistics one{numbers, labels};
    return prometheus_text(std::span(&one, 1));
}

}  // namespace holdfast
