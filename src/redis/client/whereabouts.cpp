// SPDX-License-Identifier: BSL-1.0
//
// How a client finds the master that sentinels watch, and notices that what it asked for is another
// server's business by now.
#include "redis/client/client.hpp"
#include "redis/client/server_error.hpp"
#include "redis/cluster/slot.hpp"

namespace holdfast::redis {

// Where there are sentinels it is theirs to say where the master is, each time.
asio::awaitable<result<void>> client::find_server(settings& to) {
    if (!sentinels_) co_return result<void>{};
    if (place_.host.empty()) sentinels_->tell(weak_from_this());
    auto found = co_await sentinels_->find_master();
    if (!found) co_return found.error();
    place_ = *found;
    to.host = place_.host;
    to.port = place_.port;
    co_return result<void>{};
}

// Sentinels may be late: whom they name may be a replica by now, or not yet be the master.
asio::awaitable<result<void>> client::check_role() {
    batch command;
    command.add("ROLE");
    auto answer = co_await ask(std::move(command));
    if (!answer) co_return answer.error();
    if (answer->is(resp::kind::error))
        co_return failure{classify(answer->text), tidy_text(answer->text)};
    if (!answer->is(resp::kind::array) || answer->items.empty())
        co_return failure{errc::protocol, "an answer that does not fit its command"};
    if (answer->items.front().text != "master")
        co_return failure{errc::unreachable, "it is not the master"};
    co_return result<void>{};
}

void client::master_is(const base::server_place& place) {
    if (stopped_ || !line_ || place == place_) return;
    line_->close();  // Ends the reader; what was sent is in doubt.
}

// Redis keeps connections when a master becomes a replica, and when that is made a master again it
// may have forgotten locks: so this connection's knowledge ends with the first refusal.
// Where others take over, another server is the master, or will be: so it passes by itself.
void client::look_for_demotion(resp::reply& error) {
    const bool told = error.text.starts_with("READONLY");
    const bool by_script = error.text.starts_with("ERR Error running script") &&
                           error.text.find("-READONLY") != error.text.npos;
    if (!told && !by_script) return;
    if (where_.longest_ttl.count() == 0 && !follows_a_master()) return;
    meet_again_ = true;
    if (follows_a_master()) error.text.insert(0, "MASTERDOWN ");
}

// It was without effect, and passes: so it reads like other errors that do. What a script says may
// come after some of its writes.
void client::look_for_redirection(resp::reply& error) {
    if (!is_elsewhere(error.text)) return;
    if (error.text.find("non local key") != error.text.npos) {
        error.text.insert(0, "UNFINISHED ");
        return;
    }
    if (hearer_.on_redirection) hearer_.on_redirection(error.text);
    if (!error.text.starts_with("TRYAGAIN")) error.text.insert(0, "TRYAGAIN ");
}

}  // namespace holdfast::redis
