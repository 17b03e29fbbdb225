// Changes of the membership: what an operator may ask for, and the steps that lead there
// (thesis 4.3; openraft's extended joint change).
//
// A change names a goal, one uniform membership. The way there: first the nodes that are new join
// as learners; when those that will vote are caught up, a joint membership of the old and the new
// quorum is proposed, and when it is committed, the goal alone. Each step shares one whole quorum
// tree with every membership since the last committed one, so that any two quorums that may be at
// work at the same time meet. That covers one leader; what an older leader proposed from the same
// membership is ruled out because nothing is proposed before an entry of the own term is committed.
//
// Pure functions of values, for any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "actors/core/membership.h"

namespace troupe::core {

// Of a member in `nodes` the address and the priority are read, the incarnation never is. To join
// takes an address; who is a member already stays as it is, unless `what` says otherwise.
struct member_change {
  enum class kind : uint8_t {
    add_voters = 0,      // `nodes` vote too; who is no member joins
    remove_voters = 1,   // `nodes`; they leave, or with `retain` become learners
    replace_voters = 2,  // exactly `nodes` vote, by majority; see add_voters and remove_voters
    add_nodes = 3,       // `nodes` join as learners
    set_nodes = 4,       // the addresses of `nodes`; who is no member joins as a learner
    remove_nodes = 5,    // `nodes` leave, whether they vote or not
    replace_nodes = 6,   // exactly `nodes` and the voters are members
    set_quorum = 7,      // `quorum` decides, and `nodes` join; who votes no more: see remove_voters
    set_priorities = 8,  // of `nodes`
  };
  kind what = kind::add_voters;
  std::map<node_id, member> nodes;
  core::quorum quorum;

  bool operator==(const member_change&) const = default;
};

// What must be true when the leader takes the order (compare and set). `last_log` does not hold
// either while commands wait to be written.
struct precondition {
  std::optional<leader_id> leader;
  std::optional<log_id> last_log;
  std::optional<log_id> membership;

  bool operator==(const precondition&) const = default;
};

// The goal: way_out(current) after all of `changes`, in order. Only the result must make sense, so
// that in between there may be no voter at all. Who stays keeps its incarnation, also who is
// removed and added by the same list; who joins has none.
//
// kInvalidArgument with the reason for what makes no sense: no voters left, a node that is none of
// the membership's, one without an address or with another's, voters added to or removed from a
// quorum that is not a majority of single nodes (that takes set_quorum), quorums that do not meet.
absl::StatusOr<membership> goal_of(const membership& current,
                                   std::span<const member_change> changes, bool retain,
                                   vote_mode mode);

// What to propose next on the way from `current` to `goal`; nothing when `current` is the goal
// (see reached), or when a node that will vote must catch up first. `ready`: whether a learner is
// caught up; asked of members only. Neither membership is empty and `goal` is uniform.
//
// `current` is committed, or on a way back uncommitted; either way coherent() has the last word.
// Incarnations are those of `current`: a leader may register them while a change goes on.
std::optional<membership> next_step(const membership& current, const membership& goal,
                                    absl::FunctionRef<bool(node_id)> ready);

// Whether the nodes of `goal` that are ready elect and commit without the others.
bool can_follow(const membership& goal, absl::FunctionRef<bool(node_id)> ready);

// True when `current` is `goal`, whatever the incarnations.
bool reached(const membership& current, const membership& goal);

// The goal that leads back out of a joint membership: its first quorum decides again; nodes that
// joined on the way stay as learners. A uniform membership is its own.
membership way_back(const membership& current);
// The goal that finishes a joint membership whose leader is gone: its last quorum decides. Who
// votes no more stays as a learner, because nobody remembers whether it was to be retained.
membership way_out(const membership& current);

// True when one quorum tree stands in all of `chain`: the last committed membership, those in the
// log after it, and one that may then be proposed. Every election quorum of one then meets every
// commit quorum of another. False for a chain without any tree.
bool coherent(std::span<const membership> chain);

}  // namespace troupe::core
