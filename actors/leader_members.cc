// Changes of the membership (thesis 4.3): one command, as many steps as it takes, each proposed
// when the one before is committed. What another leader left half done is finished here.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "actors/leader.h"
#include "actors/membership_codec.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
// -- what operators ask ---------------------------------------------------------------------------

caf::result<admin_reply> leader::on_admin(const admin_request& m) {
  if (!protocol_.active(now()) && !std::holds_alternative<abort_change>(m.command))
    return admin_reply{raft_errc::quorum_lost, {}, {}, ""};
  if (const auto* c = std::get_if<change_members>(&m.command)) return on_change(m, *c);
  if (const auto* t = std::get_if<transfer>(&m.command)) return on_transfer(m, t->to);
  if (std::holds_alternative<abort_change>(m.command)) return on_abort_change();
  if (std::holds_alternative<abort_transfer>(m.command)) return on_abort_transfer();
  return admin_reply{raft_errc::none, options_.id, {}, "it leads already"};
}

raft_errc leader::refuse_change(const change_members& c, std::string& why) const {
  const auto& only_if = c.only_if;
  const bool holds =
      only_if.leader.value_or(options_.elected.leader) == options_.elected.leader &&
      (!only_if.last_log || (only_if.last_log == protocol_.last().last && !gathered())) &&
      only_if.membership.value_or(protocol_.members_at()) == protocol_.members_at();
  if (!holds) return raft_errc::precondition_failed;
  if (handover_) return why = "the leadership is being handed over", raft_errc::busy;
  // Who names the joint membership knows what it leads out of another way.
  const bool redirects = only_if.membership && protocol_.members().joint();
  if (change_ && !redirects) return raft_errc::change_in_progress;
  return raft_errc::none;
}

admin_reply leader::refusal_of_replaced(node_id id) const {
  return {raft_errc::not_allowed,
          options_.id,
          {},
          absl::StrCat("node ", id.value, " came back with another data directory: `remove ",
                       id.value, "`, then add it again")};
}

// Under its old id it is nobody to add or to promote.
node_id leader::replaced_in(const change_members& c) const {
  using kind = core::member_change::kind;
  for (const auto& change : c.changes)
    if (change.what == kind::add_nodes || change.what == kind::add_voters)
      for (const auto& [id, node] : change.nodes)
        if (replaced_.contains(id)) return id;
  return {};
}

route leader::who_asks() {
  return route::of_current(self_,
                           admin_reply{raft_errc::outcome_unknown, {}, {}, "the leader ended"});
}

caf::result<admin_reply> leader::on_change(const admin_request& m, const change_members& c) {
  std::string why;
  if (const auto code = refuse_change(c, why); code != raft_errc::none)
    return admin_reply{code, options_.id, protocol_.members_at(), why};
  if (const auto id = replaced_in(c)) return refusal_of_replaced(id);
  auto goal = core::goal_of(protocol_.members(), c.changes, c.retain, options_.mode);
  if (!goal.ok())
    return admin_reply{raft_errc::invalid, {}, {}, std::string(goal.status().message())};
  begin_change({std::move(*goal), now() + m.patience, who_asks(), {}});
  return caf::delegated<admin_reply>{};
}

caf::result<admin_reply> leader::on_abort_change() {
  if (handover_) return admin_reply{raft_errc::busy, {}, {}, "the leadership is handed over"};
  if (!change_ && !protocol_.members().joint())
    return admin_reply{raft_errc::not_allowed, {}, {}, "no change is in progress"};
  if (change_ && !protocol_.members().joint() && !protocol_.members_committed() &&
      change_->goal.configs() == protocol_.members().configs())
    return admin_reply{raft_errc::not_allowed, {}, {}, "the change is all but done"};
  begin_change({core::way_back(protocol_.members()), instant::max(), who_asks(), {}});
  return caf::delegated<admin_reply>{};
}

// -- the steps ------------------------------------------------------------------------------------

void leader::begin_change(change c) {
  if (change_) finish_change(raft_errc::dropped, "another change took its place");
  if (!core::reached(protocol_.members(), c.goal))
    TROUPE_EVENT(info) << "n" << options_.id << " changes the members from " << protocol_.members()
                       << " to " << c.goal;
  change_ = std::move(c);
  step_change();
  watch();
}

// While this node hands over nothing more is written: the successor has the whole log.
void leader::step_change() {
  if (!change_ || handover_) return;
  const auto& members = protocol_.members();
  const auto ready = [this](node_id id) { return can_vote(id); };
  if (const auto next = core::next_step(members, change_->goal, ready)) {
    // Before the last step is committed, only the way back shares a quorum with all that may be.
    const bool too_early = next->joint() && !protocol_.settled();
    // If a leader went where no quorum follows and was lost, nobody could lead back.
    const bool leap = next->joint() && next->configs() != members.configs() &&
                      !core::can_follow(change_->goal, ready);
    if (too_early || leap || !protocol_.may_propose(*next)) return;
    write_membership(*next);
    TROUPE_EVENT(info) << "members from " << protocol_.members_at() << " on: " << *next;
  } else if (protocol_.settled() && core::reached(members, change_->goal)) {
    finish_change(raft_errc::none, "");
  }
}

void leader::finish_change(raft_errc code, std::string why) {
  auto finished = std::exchange(change_, std::nullopt);
  finished->who_asked.deliver(self_,
                              admin_reply{code, options_.id, finished->written, std::move(why)});
}

void leader::write_membership(const core::membership& next) {
  if (!gathering_.empty()) seal(batch_kind::commands);
  gathering_.add(encode_membership(next));
  seal(batch_kind::membership);
  const auto at = protocol_.last().last;
  protocol_.on_membership(next, at);
  followers_.part(next);
  std::erase_if(replaced_, [&](node_id id) { return !next.contains(id); });
  if (change_) change_->written = at;
  self_->request(options_.server, caf::infinite, adopt{options_.elected, at, next})
      .then(
          [this, at](const peer_handles& all) {
            // Of a membership that is not the last any more; the answer to the last one has all.
            if (protocol_.members_at() != at) return;
            std::map<node_id, peer_actor> peers;
            for (const auto& [id, peer] : all.peers)
              peers.emplace(id, caf::actor_cast<peer_actor>(peer));
            followers_.follow(known_members(), at, backlog(), peers);
          },
          [](const caf::error&) { /* this leadership is over */ });
}

followers::backlog leader::backlog() const {
  followers::backlog b{log_, {}, {protocol_.round(), protocol_.committed()}};
  if (!pending_.empty()) b.log.truncate_after(pending_.front().what->first_index() - 1);
  for (const auto& p : pending_) b.rest.push_back(p.what);
  return b;
}

// After each commit: registers who is new, takes the next step, finishes what was left half done,
// and leaves when there is no place for this node any more.
void leader::tend_members() {
  register_incarnations();
  step_change();
  if (handover_ || change_ || !protocol_.settled()) return;
  if (protocol_.members().joint()) {
    begin_change({core::way_out(protocol_.members()), instant::max(), {}, {}});
  } else if (!protocol_.members().is_voter(options_.id)) {
    leave();
  }
}

void leader::register_incarnations() {
  const bool first = protocol_.members_at() == options_.membership_at;
  if (incarnations_.empty() || (handover_ && handover_->closed)) return;
  if (!protocol_.settled() && !first) return;
  const auto known = known_members();
  std::string whose;
  for (const auto& [id, incarnation] : incarnations_) absl::StrAppend(&whose, " n", id.value);
  TROUPE_EVENT(info) << "n" << options_.id << " registers the data directories of" << whose;
  incarnations_.clear();
  write_membership(known);
}

// What is met first counts: who voted and comes back with another disk is not who voted.
void leader::note_incarnation(node_id id, uint64_t incarnation) {
  if (incarnation == 0) return;
  const auto& members = protocol_.members();
  if (members.contains(id) && members.incarnation_of(id) == 0)
    incarnations_.emplace(id, incarnation);
}

core::membership leader::known_members() const {
  auto nodes = protocol_.members().nodes();
  for (const auto& [id, incarnation] : incarnations_)
    if (nodes.contains(id)) nodes[id].incarnation = incarnation;
  return {protocol_.members().configs(), std::move(nodes)};
}

// Before a node votes the cluster knows its data directory: otherwise it could come back empty and
// vote again. Who votes already need not be as close.
bool leader::can_vote(node_id id) const {
  const bool votes = protocol_.members().is_voter(id);
  const auto lag = votes ? protocol_.last().last.index.value : options_.limits.caught_up_within;
  return protocol_.keeps_up(id, lag, now()) && (id == options_.id || !incarnations_.contains(id));
}

// -- changes that do not come to an end -----------------------------------------------------------

// Of those who vote already only where the goal lacks a quorum of them.
std::string leader::laggards() const {
  const auto ready = [this](node_id id) { return can_vote(id); };
  const bool quorate = core::can_follow(change_->goal, ready);
  std::string text;
  for (const node_id id : change_->goal.voters()) {
    if (can_vote(id) || (quorate && protocol_.members().is_voter(id))) continue;
    absl::StrAppend(&text, text.empty() ? "the new quorum needs" : ",", " node ", id.value);
    if (!protocol_.answers(id, now()))
      absl::StrAppend(&text, ", which is unreachable");
    else
      absl::StrAppend(&text, ", which is not caught up in time (has ",
                      protocol_.durable(id).index.value, " of ", protocol_.last().last.index.value,
                      ")");
  }
  return text;
}

// Who will vote did not catch up in time: the change ends before it began, and whoever joined stays
// a learner. What has begun goes on.
void leader::give_up_change_in_time() {
  if (!change_ || now() < change_->until) return;
  const auto& trees = protocol_.members().configs();
  if (std::ranges::find(trees, change_->goal.configs().front()) == trees.end()) {
    finish_change(raft_errc::not_ready, laggards());
    return tend_members();
  }
  change_->until = instant::max();
  change_->who_asked.deliver(self_, admin_reply{raft_errc::outcome_unknown, options_.id,
                                                change_->written, "the change goes on"});
}

// A joint membership that was never committed may have lost the quorum that was to come: the old
// one goes on without it.
bool leader::way_back_helps() {
  const auto& members = protocol_.members();
  if (!members.joint() || protocol_.members_committed()) return false;
  const auto back = core::way_back(members);
  if (!protocol_.may_propose(back)) return false;
  begin_change({back, instant::max(), {}, {}});
  return true;
}

}  // namespace troupe
