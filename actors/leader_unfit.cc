// A leader that cannot serve, and makes way for somebody who can. One whose disk is full takes no
// commands and answers reads; heartbeats and its own few entries go on, out of the storage's
// reserve. One whose machine's state is lost applies nothing: it leads because nobody else has all
// of its log, and brings the others as far.
#include "actors/leader.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

void leader::note_disk(bool full) {
  if (full == std::exchange(full_, full)) return;
  ask_others_again();
  if (!full) return;
  refuse_gathered(raft_errc::read_only);
  watch();
}

// They are in no log: nothing happened.
void leader::refuse_gathered(raft_errc why) {
  for (auto& c : std::exchange(gathering_claims_, {})) {
    under_way_ = under_way_ - (c.bytes + claim_cost);
    c.to.deliver(self_, refusal(c.id, why));
  }
  gathering_ = {};
  gathering_request_ = {};
}

// Each flush does; this one has nothing to flush.
void leader::look_for_room() {
  if (std::exchange(looks_for_room_, true)) return;
  self_->request(options_.store, caf::infinite, append{options_.elected, {}, {}})
      .then([this](const flushed& f) { looks_for_room_ = false, note_disk(f.full); },
            [this](const caf::error&) { looks_for_room_ = false; });
}

void leader::on_machine_state(const machine_state& m) {
  options_.state_lost = m.lost;
  ask_others_again();
  watch();
}

void leader::ask_others_again() {
  declined_.clear();
  asks_again_ = now();
  decline_backoff_.reset();
}

// Who cannot serve either declines. When all did, they are asked again after a while.
void leader::make_way() {
  if (can_serve() || handover_ || change_ || now() < asks_again_) return;
  const auto to = protocol_.successor(now(), declined_);
  if (to) return begin_handover({to, now() + options_.timing.election_timeout_max, false, {}});
  declined_.clear();
  asks_again_ = now() + decline_backoff_.next();
}

}  // namespace troupe
