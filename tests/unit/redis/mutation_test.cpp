// SPDX-License-Identifier: BSL-1.0
#include "redis/client/server_error.hpp"
#include "redis/client/settings.hpp"
#include "redis/keys.hpp"
#include "redis/lock_reply.hpp"
#include "unit/redis/reply_samples.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

namespace holdfast::test {
namespace {

// HOLDFAST_SEED and HOLDFAST_ROUNDS repeat a failure, or look further than the fixed seed does.
std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Changes bytes of `text`, cuts it, repeats parts of it: the same for the same seed.
class mutator {
public:
    explicit mutator(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

    std::string changed(std::string text) {
        static constexpr std::string_view telling = "+-:$*_#,(!=~>%|\r\n0123456789\0\xff";
        for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
            const std::size_t at = below(text.size() + 1);
            switch (below(5)) {
                case 0: text.insert(at, 1, telling[below(telling.size())]); break;
                case 1: text.erase(at, 1 + below(3)); break;
                case 2:
                    if (at < text.size()) text[at] = static_cast<char>(random_());
                    break;
                case 3: text.insert(at, text.substr(below(text.size() + 1), below(12))); break;
                default:
                    if (at < text.size()) text[at] = telling[below(telling.size())];
                    break;
            }
        }
        return text;
    }

private:
    std::mt19937_64 random_;
};

// Why: a server, or whoever answers in its place, may send anything. How: change good streams a
// little; reading must end, find the same in pieces as at once, and the sanitizers see the rest.
TEST(the_reader, neither_breaks_nor_depends_on_the_pieces_whatever_arrives) {
    const std::uint64_t seed = number_from("HOLDFAST_SEED", 20'240'611);
    const std::uint64_t rounds = number_from("HOLDFAST_ROUNDS", 20'000);
    SCOPED_TRACE("HOLDFAST_SEED=" + std::to_string(seed));
    mutator change(seed);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        std::string stream;
        for (std::size_t parts = 1 + change.below(3); parts > 0; --parts)
            stream += samples()[change.below(samples().size())].bytes;
        stream = change.changed(std::move(stream));
        const reading whole = read_in_pieces(stream, stream.size() + 1);
        ASSERT_EQ(whole, read_in_pieces(stream, 1)) << "round " << round << ": " << stream;
        ASSERT_EQ(whole, read_in_pieces(stream, 1 + change.below(9))) << "round " << round;
        ASSERT_LE(whole.replies.size(), stream.size());
    }
}

TEST(everything_that_reads_the_servers_words, takes_any_words) {
    const std::uint64_t seed = number_from("HOLDFAST_SEED", 4711);
    SCOPED_TRACE("HOLDFAST_SEED=" + std::to_string(seed));
    mutator change(seed);
    const char* const texts[] = {"WRONGTYPE Operation against a key",
                                 "EXECABORT Transaction discarded because of: BUSY x",
                                 "ERR Error running script (call to f_1): @user_script:1: -OOM x",
                                 "{hf:a%3Ab}",
                                 "{hf:a}:f",
                                 "0123456789abcdef0123456789abcdef|1@host|label",
                                 "1754000000000000"};
    for (int round = 0; round < 20'000; ++round) {
        const std::string text = change.changed(texts[change.below(std::size(texts))]);
        static_cast<void>(redis::classify(text));
        ASSERT_LE(redis::tidy_text(text).size(), 200U);
        if (const auto name = redis::name_of_key(text)) {
            ASSERT_EQ(redis::lock_key(*name), text);
        }
        const reply as_text{.type = kind::text, .integer = 0, .text = text, .items = {}};
        const auto info = redis::describe("n", as_text, as_text, as_text);
        ASSERT_EQ(info.value, text);
        ASSERT_FALSE(redis::ownership(as_text, "redis://h"));
    }
}

TEST(a_url, is_read_or_refused_whatever_it_says) {
    const std::uint64_t seed = number_from("HOLDFAST_SEED", 99);
    SCOPED_TRACE("HOLDFAST_SEED=" + std::to_string(seed));
    mutator change(seed);
    const char* const urls[] = {"redis://u:p%40@[::1]:6379/1?password_file=/x",
                                "redis+unix:///run/r.sock?db=3",
                                "rediss://:pw@h:1/0?ca_file=/a&cert_file=/b&key_file=/c"};
    for (int round = 0; round < 20'000; ++round) {
        const std::string url = change.changed(urls[change.below(std::size(urls))]);
        const auto read = redis::read_settings(url);
        if (!read) {
            ASSERT_EQ(read.error().code, errc::misuse) << url;
        }
    }
}

}  // namespace
}  // namespace holdfast::test
