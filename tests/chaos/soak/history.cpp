// SPDX-License-Identifier: BSL-1.0
#include "chaos/soak/history.hpp"

#include <holdfast/clock.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <new>
#include <stdexcept>
#include <system_error>

namespace holdfast::soak {
namespace {

constexpr std::uint64_t mark = 0x1f'686f'6c64'6173'74;
constexpr std::size_t records_max = 1'000'000;  // The file is sparse.
constexpr std::size_t reserve = 10'000;

}  // namespace

struct history_writer::head {
    std::uint64_t mark;
    std::atomic<std::uint64_t> count;
    std::array<record, records_max> records;
};

std::int64_t now_ns() noexcept {
    return std::chrono::nanoseconds(boot_clock::now().time_since_epoch()).count();
}

history_writer::history_writer(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) throw std::system_error(errno, std::generic_category(), path);
    void* memory = MAP_FAILED;
    if (::ftruncate(file, sizeof(head)) == 0)
        memory = ::mmap(nullptr, sizeof(head), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path);
    head_ = static_cast<head*>(memory);  // Zeros are what it begins with.
    head_->mark = mark;
}

history_writer::~history_writer() { ::munmap(head_, sizeof(head)); }

record& history_writer::begin(const record& what) {
    const std::uint64_t at = head_->count.load(std::memory_order_relaxed);
    if (at == records_max) throw std::runtime_error("a history is full");
    record& placed = head_->records[at];
    placed = what;
    placed.how = outcome::unknown;
    if (placed.invoked == 0) placed.invoked = now_ns();
    head_->count.store(at + 1, std::memory_order_release);
    return placed;
}

void history_writer::end(record& what, outcome how) noexcept {
    what.completed = now_ns();
    std::atomic_signal_fence(std::memory_order_release);  // A kill may fall between the two.
    what.how = how;
}

bool history_writer::has_room() const noexcept {
    return head_->count.load(std::memory_order_relaxed) + reserve < records_max;
}

std::vector<record> read_history(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<std::uint64_t, 2> start{};
    file.read(reinterpret_cast<char*>(start.data()), sizeof start);
    // Who is killed before the mark is there has noted nothing: the count rises behind it.
    const bool fresh = file.gcount() == 0 || (file && start[0] == 0 && start[1] == 0);
    if (fresh) return {};
    if (!file || start[0] != mark || start[1] > records_max)
        throw std::runtime_error(path + " is no history");
    std::vector<record> all(start[1]);
    file.read(reinterpret_cast<char*>(all.data()),
              static_cast<std::streamsize>(all.size() * sizeof(record)));
    if (!file && !all.empty()) throw std::runtime_error(path + " is cut off");
    return all;
}

}  // namespace holdfast::soak
