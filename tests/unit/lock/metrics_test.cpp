// SPDX-License-Identifier: BSL-1.0
#include <holdfast/event.hpp>
#include <holdfast/metrics.hpp>
#include <holdfast/statistics.hpp>

#include "core/duration_buckets.hpp"
#include "support/prometheus_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace holdfast {
namespace {

using namespace std::chrono_literals;
using test::prometheus_page;
using testing::HasSubstr;

// Why: a bound that is off by one shows where latencies are that lie on a round number.
TEST(duration_buckets, count_a_duration_under_the_first_bound_that_is_not_below_it) {
    constexpr auto& bounds = duration_histogram::bounds;
    EXPECT_EQ(bounds.front(), 100us);
    EXPECT_EQ(bounds.back(), 1h);
    const auto searched = [&](std::chrono::nanoseconds took) {
        std::size_t index = 0;
        while (index < bounds.size() && took > bounds[index]) ++index;
        return index;
    };
    std::vector<std::chrono::nanoseconds> samples{-1ns, 0ns, 1ns, 24h,
                                                  std::chrono::nanoseconds::max()};
    for (const std::chrono::nanoseconds bound : bounds)
        for (const auto off : {-1ns, 0ns, 1ns}) samples.push_back(bound + off);
    for (int bit = 0; bit < 63; ++bit)
        for (const auto off : {-1ns, 0ns, 1ns})
            samples.push_back(std::chrono::nanoseconds(std::int64_t{1} << bit) + off);
    for (const auto took : samples)
        EXPECT_EQ(core::bucket_of(took), searched(took)) << took.count();
    for (std::size_t i = 0; i < bounds.size(); ++i) EXPECT_EQ(core::bucket_of(bounds[i]), i);
}

TEST(duration_buckets, have_bounds_of_which_each_is_at_least_twice_the_one_before) {
    constexpr auto& bounds = duration_histogram::bounds;
    for (std::size_t i = 1; i < bounds.size(); ++i)
        EXPECT_GE(bounds[i], 2 * bounds[i - 1]) << i;  // What `bucket_of` relies on.
}

lock_statistics sample() {
    lock_statistics all;
    all.attempts = 12;
    all.grants = 7;
    all.adoptions = 2;
    all.passes = 1;
    all.wait_time.counts[0] = 4;
    all.wait_time.counts[3] = 1;
    all.wait_time.sum = 1'234'567'890ns;
    all.hold_time.counts[23] = 3;
    all.hold_time.sum = 3h;
    all.losses_by[static_cast<std::size_t>(lost_reason::taken)] = 9;
    all.nodes.push_back({.address = "redis://one:1", .errors = {}});
    all.nodes.push_back({.address = "redis://two:2", .errors = {}});
    all.nodes[1].errors[static_cast<std::size_t>(errc::unreachable)] = 5;
    all.events_refused = 6;
    return all;
}

TEST(prometheus_text, has_each_number_where_the_format_wants_it) {
    const prometheus_page page(prometheus_text(sample()));
    EXPECT_EQ(page.at("holdfast_lock_attempts_total"), "12");
    EXPECT_EQ(page.at("holdfast_lock_grants_total", {{"holdfast_origin", "store"}}), "4");
    EXPECT_EQ(page.at("holdfast_lock_grants_total", {{"holdfast_origin", "process"}}), "1");
    EXPECT_EQ(page.at("holdfast_lock_grants_total", {{"holdfast_origin", "adopted"}}), "2");
    EXPECT_EQ(page.at("holdfast_lock_held"), "4");
    const std::string took = "holdfast_lock_acquire_duration_seconds";
    const auto granted = [](std::string bound) {
        return prometheus_page::labels{{"holdfast_outcome", "granted"}, {"le", std::move(bound)}};
    };
    EXPECT_EQ(page.at(took + "_bucket", granted("0.0001")), "4");
    EXPECT_EQ(page.at(took + "_bucket", granted("0.0005")), "4");
    EXPECT_EQ(page.at(took + "_bucket", granted("0.001")), "5");
    EXPECT_EQ(page.at(took + "_bucket", granted("3600")), "5");
    EXPECT_EQ(page.at(took + "_bucket", granted("+Inf")), "5");
    EXPECT_EQ(page.at(took + "_sum", {{"holdfast_outcome", "granted"}}), "1.23456789");
    EXPECT_EQ(page.at(took + "_count", {{"holdfast_outcome", "granted"}}), "5");
    EXPECT_EQ(page.at(took + "_count", {{"holdfast_outcome", "failed"}}), "0");
    EXPECT_EQ(page.at("holdfast_lock_hold_duration_seconds_bucket", {{"le", "3600"}}), "0");
    EXPECT_EQ(page.at("holdfast_lock_hold_duration_seconds_sum"), "10800");
    EXPECT_EQ(page.at("holdfast_lock_losses_total", {{"holdfast_lost_reason", "taken"}}), "9");
    const auto at_node = [](const char* node) {
        return prometheus_page::labels{{"server_address", node}, {"error_type", "unreachable"}};
    };
    EXPECT_EQ(page.at("holdfast_node_errors_total", at_node("redis://one:1")), "0");
    EXPECT_EQ(page.at("holdfast_node_errors_total", at_node("redis://two:2")), "5");
    EXPECT_EQ(page.at("holdfast_events_lost_total", {{"holdfast_outcome", "refused"}}), "6");
}

TEST(prometheus_text, describes_each_metric_once_for_several_lockers) {
    std::vector<labelled_statistics> all;
    for (const char* const name : {"jobs", "rooms"}) all.push_back({sample(), {{"locks", name}}});
    all[1].numbers.attempts = 99;
    const prometheus_page page(prometheus_text(all));
    EXPECT_EQ(page.at("holdfast_lock_attempts_total", {{"locks", "jobs"}}), "12");
    EXPECT_EQ(page.at("holdfast_lock_attempts_total", {{"locks", "rooms"}}), "99");
    EXPECT_EQ(page.size(), 2 * prometheus_page(prometheus_text(sample())).size());
}

TEST(prometheus_text, escapes_what_labels_may_hold) {
    const std::string odd = "a\"b\\c\nd";
    const prometheus_page page(prometheus_text({}, {{"service", odd}, {"town", "Köln \xff\xc3"}}));
    EXPECT_EQ(page.values_of("service"), std::set<std::string>{odd});
    EXPECT_EQ(page.values_of("town"), std::set<std::string>{"Köln ??"});
    for (const char* const bad : {"\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
        const prometheus_page shown(prometheus_text({}, {{"x", bad}}));
        EXPECT_EQ(shown.values_of("x"), std::set<std::string>{std::string(strlen(bad), '?')});
    }
    for (const char* const good :
         {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
        const prometheus_page shown(prometheus_text({}, {{"x", good}}));
        EXPECT_EQ(shown.values_of("x"), std::set<std::string>{good});
    }
}

TEST(prometheus_text, refuses_labels_that_would_break_the_page_and_names_them) {
    for (const char* const name : {"", "9lives", "with-hyphen", "with space", "a\nb"}) {
        try {
            static_cast<void>(prometheus_text({}, {{name, "x"}}));
            FAIL() << name;
        } catch (const lock_error& refused) {
            EXPECT_EQ(refused.why().code, errc::misuse);
            EXPECT_THAT(refused.why().text, HasSubstr("'" + std::string(name) + "'"));
        }
    }
    for (const char* const name :
         {"le", "__name", "error_type", "server_address", "holdfast_outcome"})
        EXPECT_THROW(static_cast<void>(prometheus_text({}, {{name, "x"}})), lock_error) << name;
    EXPECT_THROW(static_cast<void>(prometheus_text({}, {{"a", "1"}, {"a", "2"}})), lock_error);
}

std::string file_text(const std::string& path) {
    std::ifstream file(HOLDFAST_SOURCE_DIR "/" + path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string page_of_reference() { return file_text("docs/reference/metrics.md"); }

/// What Prometheus makes of a name of OpenTelemetry's.
std::string as_prometheus(std::string name, const std::string& type, const std::string& unit) {
    for (char& c : name)
        if (c == '.') c = '_';
    if (unit == "s") name += "_seconds";
    return type == "counter" ? name + "_total" : name;
}

// Why: a list of metrics that has been forgotten is worse than none.
TEST(prometheus_text, has_the_metrics_that_the_reference_lists_and_no_others) {
    const prometheus_page page(prometheus_text(sample()));
    const std::string reference = page_of_reference();
    // | `holdfast.lock.held` | `holdfast_lock_held` | gauge | `{lock}` | `a.b`, `c.d` | text |
    const std::regex row(R"(\| `(holdfast[\w.]+)` \| `(\w+)` \| (\w+) \| `([^`]+)` \|([^|]*)\|)");
    std::set<std::string> listed;
    for (std::sregex_iterator at(reference.begin(), reference.end(), row), end; at != end; ++at) {
        const std::smatch& found = *at;
        const std::string name = found[2];
        EXPECT_TRUE(listed.insert(name).second) << name;
        EXPECT_EQ(name, as_prometheus(found[1], found[3], found[4]));
        const auto known = page.families().find(name);
        ASSERT_NE(known, page.families().end()) << name;
        EXPECT_EQ(known->second.type, found[3]) << name;
        std::set<std::string> attributes;
        const std::string cell = found[5];
        const std::regex word("`([^`]+)`");
        for (std::sregex_iterator of(cell.begin(), cell.end(), word); of != end; ++of)
            attributes.insert(as_prometheus((*of)[1], "", ""));
        std::set<std::string> used = known->second.label_names;
        used.erase("le");
        EXPECT_EQ(used, attributes) << name;
    }
    EXPECT_EQ(listed.size(), page.families().size());
    for (const char* const label : {"holdfast_origin", "holdfast_outcome"})
        for (const std::string& value : page.values_of(label))
            EXPECT_THAT(reference, HasSubstr("`" + value + "`"));
}

// Why: a rule about a metric that does not exist never fires.
TEST(the_rules_of_the_guide, are_about_metrics_and_values_that_there_are) {
    std::string rules = file_text("examples/monitoring.rules.yml");
    rules.erase(0, rules.find('\n') + 1);  // The licence.
    EXPECT_THAT(file_text("docs/guides/monitoring.md"), HasSubstr("```yaml\n" + rules + "```"));
    const std::string text = prometheus_text(sample());
    const prometheus_page page(text);
    const std::regex metric(R"(holdfast_\w+)");
    int found = 0;
    for (std::sregex_iterator at(rules.begin(), rules.end(), metric), end; at != end; ++at) {
        const std::string name = (*at)[0];
        const bool label = !page.values_of(name).empty();
        const bool known =
            text.find("\n" + name + "{") != text.npos || text.find("\n" + name + " ") != text.npos;
        EXPECT_TRUE(label || known) << name;
        if (known) ++found;
    }
    EXPECT_EQ(found, 8);
    const std::regex choice(R"re((\w+)="(\w+)")re");
    for (std::sregex_iterator at(rules.begin(), rules.end(), choice), end; at != end; ++at)
        EXPECT_TRUE(page.values_of((*at)[1]).contains((*at)[2])) << (*at)[0];
}

TEST(an_event, is_one_line_of_printable_text) {
    event what{.level = event_level::warning, .kind = event_kind::slow_acquire};
    what.name = std::string("a\nb\"\\\0", 6) + "\x7fö";
    what.node = "redis://here:1";
    what.id = "0123abcd";
    what.code = errc::timed_out;
    what.duration = 1500ms;
    what.suppressed = 3;
    what.text = "somebody had it";
    EXPECT_EQ(to_string(what),
              "slow-acquire level=warning name=\"a\\x0ab\\\"\\\\\\x00\\x7f\\xc3\\xb6\" "
              "node=\"redis://here:1\" id=\"0123abcd\" code=timed_out took_ms=1500 suppressed=3 "
              "text=\"somebody had it\"");
    event lost{.level = event_level::error, .kind = event_kind::lost, .reason = lost_reason::taken};
    EXPECT_EQ(to_string(lost), "lost level=error reason=taken held_ms=0");
    EXPECT_EQ(to_string(event{}), "connected level=info");
}

// Why: alerts and log searches are written against these words.
TEST(an_event, has_a_word_for_each_kind_that_the_reference_lists) {
    const std::string reference = page_of_reference();
    for (int i = 1; i <= 10; ++i) {
        const auto word = to_string(static_cast<event_kind>(i));
        EXPECT_NE(word, "unknown") << i;
        EXPECT_THAT(reference, HasSubstr("| `" + std::string(word) + "` |"));
    }
    EXPECT_EQ(to_string(static_cast<event_kind>(0)), "unknown");
    EXPECT_EQ(to_string(static_cast<event_kind>(11)), "unknown");
    EXPECT_EQ(to_string(static_cast<event_level>(9)), "unknown");
}

}  // namespace
}  // namespace holdfast
