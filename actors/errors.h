// Why something was not done, as values. Small enough to travel between nodes.
#pragma once

#include <cstdint>
#include <string_view>

#include "caf/error.hpp"

namespace troupe {

// The numbers are part of the wire format: only add.
enum class raft_errc : uint8_t {
  none = 0,
  // -- refused before the log: nothing happened, a client may try again --
  not_leader = 1,    // go to the leader that comes with it, when one is known
  busy = 2,          // a bound on what is under way was reached
  too_large = 3,     // larger than one batch may be; trying again does not help
  quorum_lost = 10,  // the leader does not reach a write quorum
  read_only = 18,    // the leader's disk is full; reads are answered
  // -- it was in the log --
  dropped = 4,          // given up for certain: another order took its place, or it was aborted
  outcome_unknown = 5,  // it may or may not take effect
  // -- between the actors of a node and between nodes --
  fenced = 6,          // the log store has a greater vote
  storage_failed = 7,  // the disk failed or is full: nothing is acknowledged any more
  unreachable = 8,     // no connection to the peer
  deposed = 9,         // another leader was elected
  shutting_down = 11,
  not_allowed = 12,  // not in the state that the node or the cluster is in
  invalid = 13,      // the request makes no sense
  // -- administration, nothing was changed --
  change_in_progress = 14,   // another change of the membership is not finished
  not_ready = 15,            // a node that should vote or lead is not caught up or not reachable
  precondition_failed = 16,  // the cluster is not in the state that the caller asked for
  // -- the node --
  machine_failed = 17,  // the user's state machine threw: its node ends
};
inline constexpr raft_errc last_raft_errc = raft_errc::read_only;  // the greatest

// A clear word or two, for logs and error texts.
std::string_view to_string(raft_errc code);

// How CAF carries it; category "raft".
caf::error make_error(raft_errc code);
// The code in a CAF error of category "raft"; `otherwise` for any other error.
raft_errc code_of(const caf::error& error, raft_errc otherwise);

}  // namespace troupe
