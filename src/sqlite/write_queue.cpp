// SPDX-License-Identifier: BSL-1.0
#include "sqlite/write_queue.hpp"

#include <algorithm>

namespace holdfast::sqlite {

void write_queue::wake_all() {
    for (alarm* each : line_) each->wake();
}

write_queue::turn::turn(write_queue& queue) : queue_(queue), pause_(queue.time_) {
    queue_.line_.push_back(&pause_);
}

write_queue::turn::~turn() {
    const bool was_first = is_first();
    const auto found = std::find(queue_.line_.begin(), queue_.line_.end(), &pause_);
    queue_.line_.erase(found);
    if (was_first && !queue_.line_.empty()) queue_.line_.front()->wake();
}

}  // namespace holdfast::sqlite
