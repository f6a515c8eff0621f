// SPDX-License-Identifier: BSL-1.0
//
// What it is: a list of what is under way for a value, so that none of it is begun any more once
// the value's lock was released.
// Thread safety: none; it belongs to its executor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::lock {

/// See the top of the file.
class recall_list {
public:
    /// @param unwanted  Set by `recall`; while somebody shares it.
    void add(const std::string& value, const std::shared_ptr<bool>& unwanted) {
        if (flags_.size() >= sweep_at_) {
            std::erase_if(flags_, [](const auto& known) { return known.second.expired(); });
            sweep_at_ = std::max<std::size_t>(64, 2 * flags_.size());
        }
        flags_.emplace(value, unwanted);
    }
    /// `value` is not wanted any more.
    void recall(std::string_view value) {
        const auto [begin, end] = flags_.equal_range(value);
        for (auto known = begin; known != end; ++known)
            if (const auto unwanted = known->second.lock()) *unwanted = true;
        flags_.erase(begin, end);
    }

private:
    std::multimap<std::string, std::weak_ptr<bool>, std::less<>> flags_;  // By value.
    std::size_t sweep_at_{64};
};

}  // namespace holdfast::lock
