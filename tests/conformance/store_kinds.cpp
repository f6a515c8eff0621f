// SPDX-License-Identifier: BSL-1.0
#include "conformance/store_kinds.hpp"

#include <holdfast/holdfast.hpp>

#ifdef HOLDFAST_HAS_MYSQL
#include "support/mariadb_server.hpp"
#endif
#include "support/redis_server.hpp"
#include "support/temp_dir.hpp"

#include <ostream>

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

private:
    temp_dir directory_;
};
#endif

#ifdef HOLDFAST_HAS_MYSQL
// One server for the program; each test has a database of its own. No test crashes it, so it need
// not wait for the disk.
class mysql_place final : public store_place {
public:
    mysql_place() {
        static int places = 0;
        const std::string name = "locks" + std::to_string(++places);
        sql_session(server(), "").ask("CREATE DATABASE " + name);
        url_ = server().url(name);
    }
    [[nodiscard]] std::string url() const override { return url_; }

private:
    static mariadb_server& server() {
        static mariadb_server only{{.arguments = {"--innodb-flush-log-at-trx-commit=0"}}};
        return only;
    }
    std::string url_;
};
#endif

#ifdef HOLDFAST_HAS_REDIS
// One server for the program; each test finds it empty.
class redis_place final : public store_place {
public:
    redis_place() { static_cast<void>(server().command({"FLUSHALL"})); }
    [[nodiscard]] std::string url() const override { return server().url(); }

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

std::vector<store_kind> find_kinds() {
    constexpr store_abilities all{.modes = true, .several = true, .lines = true};
    std::vector<store_kind> kinds{{"memory", make<memory_place>, true, all}};
#ifdef HOLDFAST_HAS_SQLITE
    kinds.push_back({"sqlite", make<sqlite_place>, true, {.modes = true, .several = true}});
#endif
#ifdef HOLDFAST_HAS_MYSQL
    kinds.push_back({"mysql", make<mysql_place>, false, {.several = true}});
#endif
#ifdef HOLDFAST_HAS_REDIS
    if (redis_server::available()) kinds.push_back({"redis", make<redis_place>, false, all});
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
