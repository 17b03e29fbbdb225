// One election, seen by the node that stands for it (thesis 3.4).
//
// There is no pre-vote round. The candidate votes for itself *last*: it asks the others for V while
// its own saved vote stays where it was, and saves V only when their grants and its own together
// are an election quorum. This is ordinary Raft in which one of the votes, the candidate's own,
// comes last, so it is as safe: V is won only when a quorum has saved V, and each of them, the
// candidate too, judged V by the vote and log that it had at that moment. The caller ends the
// candidacy as soon as the node saves another vote or its log changes, so the candidate's own
// judgement, made when it asked, still holds when it votes. A node that is cut off never gets that
// far: its vote stays, and when it comes back it has nothing that deposes a leader.
//
// While it lives, V is a floor for what this node grants to others: of two candidates the greater
// wins, and they do not cancel each other.
#pragma once

#include <map>
#include <set>

#include "actors/core/membership.h"
#include "actors/core/messages.h"

namespace troupe::core {

class candidacy {
 public:
  enum class result {
    waiting,
    won,   // save the vote, committed, then lead
    lost,  // a voter promised a vote that ours does not exceed; stand again above it
  };

  // `seen`: the greatest vote met so far, saved here or reported by a refusal; V is above it.
  // Precondition: `seen` is plausible() or vote{}. `self` counts only where it is a voter of
  // `members`.
  candidacy(uint64_t number, node_id self, const vote& seen, const membership& members,
            const log_id& last, uint64_t cluster, vote_mode mode);

  vote_request request_to(node_id voter) const;
  // The voters that are asked: all but this node.
  std::set<node_id> electorate() const;

  // A reply of another candidacy, a repeated one or one of a stranger changes nothing.
  result on_vote_reply(const vote_reply& reply);
  // `voter` has nothing: if it granted this, it forgot it. What it says from now on does not count.
  void let_go(node_id voter);
  // Also right after construction: a single voter has won at once.
  result outcome() const;

  const vote& wanted() const { return wanted_; }
  // Who granted it, and with which data directory.
  const std::map<node_id, uint64_t>& granted() const { return granted_; }
  // The greatest vote that a refusal reported; the next candidacy must exceed it.
  const vote& seen() const { return seen_; }
  // A voter that refused has a better log: it should stand before this node does so again.
  bool outclassed() const { return outclassed_; }

 private:
  uint64_t number_;
  node_id self_;
  vote wanted_;
  vote seen_;
  membership members_;
  log_id last_;
  uint64_t cluster_;
  vote_mode mode_;
  std::map<node_id, uint64_t> granted_;
  std::set<node_id> let_go_;
  bool outclassed_ = false;
};

}  // namespace troupe::core
