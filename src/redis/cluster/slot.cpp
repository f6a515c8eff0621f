// SPDX-License-Identifier: BSL-1.0
#include "redis/cluster/slot.hpp"

#include "redis/client/server_error.hpp"

#include <boost/crc.hpp>

#include <array>
#include <charconv>
#include <string>

namespace holdfast::redis {
namespace {

template <class Number>
std::optional<Number> read_number(std::string_view digits) {
    Number number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

failure nonsense_of_a_cluster() {
    return {errc::protocol, "CLUSTER SLOTS: an answer that makes no sense"};
}

// A row is the first and the last slot, the master as host, port and more, then its replicas.
std::optional<slot_range> read_row(const resp::reply& row, const base::server_place& asked) {
    if (!row.is(resp::kind::array) || row.items.size() < 3) return std::nullopt;
    const resp::reply& first = row.items[0];
    const resp::reply& last = row.items[1];
    const resp::reply& master = row.items[2];
    const auto is_slot = [](const resp::reply& one) {
        return one.is(resp::kind::integer) && one.integer >= 0 && one.integer < slots_of_a_cluster;
    };
    if (!is_slot(first) || !is_slot(last) || first.integer > last.integer) return std::nullopt;
    if (!master.is(resp::kind::array) || master.items.size() < 2) return std::nullopt;
    const resp::reply& port = master.items[1];
    if (!port.is(resp::kind::integer) || port.integer < 1 || port.integer > 65'535)
        return std::nullopt;
    // A server that does not know its own host says nothing, or "?".
    const std::string& told = master.items[0].text;
    const bool known = master.items[0].is(resp::kind::text) && !told.empty() && told != "?";
    return slot_range{static_cast<std::uint16_t>(first.integer),
                      static_cast<std::uint16_t>(last.integer),
                      {known ? told : asked.host, static_cast<std::uint16_t>(port.integer)}};
}

}  // namespace

std::uint16_t slot_of(std::string_view key) noexcept {
    if (const auto open = key.find('{'); open != key.npos)
        if (const auto close = key.find('}', open + 1); close != key.npos && close > open + 1)
            key = key.substr(open + 1, close - open - 1);
    boost::crc_optimal<16, 0x1021, 0, 0, false, false> sum;  // "XMODEM".
    sum.process_bytes(key.data(), key.size());
    return static_cast<std::uint16_t>(sum.checksum() % slots_of_a_cluster);
}

result<std::vector<slot_range>> read_slots(const resp::reply& answer,
                                           const base::server_place& asked) {
    if (answer.is(resp::kind::error)) return failure{classify(answer.text), tidy_text(answer.text)};
    if (!answer.is(resp::kind::array)) return nonsense_of_a_cluster();
    std::vector<slot_range> all;
    for (const resp::reply& row : answer.items) {
        auto one = read_row(row, asked);
        if (!one) return nonsense_of_a_cluster();
        all.push_back(std::move(*one));
    }
    return all;
}

std::optional<redirection> read_redirection(std::string_view error,
                                            const base::server_place& asked) {
    std::array<std::string_view, 3> words;
    for (std::string_view& word : words) {
        const auto space = error.find(' ');
        word = error.substr(0, space);
        error = space == error.npos ? std::string_view{} : error.substr(space + 1);
    }
    if (words[0] != "MOVED" && words[0] != "ASK") return std::nullopt;
    const auto slot = read_number<std::uint16_t>(words[1]);
    const auto colon = words[2].rfind(':');
    if (!slot || *slot >= slots_of_a_cluster || colon == words[2].npos) return std::nullopt;
    const auto port = read_number<std::uint16_t>(words[2].substr(colon + 1));
    if (!port || *port == 0) return std::nullopt;
    const std::string_view host = words[2].substr(0, colon);
    const bool known = !host.empty() && host != "?";
    return redirection{*slot, {known ? std::string(host) : asked.host, *port}, words[0] == "MOVED"};
}

bool is_elsewhere(std::string_view error) noexcept {
    for (const std::string_view start : {"MOVED ", "ASK ", "TRYAGAIN", "CLUSTERDOWN",
                                         "ERR Script attempted to access a non local key"})
        if (error.starts_with(start)) return true;
    // From version 7 on with the script behind it, before that behind a place in it.
    return error.find("Script attempted to access a non local key") != error.npos;
}

}  // namespace holdfast::redis
