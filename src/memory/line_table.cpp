// SPDX-License-Identifier: BSL-1.0
//
// The lines of the reference table: who waits for a name, in the order of arrival.
#include "memory/lock_table.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::memory {

void lock_table::stand(std::string_view place, const claim& wanted, const line_terms& terms,
                       const notice& tell, time_point now) {
    auto& line = lines_[wanted.name];
    std::erase_if(line, [now](const stander& s) { return now >= s.until; });
    auto mine =
        std::find_if(line.begin(), line.end(), [&](const stander& s) { return s.place == place; });
    if (mine == line.end()) {
        const time_point arrived = terms.waited ? now - *terms.waited : now;
        mine = std::upper_bound(
            line.begin(), line.end(), arrived,
            [](time_point when, const stander& other) { return when < other.arrived; });
        mine = line.insert(mine, stander{});
        mine->place = place;
        mine->arrived = arrived;
    }
    mine->wanted = wanted;
    mine->until = now + terms.lease;
    mine->tokens = terms.tokens;
    mine->beat = terms.beat;
    mine->tell = tell;
}

void lock_table::step_out(std::string_view name, std::string_view place) {
    const auto line = lines_.find(name);
    if (line == lines_.end()) return;
    std::erase_if(line->second, [&](const stander& s) { return s.place == place; });
    if (line->second.empty()) lines_.erase(line);
}

std::size_t lock_table::waiting(time_point now) const {
    const std::scoped_lock lock(mutex_);
    std::size_t count = 0;
    for (const auto& [name, line] : lines_)
        for (const stander& one : line)
            if (now < one.until) ++count;
    return count;
}

// Gives the lock to the first of the line, and to those behind that may hold it, too.
// @return What the seat `self` was given, which is not told otherwise.
std::optional<grant> lock_table::hand_over(std::string_view name, std::string_view self,
                                           time_point now) {
    std::optional<grant> ours;
    for (auto line = lines_.find(name); line != lines_.end(); line = lines_.find(name)) {
        const stander first = line->second.front();
        const bool over = now >= first.until;
        if (!over && !fits(first.wanted, live(name, now))) break;
        step_out(name, first.place);
        if (over) continue;
        const bool own = !self.empty() && first.place == self;
        // Until it is renewed by the one that it was handed to, it lasts no longer than the place.
        const time_point expires = own ? now + first.wanted.ttl : first.until;
        grant given = give(first.wanted, expires, first.tokens, now);
        given.beat = first.beat;
        if (own)
            ours = given;
        else
            first.tell(given);
    }
    return ours;
}

result<grant> lock_table::ask(std::string_view place, const claim& wanted, const line_terms& terms,
                              const notice& tell, time_point now) {
    const std::scoped_lock lock(mutex_);
    if (auto ours = owned(wanted.name, wanted.value, now)) {
        step_out(wanted.name, place);
        // Never shorter: a late request must not cut off what was handed over meanwhile.
        (*ours)->expires = std::max((*ours)->expires, now + wanted.ttl);
        if (wanted.fence) (*ours)->fencing_token = draw_tokens(terms.tokens, now);
        return grant{.fencing_token = (*ours)->fencing_token};
    }
    stand(place, wanted, terms, tell, now);
    if (auto given = hand_over(wanted.name, place, now)) return *given;
    if (const entry* const present = live(wanted.name, now))
        return busy(wanted.name, *present, now);
    return failure(errc::contended, "others were there first");
}

result<std::optional<grant>> lock_table::pass_on(std::string_view place, std::string_view held,
                                                 const claim& wanted, const line_terms& terms,
                                                 const notice& tell, time_point now) {
    const std::scoped_lock lock(mutex_);
    const auto mine = owned(wanted.name, held, now);
    if (!mine) return mine.error();
    remove(wanted.name, **mine);
    stand(place, wanted, terms, tell, now);
    return hand_over(wanted.name, place, now);
}

result<void> lock_table::leave(std::string_view name, std::string_view place,
                               std::string_view value, time_point now) {
    const std::scoped_lock lock(mutex_);
    step_out(name, place);
    if (const auto mine = owned(name, value, now)) remove(name, **mine);
    freed(name, now);
    return {};
}

}  // namespace holdfast::memory
