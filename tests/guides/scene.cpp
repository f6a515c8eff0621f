// SPDX-License-Identifier: BSL-1.0
#include "guides/scene.hpp"

#include <filesystem>
#include <fstream>

namespace holdfast::test {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

}  // namespace

scene::scene(std::string_view guide, const std::string& scripts, const std::string& program) {
    namespace fs = std::filesystem;
    fs::create_directory(directory_ / "bin");
    fs::create_symlink(program, directory_ / "bin/holdfast");
    fs::copy(scripts, directory());
    for (const auto* path : {"/etc/holdfast", "/var/lib/app"}) add_path(path);
    for (const auto* host : {"locks", "r1", "r2", "r3"})
        if (guide.find("//" + std::string(host) + ".example.com") != std::string_view::npos)
            add_redis(host);
    if (guide.find("@db.example.com") != std::string_view::npos) add_database();
}

void scene::add_redis(const std::string& host) {
    servers_.push_back(std::make_unique<redis_server>(redis_options{.tcp = true}));
    real_["redis://" + host + ".example.com"] = servers_.back()->url();
}

void scene::add_database() {
    database_ = std::make_unique<mariadb_server>(mariadb_options{.tcp = true});
    real_["@db.example.com"] = "@127.0.0.1:" + std::to_string(database_->port());
    std::ofstream{directory_ / "etc/holdfast/password"} << "app pw\n";
}

void scene::add_path(const std::string& path) {
    real_[path] = directory_.path().string() + path;
    std::filesystem::create_directories(real_[path]);
}

std::string scene::real(std::string text) const {
    for (const auto& [written, here] : real_) replace_all(text, written, here);
    return text;
}

std::string scene::as_written(std::string text) const {
    for (const auto& [written, here] : real_) replace_all(text, here, written);
    return text;
}

std::string scene::prologue() const {
    return "set -eu\ncd '" + directory() + "'\nPATH='" + (directory_ / "bin") + "':$PATH\n" +
           "HOME='" + directory_.path().string() + "'\nexport PATH HOME\n";
}

}  // namespace holdfast::test
