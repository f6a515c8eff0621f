// SPDX-License-Identifier: BSL-1.0
//
// What it is: what the locks of the soak protect: counters that read and write in two steps, and
// that refuse whoever comes with a lower token than somebody before. Each client has a connection.
// Thread safety: `counts` once it has stopped; a `counter_link` belongs to its thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::soak {

/// More than there are locks.
inline constexpr std::size_t counters_max = 32;

struct counter_request {
    std::uint32_t client;  ///< Which client in which life of its process.
    std::uint8_t lock;
    std::uint8_t writes;  ///< 0: it reads.
    std::uint64_t token;
    std::uint64_t value;
};

struct counter_answer {
    std::uint8_t accepted;
    std::uint64_t value;
};

/// One counter.
struct counter {
    std::uint64_t value{0};
    std::uint64_t highest_token{0};
    std::uint64_t accepted{0};  ///< Writes; each was meant to add one.
    std::uint64_t refused{0};
};

/// See the top of the file: the side that keeps the counters.
class counter_server {
public:
    /// Listens on the Unix socket `path`.
    explicit counter_server(const std::string& path);
    counter_server(const counter_server&) = delete;
    counter_server& operator=(const counter_server&) = delete;
    ~counter_server();

    void stop();
    [[nodiscard]] const std::array<counter, counters_max>& counters() const noexcept {
        return counters_;
    }
    /// @return How many writes of each client were accepted.
    [[nodiscard]] const std::map<std::uint32_t, std::uint64_t>& accepted() const noexcept {
        return accepted_;
    }

private:
    void serve();
    [[nodiscard]] counter_answer answer(const counter_request& asked);

    int listener_{-1};
    std::array<int, 2> stop_{-1, -1};
    std::array<counter, counters_max> counters_{};
    std::map<std::uint32_t, std::uint64_t> accepted_;
    std::thread worker_;
};

/// See the top of the file: a client's side.
class counter_link {
public:
    explicit counter_link(const std::string& path);
    counter_link(const counter_link&) = delete;
    counter_link& operator=(const counter_link&) = delete;
    ~counter_link();

    [[nodiscard]] counter_answer ask(const counter_request& what) const;

private:
    int fd_;
};

}  // namespace holdfast::soak
