// SPDX-License-Identifier: BSL-1.0
//
// What it is: reads Prometheus' text format 0.0.4 strictly: what breaks one of its rules is an
// error with the line. prometheus.io, "Exposition formats".
// Thread safety: none.
#pragma once

#include <cctype>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::test {

/// See the top of the file.
class prometheus_page {
public:
    using labels = std::map<std::string, std::string>;
    struct family {
        std::string type;
        std::string help;
        std::set<std::string> label_names;
    };

    explicit prometheus_page(const std::string& text) {
        if (text.empty() || text.back() != '\n')
            throw std::runtime_error("no line feed at the end");
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with("# HELP ") || line.starts_with("# TYPE "))
                begin(line);
            else
                add(line);
        }
        for (const auto& [name, one] : families_)
            if (one.type == "histogram") check_histogram(name);
    }

    [[nodiscard]] const std::map<std::string, family>& families() const { return families_; }
    /// @return The number, as text.
    [[nodiscard]] std::string at(const std::string& name, const labels& with = {}) const {
        const auto found = samples_.find({name, with});
        return found == samples_.end() ? "there is none" : found->second;
    }
    [[nodiscard]] std::size_t size() const { return samples_.size(); }
    /// @return Of all samples.
    [[nodiscard]] std::set<std::string> values_of(const std::string& label) const {
        std::set<std::string> all;
        for (const auto& [key, value] : samples_)
            if (const auto at = key.second.find(label); at != key.second.end())
                all.insert(at->second);
        return all;
    }

private:
    [[noreturn]] static void fail(const std::string& line, const std::string& why) {
        throw std::runtime_error(why + ": " + line);
    }
    static bool is_name(const std::string& text) {
        if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front()))) return false;
        return text.find_first_not_of(
                   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                   "0123456789") == text.npos;
    }

    // HELP, then TYPE, then the samples; each metric once.
    void begin(const std::string& line) {
        const auto space = line.find(' ', 7);
        const std::string name = line.substr(7, space - 7);
        const std::string rest = space == line.npos ? "" : line.substr(space + 1);
        if (!is_name(name) || rest.empty()) fail(line, "a bad description");
        if (line[2] == 'H') {
            if (families_.contains(name)) fail(line, "described twice");
            families_[name].help = rest;
            present_ = name;
            return;
        }
        if (present_ != name || !families_[name].type.empty()) fail(line, "TYPE without HELP");
        if (rest != "counter" && rest != "gauge" && rest != "histogram") fail(line, "no such type");
        families_[name].type = rest;
    }

    void add(const std::string& line) {
        std::size_t at = line.find_first_of("{ ");
        if (at == line.npos) fail(line, "no value");
        const std::string name = line.substr(0, at);
        labels with;
        if (line[at] == '{') at = read_labels(line, at + 1, with);
        if (at >= line.size() || line[at] != ' ') fail(line, "no space before the value");
        const std::string value = line.substr(at + 1);
        char* end = nullptr;
        std::strtod(value.c_str(), &end);
        if (value.empty() || *end != '\0') fail(line, "no number");
        family& of = families_[present_];
        const bool suffixed =
            of.type == "histogram" && (name == present_ + "_bucket" || name == present_ + "_sum" ||
                                       name == present_ + "_count");
        if (of.type.empty() || (of.type == "histogram" ? !suffixed : name != present_))
            fail(line, "does not belong to " + present_);
        if (of.type == "counter" && !name.ends_with("_total")) fail(line, "a counter's name");
        for (const auto& [label, unused] : with) of.label_names.insert(label);
        if (!samples_.emplace(std::pair(name, with), value).second) fail(line, "stands twice");
    }

    static std::size_t read_labels(const std::string& line, std::size_t at, labels& into) {
        for (;;) {  // Ends at the brace.
            const auto equals = line.find("=\"", at);
            if (equals == line.npos) fail(line, "a bad label");
            const std::string name = line.substr(at, equals - at);
            std::string value;
            for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
                if (line[at] != '\\') {
                    value += line[at];
                    continue;
                }
                const char escaped = ++at < line.size() ? line[at] : ' ';
                if (escaped != 'n' && escaped != '"' && escaped != '\\') fail(line, "an escape");
                value += escaped == 'n' ? '\n' : escaped;
            }
            if (!is_name(name) || !into.emplace(name, value).second) fail(line, "a bad label");
            if (++at >= line.size()) fail(line, "no end of the labels");
            if (line[at] == '}') return at + 1;
            if (line[at] != ',') fail(line, "no comma between labels");
            ++at;
        }
    }

    // The buckets rise, in their bounds and their numbers, up to +Inf, which is the count.
    void check_histogram(const std::string& name) const {
        std::map<labels, std::map<double, double>> all;
        for (const auto& [key, value] : samples_) {
            if (key.first != name + "_bucket") continue;
            labels rest = key.second;
            const std::string bound = rest["le"];
            rest.erase("le");
            all[rest][std::strtod(bound.c_str(), nullptr)] = std::strtod(value.c_str(), nullptr);
        }
        for (const auto& [with, buckets] : all) {
            double last = 0;
            for (const auto& [bound, count] : buckets) {
                if (count < last) fail(name, "the buckets do not rise");
                last = count;
            }
            const std::string count = at(name + "_count", with);
            if (buckets.rbegin()->first <= 1e300 || std::strtod(count.c_str(), nullptr) != last)
                fail(name, "the last bucket is not the count");
        }
    }

    std::map<std::string, family> families_;
    std::map<std::pair<std::string, labels>, std::string> samples_;
    std::string present_;
};

}  // namespace holdfast::test
