#include "actors/core/acceptor.h"

#include <algorithm>

#include "actors/core/invariants.h"
#include "proto/trace.h"

namespace troupe::core {

acceptor::acceptor(state recovered, const timing& timing, vote_mode mode, instant now,
                   duration jitter)
    : state_(std::move(recovered)),
      timing_(timing),
      mode_(mode),
      leased_until_(now),
      timer_(timing, now, jitter) {
  committed_ = std::max(state_.log.purged().index, state_.compacted);
  if (state_.saved.committed) hear_of_leader(now);
  heard_ = false;
}

// -- votes ----------------------------------------------------------------------------------------

vote_decision acceptor::on_vote_request(const vote_request& request, std::optional<vote> floor,
                                        bool leading, instant now,
                                        const membership& members) const {
  TROUPE_SPAN(debug, "acceptor.vote", "n" << state_.id << " wanted=" << request.wanted);
  vote_reply reply{
      state_.id,          request.candidacy,         false, state_.saved, acknowledged(),
      state_.incarnation, leading || lease_live(now)};
  const auto refuse = [&](const char* why) -> vote_decision {
    TROUPE_EVENT(debug) << "refused: " << why << ", saved=" << state_.saved;
    return vote_refusal{reply, why};
  };
  if (request.to != state_.id) return refuse("it is addressed to another node");
  if (request.cluster != state_.cluster) return refuse(another_cluster);
  // For people only: it may have been down meanwhile.
  reply.removed = (leading || request.last < state_.log.last()) && !members.empty() &&
                  !members.contains(request.from);
  if (request.wanted.committed) return refuse("a vote that is asked for is not committed");
  if (request.wanted == vote{}) return refuse("it only calls the roll");
  if (!plausible(request.wanted)) return refuse("no node asks for such a vote");
  if (request.wanted.leader.node != request.from) return refuse("it is for somebody else");
  if (request.from == state_.id) return refuse("it claims to come from ourselves");
  // What is known here of the log is out of date while a leader of this node writes to it.
  if (leading) return refuse("we lead");
  const bool leased = lease_live(now) && request.from != leased_to_.leader.node;
  if (leased && request.handed_by != leased_to_) return refuse("the leader is alive");
  if (request.last < acknowledged()) return refuse("its log is behind");
  // Whose log is ahead knows of a later membership, and is the one that can win: our own candidacy
  // gives way.
  const bool same_log = request.last == state_.log.last();
  if (same_log && !members.admits(request.from, request.incarnation))
    return refuse("it came back with another data directory");
  if (same_log && newcomer()) return refuse("our own data directory is not known yet");
  if (same_log && floor && request.wanted.leader < floor->leader)
    return refuse("our own is greater");
  if (!may_follow(state_.saved, request.wanted, mode_)) return refuse("we promised a greater one");
  reply.granted = true;
  reply.saved = request.wanted;
  return grant{reply};
}

void acceptor::on_vote_saved(const vote& saved, instant now, duration jitter) {
  check_vote_step(state_.saved, saved, mode_);
  const bool same_leader = saved.leader == state_.saved.leader;
  state_.saved = saved;
  if (saved.committed) {
    timer_.start(now, jitter);
    hear_of_leader(now);
  } else if (!same_leader) {
    timer_.on_granted(now, jitter);
  }
}

// -- appends --------------------------------------------------------------------------------------

append_reply acceptor::reply_to(const append_request& request, verdict v) const {
  append_reply reply;
  reply.session = request.session;
  reply.round = request.round;
  reply.verdict = v;
  reply.saved = state_.saved;
  reply.incarnation = state_.incarnation;
  return reply;
}

// The environment may send anything: a request that breaks the rules of its form is refused.
const char* acceptor::malformed(node_id to, const vote& leader, uint64_t cluster) const {
  if (to != state_.id) return "it is addressed to another node";
  if (cluster != state_.cluster && state_.cluster != 0) return another_cluster;
  if (!leader.committed || !plausible(leader)) return "its vote is not a leader's";
  if (leader.leader.node == state_.id) return "it claims to come from ourselves";
  return nullptr;
}

const char* acceptor::malformed(const append_request& request) const {
  const vote& leader = request.session.leader;
  if (const char* why = malformed(request.to, leader, request.cluster)) return why;
  log_id last = request.previous;
  for (const batch_ptr& b : request.batches) {
    if (b->first_index() != last.index.next()) return "its batches leave a gap";
    if (b->leader() < last.leader || leader.leader < b->leader())
      return "its leaders are not in order";
    last = b->last();
  }
  return nullptr;
}

append_decision acceptor::on_append_request(const append_request& request, instant now, bool full) {
  TROUPE_SPAN(trace, "acceptor.append",
              "n" << state_.id << " previous=" << request.previous
                  << " batches=" << request.batches.size());
  const vote& leader = request.session.leader;
  if (const char* why = malformed(request))
    return append_refusal{reply_to(request, verdict::failed), why};
  if (request.incarnation != 0 && request.incarnation != state_.incarnation)
    return append_refusal{reply_to(request, verdict::replaced),
                          "the cluster knows this node with another data directory"};
  if (!may_follow(state_.saved, leader, mode_)) {
    TROUPE_EVENT(debug) << "rejected: " << leader << " is below " << state_.saved;
    return append_refusal{reply_to(request, verdict::rejected), "we promised a greater vote"};
  }
  if (leader != state_.saved) return save_vote_first{leader};
  hear_of_leader(now);
  cluster_committed_ = std::max(cluster_committed_, request.committed);
  // What was purged was applied, so it was committed and is the same everywhere.
  const bool known =
      state_.log.contains(request.previous) || request.previous.index < state_.log.purged().index;
  if (!known) {
    auto reply = reply_to(request, verdict::conflict);
    reply.hint = state_.log.floor(request.previous);
    TROUPE_EVENT(debug) << "conflict at " << request.previous << ", go on at " << reply.hint;
    return append_refusal{reply, "its previous entry is not in our log"};
  }
  const auto commands = [](const batch_ptr& b) { return b->kind() == batch_kind::commands; };
  if (full && std::ranges::any_of(request.batches, commands))
    return append_refusal{reply_to(request, verdict::failed), no_room};
  return accept(request);
}

append_decision acceptor::accept(const append_request& request) {
  accepted_append decision;
  decision.reply = reply_to(request, verdict::matched);
  log_id verified = request.previous;
  for (const batch_ptr& b : request.batches) {
    verified = b->last();
    // An old request may come again after newer ones: what is there already stays (thesis 3.5).
    const bool have = decision.batches.empty() &&
                      (state_.log.contains(verified) || verified.index < state_.log.purged().index);
    if (!have) decision.batches.push_back(b);
  }
  if (!decision.batches.empty()) {
    const log_index before = decision.batches.front()->first_index() - 1;
    if (before < committed_)
      return append_refusal{reply_to(request, verdict::failed), "it contradicts a committed entry"};
    if (before < state_.log.last_index()) {
      check_truncation(before, committed_);
      state_.log.truncate_after(before);
      decision.truncate_after = before;
    }
    for (const batch_ptr& b : decision.batches) state_.log.append(b->leader(), b->last_index());
    keep_promise();
  }
  if (!request.batches.empty()) {
    decision.reply.durable = verified;
    decision.wait_for_flush = true;
  }
  on_committed(std::min(request.committed, verified.index));
  return decision;
}

void acceptor::on_log_written(log_view log) {
  state_.log = std::move(log);
  committed_ = std::max(committed_, state_.log.purged().index);
  keep_promise();
}

// Once it is kept, a leader may truncate the log below it, as that of any node.
void acceptor::keep_promise() {
  if (!lacks_entries()) state_.promised = {};
}

void acceptor::on_committed(log_index committed) {
  committed_ = std::max(committed_, std::min(committed, state_.log.last_index()));
}

// -- snapshots ------------------------------------------------------------------------------------

snapshot_decision acceptor::on_snapshot_request(const snapshot_request& request, instant now) {
  snapshot_reply reply{request.session, verdict::failed, 0,
                       false,           state_.saved,    state_.incarnation};
  const auto answer = [&](verdict v, const char* why) -> snapshot_decision {
    TROUPE_EVENT(debug) << "snapshot up to " << request.snapshot.last << ": " << why;
    reply.verdict = v;
    return answered_snapshot{reply, why};
  };
  const vote& leader = request.session.leader;
  const log_id& last = request.snapshot.last;
  if (const char* why = malformed(request.to, leader, request.cluster))
    return answer(verdict::failed, why);
  if (!last || leader.leader < last.leader)
    return answer(verdict::failed, "it ends with no entry that its sender can have");
  if (request.incarnation != 0 && request.incarnation != state_.incarnation)
    return answer(verdict::replaced, "the cluster knows this node with another data directory");
  if (!may_follow(state_.saved, leader, mode_))
    return answer(verdict::rejected, "we promised a greater vote");
  if (leader != state_.saved) return save_vote_first{leader};
  hear_of_leader(now);
  if (lacks(last)) return accepted_piece{reply};
  const bool known = last.index < state_.log.purged().index || state_.log.contains(last);
  if (!known) return answer(verdict::failed, "it contradicts a committed entry");
  reply.installed = true;
  reply.wanted = request.snapshot.size;
  return answer(verdict::matched, "nothing new is in it");
}

// -- time -----------------------------------------------------------------------------------------

bool acceptor::newcomer() const { return state_.joined && state_.incarnation != 0 && !named_; }

bool acceptor::lease_live(instant now) const { return now < leased_until_; }

// Nobody leases from itself.
void acceptor::hear_of_leader(instant now) {
  leased_to_ = state_.saved;
  leased_until_ = leased_to_.leader.node == state_.id ? now : now + timing_.lease();
  heard_ = true;
  timer_.on_leader_heard();
}

node_id acceptor::leader(instant now) const {
  const bool follows = heard_ && state_.saved.committed && lease_live(now);
  return follows ? leased_to_.leader.node : node_id{};
}

}  // namespace troupe::core
