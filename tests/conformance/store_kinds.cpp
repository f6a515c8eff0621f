// SPDX-License-Identifier: BSL-1.0
#include "conformance/store_kinds.hpp"

#include <holdfast/holdfast.hpp>

#ifdef HOLDFAST_HAS_MYSQL
#include "support/mariadb_server.hpp"
#endif
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <sstream>

namespace holdfast::test {
namespace {

class memory_place final : public store_place {
public:
    memory_place() {
        static int places = 0;
        url_ = "memory:conformance-" + std::to_string(++places);
    }
    [[nodiscard]] std::string url() const override { return url_; }

private:
    std::string url_;
};

#ifdef HOLDFAST_HAS_SQLITE
class sqlite_place final : public store_place {
public:
    [[nodiscard]] std::string url() const override { return "sqlite:" + directory_ / "locks.db"; }

    // What is written goes to the file or to the log beside it.
    [[nodiscard]] std::string dump_of_holds() const override {
        std::ostringstream all;
        for (const char* const name : {"locks.db", "locks.db-wal"})
            all << std::ifstream(directory_ / name, std::ios::binary).rdbuf();
        return all.str();
    }

private:
    temp_dir directory_;
};
#endif

#ifdef HOLDFAST_HAS_MYSQL
// One server for the program; each test has a database of its own. No test crashes it, so it need
// not wait for the disk.
class mysql_place final : public store_place {
public:
    explicit mysql_place(bool routines = true) {
        static int places = 0;
        name_ = "locks" + std::to_string(++places);
        sql_session(server(), "").ask("CREATE DATABASE " + name_);
        url_ = server().url(name_);
        if (!routines) restrict();
    }
    [[nodiscard]] std::string url() const override { return url_; }
    [[nodiscard]] std::string dump_of_holds() const override {
        sql_session root(server(), name_);
        std::string all;
        for (const char* const table : {"holdfast_range_hold", "holdfast_range_key"})
            for (const auto& row : root.ask(std::string("SELECT * FROM ") + table)) {
                for (const std::string& cell : row) all += cell + '|';
                all += '\n';
            }
        return all;
    }

private:
    static mariadb_server& server() {
        static mariadb_server only{{.arguments = {"--innodb-flush-log-at-trx-commit=0"}}};
        return only;
    }
    // To a user who may not create a procedure.
    void restrict() {
        sql_session root(server(), "");
        root.ask("CREATE USER IF NOT EXISTS plain@localhost IDENTIFIED BY 'app pw'");
        root.ask("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON " + name_ +
                 ".* TO plain@localhost");
        url_.replace(url_.find("app:"), 4, "plain:");
    }
    std::string name_;
    std::string url_;
};
#endif

#ifdef HOLDFAST_HAS_REDIS
// One server for the program; each test finds it empty.
class redis_place final : public store_place {
public:
    redis_place() { static_cast<void>(server().command({"FLUSHALL"})); }
    [[nodiscard]] std::string url() const override { return server().url(); }
    [[nodiscard]] std::string dump_of_holds() const override {
        return server().command({"EVAL",
                                 "local keys = redis.call('KEYS', '{hr:*') table.sort(keys) "
                                 "local all = {} for _, key in ipairs(keys) do "
                                 "all[#all + 1] = key .. redis.call('DUMP', key) end "
                                 "return table.concat(all, ' ')",
                                 "0"});
    }
    // Each stands in a sorted set by its place, in one by its end, and in a hash.
    [[nodiscard]] std::optional<std::size_t> holds_in_it() const override {
        const std::string told = server().command({"EVAL",
                                                   "local all = {s = 0, x = 0, h = 0} "
                                                   "for kind in pairs(all) do "
                                                   "for _, key in ipairs(redis.call("
                                                   "'KEYS', '{hr:*}:' .. kind)) do "
                                                   "local size = kind == 'h' and "
                                                   "redis.call('HLEN', key) or "
                                                   "redis.call('ZCARD', key) "
                                                   "all[kind] = all[kind] + size - 1 end end "
                                                   "return all.s .. ' ' .. all.x .. ' ' .. all.h",
                                                   "0"});
        std::istringstream numbers(told.substr(told.find('\n') + 1));
        std::size_t places = 0;
        std::size_t ends = 0;
        std::size_t records = 0;
        numbers >> places >> ends >> records;
        return std::max({places, ends, records});
    }

private:
    static redis_server& server() {
        static redis_server only;
        return only;
    }
};
#endif

template <class Place>
std::unique_ptr<store_place> make() {
    return std::make_unique<Place>();
}

#ifdef HOLDFAST_HAS_MYSQL
std::unique_ptr<store_place> make_bare_mysql() { return std::make_unique<mysql_place>(false); }
#endif

std::vector<store_kind> find_kinds() {
    constexpr store_abilities all{.modes = true, .several = true, .lines = true};
    std::vector<store_kind> kinds{{"memory", make<memory_place>, {}, true, all}};
#ifdef HOLDFAST_HAS_SQLITE
    kinds.push_back({"sqlite", make<sqlite_place>, {}, true, {.modes = true, .several = true}});
#endif
#ifdef HOLDFAST_HAS_MYSQL
    kinds.push_back({"mysql", make<mysql_place>, make_bare_mysql, false, {.several = true}});
#endif
#ifdef HOLDFAST_HAS_REDIS
    if (redis_server::available()) kinds.push_back({"redis", make<redis_place>, {}, false, all});
#endif
    return kinds;
}

}  // namespace

const std::vector<store_kind>& store_kinds() {
    static const std::vector<store_kind> kinds = find_kinds();
    return kinds;
}

std::ostream& operator<<(std::ostream& out, const store_kind& kind) { return out << kind.name; }

}  // namespace holdfast::test
