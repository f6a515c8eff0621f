// SPDX-License-Identifier: BSL-1.0
//
// What it is: a library for LD_PRELOAD that gives a program another time of day: the real one, and
// the milliseconds in the first eight bytes of the file $HOLDFAST_CLOCK, which may change any time.
// Thread safety: safe from any thread; it only reads.
// Invariants: clocks that do not know the time of day are as they were.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const volatile std::int64_t* offset_ms = nullptr;

[[gnu::constructor]] void map_the_offset() {
    const char* const path = std::getenv("HOLDFAST_CLOCK");
    if (path == nullptr) return;
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void* const memory = ::mmap(nullptr, sizeof *offset_ms, PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    if (memory != MAP_FAILED) offset_ms = static_cast<const volatile std::int64_t*>(memory);
}

}  // namespace

extern "C" int clock_gettime(clockid_t which, timespec* out) noexcept {
    const long code = ::syscall(SYS_clock_gettime, which, out);
    if (code == 0 && offset_ms != nullptr &&
        (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        const std::int64_t by = *offset_ms;
        out->tv_sec += by / 1000;
        out->tv_nsec += by % 1000 * 1'000'000;
        if (out->tv_nsec >= 1'000'000'000) {
            ++out->tv_sec;
            out->tv_nsec -= 1'000'000'000;
        } else if (out->tv_nsec < 0) {
            --out->tv_sec;
            out->tv_nsec += 1'000'000'000;
        }
    }
    return static_cast<int>(code);
}

extern "C" int gettimeofday(timeval* out, void* /*zone*/) noexcept {
    timespec now{};
    const int code = ::clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return code;
}

extern "C" time_t time(time_t* out) noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}
