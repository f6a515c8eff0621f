// SPDX-License-Identifier: BSL-1.0
#include "mysql/client/server_error.hpp"

#include <algorithm>
#include <array>

namespace holdfast::mysql {
namespace {

struct meaning {
    unsigned number;
    errc code;
    verdict what{verdict::refused};
};

// Sorted by number. Source: "MariaDB Error Code Reference" and "MySQL Server Error Message
// Reference"; 2000 and above come from the client library (errmsg.h).
constexpr std::array meanings{
    meaning{1021, errc::denied},  // disk full
    meaning{1040, errc::unreachable, verdict::gone},
    meaning{1044, errc::denied},
    meaning{1045, errc::denied},
    meaning{1049, errc::denied},  // unknown database
    meaning{1053, errc::unreachable, verdict::gone},
    meaning{1054, errc::wrong_type},
    meaning{1062, errc::misuse},
    meaning{1114, errc::denied},  // table full
    meaning{1129, errc::denied},  // host blocked
    meaning{1130, errc::denied},  // host not allowed
    meaning{1142, errc::denied},
    meaning{1143, errc::denied},
    meaning{1146, errc::wrong_type},
    meaning{1152, errc::unreachable, verdict::gone},
    meaning{1176, errc::wrong_type},  // no such index
    meaning{1203, errc::unreachable, verdict::gone},
    meaning{1205, errc::timed_out, verdict::busy},
    meaning{1213, errc::timed_out, verdict::busy},
    meaning{1226, errc::unreachable},
    meaning{1227, errc::denied},
    meaning{1264, errc::misuse},
    meaning{1267, errc::misuse},  // illegal mix of collations
    meaning{1290, errc::denied},  // an option forbids it, such as read_only
    meaning{1317, errc::timed_out, verdict::busy},
    meaning{1347, errc::wrong_type},
    meaning{1366, errc::misuse},  // not in the column's character set
    meaning{1370, errc::denied},
    meaning{1406, errc::misuse},  // too long for the column
    meaning{1419, errc::denied},  // a trigger while binary logging is on
    meaning{1665, errc::denied},  // READ COMMITTED with a binary log of statements
    meaning{1698, errc::denied},
    meaning{1792, errc::denied},
    meaning{1820, errc::denied},
    meaning{1836, errc::denied},
    meaning{1862, errc::denied},
    meaning{1927, errc::unreachable, verdict::gone},  // connection killed
    meaning{1969, errc::timed_out, verdict::busy},    // max_statement_time
    meaning{2026, errc::denied, verdict::gone},       // TLS
    meaning{2058, errc::denied, verdict::gone},       // authentication plugin
    meaning{2059, errc::denied, verdict::gone},
    meaning{2061, errc::denied, verdict::gone},
    meaning{3024, errc::timed_out, verdict::busy},  // max_execution_time
    meaning{3159, errc::denied},                    // TLS is asked for
    meaning{3988, errc::misuse},                    // not in the column's character set
    meaning{4031, errc::unreachable, verdict::gone},
    meaning{4151, errc::denied},  // account locked
};

constexpr bool comes_before(const meaning& a, const meaning& b) noexcept {
    return a.number < b.number;
}
static_assert(std::is_sorted(meanings.begin(), meanings.end(), comes_before));

constexpr unsigned client_first = 2000;
constexpr unsigned client_last = 2999;

}  // namespace

error_meaning classify(unsigned number) noexcept {
    const meaning wanted{number, errc::protocol};
    const auto found = std::lower_bound(meanings.begin(), meanings.end(), wanted, comes_before);
    if (found != meanings.end() && found->number == number) return {found->code, found->what};
    if (number >= client_first && number <= client_last) return {errc::unreachable, verdict::gone};
    return {};
}

std::string tidy_text(std::string_view text) {
    constexpr std::size_t length_max = 200;
    std::string tidy(text.substr(0, length_max));
    for (char& c : tidy)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return tidy;
}

}  // namespace holdfast::mysql
