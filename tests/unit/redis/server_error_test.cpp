// SPDX-License-Identifier: BSL-1.0
#include "redis/client/server_error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace holdfast::test {
namespace {

using namespace std::string_literals;
using redis::classify;
using redis::tidy_text;

struct known_error {
    errc code;
    const char* text;  // As a server writes it: 7.0.15 unless it says otherwise.
};

const known_error known_errors[] = {
    {errc::unreachable, "LOADING Redis is loading the dataset in memory"},
    {errc::unreachable,
     "BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
     "SHUTDOWN NOSAVE."},
    {errc::unreachable,
     "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set "
     "to 'no'."},
    {errc::unreachable, "TRYAGAIN Multiple keys request during rehashing of slot"},
    {errc::unreachable, "CLUSTERDOWN The cluster is down"},
    {errc::unreachable, "ERR max number of clients reached"},
    {errc::unreachable, "EXECABORT Transaction discarded because of: BUSY Redis is busy running"},
    {errc::denied, "READONLY You can't write against a read only replica."},
    {errc::denied,
     "READONLY You can't write against a read only replica. script: "
     "8e243a1177ca47e13ef4ffcd890f185651a554cd, on @user_script:1."},
    {errc::denied, "OOM command not allowed when used memory > 'maxmemory'."},
    {errc::denied, "MISCONF Redis is configured to save RDB snapshots, but it is currently unable"},
    {errc::denied, "NOREPLICAS Not enough good replicas to write."},
    {errc::denied, "NOAUTH Authentication required."},
    {errc::denied, "NOAUTH HELLO must be called with the client already authenticated, otherwise"},
    {errc::denied, "WRONGPASS invalid username-password pair or user is disabled."},
    {errc::denied, "NOPERM User worker has no permissions to run the 'set' command"},
    {errc::denied, "DENIED Redis is running in protected mode because protected mode is enabled"},
    {errc::denied, "ERR invalid password"},                          // Version 5.
    {errc::denied, "ERR Client sent AUTH, but no password is set"},  // Version 5.
    {errc::denied, "ERR AUTH <password> called without any password configured"},
    {errc::denied, "ERR DB index is out of range"},
    {errc::denied, "ERR The user executing the script can't run this command or subcommand script"},
    {errc::denied, "ERR This instance has cluster support disabled"},
    {errc::denied, "MOVED 3999 127.0.0.1:6381"},
    {errc::denied, "ASK 3999 127.0.0.1:6381"},
    {errc::denied, "CROSSSLOT Keys in request don't hash to the same slot"},
    {errc::denied, "EXECABORT Transaction discarded because of previous errors."},
    {errc::denied, "EXECABORT Transaction discarded because of: NOPERM User x has no permissions"},
    {errc::wrong_type, "WRONGTYPE Operation against a key holding the wrong kind of value"},
    {errc::wrong_type,
     "WRONGTYPE Operation against a key holding the wrong kind of value script: "
     "d09f3e9ab8dd501b5bcb9563fb1709efe70f9bf6, on @user_script:7."},
    // Scripts before version 7.
    {errc::wrong_type,
     "ERR Error running script (call to f_d09f3e9a): @user_script:7: WRONGTYPE "
     "Operation against a key holding the wrong kind of value"},
    {errc::denied,
     "ERR Error running script (call to f_d09f3e9a): @user_script:9: @user_script: "
     "9: -READONLY You can't write against a read only replica."},
    {errc::denied,
     "ERR Error running script (call to f_d09f3e9a): @user_script:9: @user_script: "
     "9: -OOM command not allowed when used memory > 'maxmemory'."},
    {errc::protocol, "ERR unknown command 'HELLO', with args beginning with: '3' "},
    {errc::protocol, "NOPROTO unsupported protocol version"},
    {errc::protocol, "NOSCRIPT No matching script. Please use EVAL."},
    {errc::protocol, "ERR value is not an integer or out of range"},
    {errc::protocol, "ERR Error running script (call to f_d09f3e9a): @user_script:1: attempt to"},
    {errc::protocol, "ERR unknown command 'x-READONLY'"},
    {errc::protocol, "err lower case"},
    {errc::protocol, ""},
};

TEST(an_error_of_the_server, is_sorted_by_what_a_caller_can_do_about_it) {
    for (const known_error& one : known_errors)
        EXPECT_EQ(to_string(classify(one.text)), to_string(one.code)) << one.text;
}

TEST(an_error_of_the_server, is_told_without_the_arguments_that_it_repeats) {
    EXPECT_EQ(tidy_text("ERR unknown command 'HELLO', with args beginning with: '3' 'canary'"),
              "ERR unknown command 'HELLO'");
    EXPECT_EQ(tidy_text("ERR unknown command `HELLO`, with args beginning with: `3`, `canary`, "),
              "ERR unknown command `HELLO`");
}

TEST(an_error_of_the_server, is_told_in_printable_text_of_bounded_length) {
    EXPECT_EQ(tidy_text("ERR a\x1b[31m\n\0b\x7f"s), "ERR a?[31m??b?");
    EXPECT_EQ(tidy_text(std::string(10'000, 'x')).size(), 200U);
    EXPECT_EQ(tidy_text(""), "");
}

}  // namespace
}  // namespace holdfast::test
