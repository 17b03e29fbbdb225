// The server as a follower, and as the door for clients and operators.
#include "absl/strings/str_cat.h"
#include "actors/membership_codec.h"
#include "actors/patience.h"
#include "actors/server.h"
#include "actors/version.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

// What to do about a refusal, in the words of tools/node and tools/ctl.
std::string way_forward(const core::append_request& m, const core::append_refusal& refusal) {
  const auto id = m.to.value;
  if (refusal.reply.verdict == core::verdict::replaced)
    return absl::StrCat(
        ". What it promised and acknowledged there is lost, so it may not go on under this id as "
        "if nothing had happened. If that directory is gone for good: `ctl remove ",
        id, "`; with --join it then joins by itself, else `ctl add-learner` and `ctl promote` it");
  if (refusal.why == core::another_cluster)
    return absl::StrCat(
        ". These are two clusters. Was one made by `ctl recover` (its data directory holds "
        "RECOVERED)? Then stop the members of the old one, and never empty the new one's "
        "directory. "
        "Was n",
        id, " started with another --cluster than n", m.session.leader.leader.node.value,
        " by mistake? Then stop it, empty its data directory, and start it with the same");
  return "";
}

}  // namespace

// -- appends --------------------------------------------------------------------------------------

// It is the vote of a leader that was elected.
void server::follow_then(const vote& wanted, std::function<void()> then) {
  candidacy_.reset();
  TROUPE_EVENT(info) << "n" << options_.id << " follows " << wanted;
  depose_then(wanted.leader.node, [this, wanted, then = std::move(then)]() mutable {
    save_vote_then(wanted, std::move(then));
  });
}

caf::result<core::append_reply> server::on_append_request(const core::append_request& m) {
  auto promise = self_->make_response_promise<core::append_reply>();
  judge_append(m, promise);
  return promise;
}

void server::judge_append(const core::append_request& m, append_promise promise) {
  auto decision = acceptor_->on_append_request(m, now(), full_);
  if (full_) look_for_room();
  // What it has as well, its machine shows.
  if (const auto heard = acceptor_->cluster_committed(); heard > acceptor_->committed())
    options_.board->post([&](metrics& all) { all.cluster_committed = heard; });
  if (auto* first = std::get_if<core::save_vote_first>(&decision)) {
    follow_then(first->wanted, [this, m, promise] { judge_append(m, promise); });
  } else if (auto* refusal = std::get_if<core::append_refusal>(&decision)) {
    // It came from the leader and renewed its lease, which binds this node's own vote as well.
    const bool alive = refusal->reply.verdict == core::verdict::conflict;
    if (alive || refusal->why == core::no_room) on_leader_alive(false);
    const auto v = refusal->reply.verdict;
    const bool for_operators = v == core::verdict::failed || v == core::verdict::replaced;
    if (for_operators && std::exchange(last_refusal_, refusal->why) != refusal->why)
      TROUPE_EVENT(warn) << "n" << options_.id << " refuses an append: " << refusal->why
                         << way_forward(m, *refusal);
    promise.deliver(std::move(refusal->reply));
  } else {
    const bool stood = candidacy_.has_value();
    auto& accepted = std::get<core::accepted_append>(decision);
    on_leader_alive(accepted.truncate_after || !accepted.batches.empty());
    write(std::move(accepted), std::move(promise));
    hand_committed_over();
    if (stood || shown_leader_ != acceptor_->saved().leader) arm();
  }
}

// The leader's lease binds this node's own vote, unless it was the leader that asked it to stand: a
// heartbeat that crosses that request changes nothing. A candidacy ends with the log it began with.
void server::on_leader_alive(bool log_changes) {
  removed_by_ = {};
  if (log_changes || !for_transfer_) candidacy_.reset();
}

// The reply is built from the flushed fact: it goes out when all that it claims is durable.
void server::write(core::accepted_append decision, append_promise promise) {
  if (!decision.wait_for_flush) {
    promise.deliver(std::move(decision.reply));
    return;
  }
  accepted_.add(decision);
  note_membership(decision);
  auto reply = std::move(decision.reply);
  self_
      ->request(options_.store, caf::infinite,
                append{acceptor_->saved(), decision.truncate_after, std::move(decision.batches)})
      .then(
          [this, promise, reply](const flushed& f) mutable {
            full_ = f.full;
            promise.deliver(std::move(reply));
          },
          [promise, reply](const caf::error&) mutable {
            reply.verdict = core::verdict::failed;
            reply.durable = {};
            promise.deliver(std::move(reply));
          });
}

// Each flush does; where nothing is written, one that has nothing to flush.
void server::look_for_room() {
  if (std::exchange(looks_for_room_, true)) return;
  self_->request(options_.store, caf::infinite, append{acceptor_->saved(), {}, {}})
      .then([this](const flushed& f) { looks_for_room_ = false, full_ = f.full; },
            [this](const caf::error&) { looks_for_room_ = false; });
}

void server::hand_committed_over() {
  const auto committed = acceptor_->committed();
  if (committed <= handed_over_) return;
  handed_over_ = committed;
  self_->send(options_.machine, apply{committed, accepted_.take_until(committed), {}, false});
}

// -- clients --------------------------------------------------------------------------------------

node_id server::known_leader() const { return leader_ ? options_.id : acceptor_->leader(now()); }

template <class Message>
caf::result<outcome> server::forward(const Message& m) {
  // It makes way for another one.
  if (leader_ && state_lost_) return outcome{m.id, raft_errc::not_leader, {}, {}, {}};
  if (leader_) return self_->delegate(leader_, m);
  const auto leader = known_leader();
  const auto peer = peers_.find(leader);
  if (!peer || m.hops >= max_hops) return outcome{m.id, raft_errc::not_leader, leader, {}, {}};
  TROUPE_EVENT(debug) << "n" << options_.id << " forwards request=" << m.id << " to n" << leader;
  Message onward = m;
  ++onward.hops;
  return self_->delegate(peer, std::move(onward));
}

caf::result<outcome> server::on_propose(const propose& m) { return forward(m); }

// A read that nobody answers did nothing.
query server::query_of(const read& m) {
  auto to = route::of_current(self_, outcome{m.id, raft_errc::not_leader, {}, {}, {}});
  return {{}, std::move(to), m.id, m.queries, now() + bounded(m.patience), m.most};
}

caf::result<outcome> server::on_read(const read& m) {
  if (m.mode == read_mode::follower && !leader_) return read_here(m);
  if (m.mode != read_mode::stale) return forward(m);
  self_->send(options_.machine, query_of(m));
  return caf::delegated<outcome>{};
}

// A follower's read (thesis 6.4): a read of nothing tells how far the leader had come, and this
// node answers when it has come as far.
caf::result<outcome> server::read_here(const read& m) {
  const auto leader = peers_.find(known_leader());
  if (!leader) return outcome{m.id, raft_errc::not_leader, known_leader(), {}, {}};
  query q = query_of(m);
  q.until = std::min(q.until, now() + options_.timing.rpc_timeout());
  const auto refuse = [this](const query& refused, raft_errc why) {
    refused.to.deliver(self_, outcome{refused.id, why, {}, {}, {}});
  };
  read position{m.id, {}, read_mode::linearizable, m.hops + 1};
  self_->request(leader, options_.timing.rpc_timeout(), std::move(position))
      .then(
          [this, q, refuse](const outcome& o) mutable {
            if (o.code != raft_errc::none) return refuse(q, o.code);
            q.index = o.index;
            self_->send(options_.machine, std::move(q));
          },
          [q, refuse](const caf::error&) { refuse(q, raft_errc::not_leader); });
  return caf::delegated<outcome>{};
}

caf::result<log_hash> server::on_hash_log(const hash_log& m) {
  return self_->delegate(options_.machine, m);
}

// -- status ---------------------------------------------------------------------------------------

node_role server::role() const {
  if (leader_) return node_role::leader;
  if (candidacy_) return node_role::candidate;
  const auto& members = roster_.members();
  if (removed_by_ || (!members.empty() && !members.contains(options_.id)))
    return node_role::outsider;
  return members.is_voter(options_.id) ? node_role::follower : node_role::learner;
}

// Once for each event that changes any of it. What a leader knows, the leader posts.
void server::publish() {
  const bool follows = !leader_ && known_leader() && known_leader() != options_.id;
  shown_leader_ = leader_ || follows ? acceptor_->saved().leader : leader_id{};
  options_.board->post([&](metrics& m) {
    m.role = role();
    m.vote = acceptor_->saved();
    m.leader = shown_leader_;
    m.purged = std::max(m.purged, acceptor_->log().purged().index);
    m.lost = acceptor_->lacks_entries() ? acceptor_->acknowledged() : log_id{};
    if (m.members_at != members_at_) {
      m.members_at = members_at_;
      m.members = roster_.members();
    }
    if (const auto& [at, before] = roster_.newest_up_to(m.committed); at != m.members_before_at) {
      m.members_before_at = at;
      m.members_before = before;
    }
    if (leader_) return;
    m.quorum_acked.reset();
    m.replication.clear();
  });
}

status server::describe() const {
  status s;
  s.id = options_.id;
  s.role = to_string(role());
  s.vote = acceptor_->saved();
  s.leader = known_leader();
  s.last = acceptor_->log().last_index();
  s.committed = acceptor_->committed();
  s.members = roster_.members();
  s.membership_at = members_at_;
  s.membership_committed = s.committed >= members_at_.index;
  return s;
}

caf::result<status> server::on_status() {
  const auto to = route::of_current(self_, make_error(raft_errc::shutting_down));
  const auto finish = [this, to](status s) {
    const auto known = options_.board->get();
    s.purged = std::max(known.purged, acceptor_->log().purged().index);
    s.snapshot = known.snapshot;
    s.making = known.making, s.receiving = known.receiving, s.restoring = known.restoring;
    s.state_lost = known.state_lost;
    for (auto& p : s.replication)
      if (const auto sent = known.sending.find(p.id); sent != known.sending.end())
        p.snapshot = sent->second;
    s.version = version;
    s.committed_members = s.membership_committed ? s.members : known.committed_members();
    const auto tell = [this, to, s](log_index applied) {
      auto all = s;
      all.applied = applied;
      to.deliver(self_, std::move(all));
    };
    // A machine that is busy for long told the board how far it is.
    self_->request(options_.machine, options_.timing.rpc_timeout(), describe_applied{})
        .then([tell](const applied& a) { tell(a.upto); },
              [this, tell](const caf::error&) { tell(options_.board->get().applied); });
  };
  if (leader_)
    self_->request(leader_, options_.timing.rpc_timeout(), status_request{})
        .then([finish](const status& s) { finish(s); },
              [this, finish](const caf::error&) { finish(describe()); });
  else
    finish(describe());
  return caf::delegated<status>{};
}

// -- operators -----------------------------------------------------------------------------------

caf::result<admin_reply> server::on_admin(const admin_request& m) {
  if (const auto* e = std::get_if<elect>(&m.command)) return on_elect(m, e->who);
  if (const auto* s = std::get_if<snapshot_now>(&m.command)) return on_snapshot_now(m, s->who);
  if (const auto* p = std::get_if<purge_now>(&m.command)) return on_purge_now(m, *p);
  if (leader_) return self_->delegate(leader_, m);
  return pass_on(m, known_leader());
}

caf::result<admin_reply> server::pass_on(const admin_request& m, node_id to) {
  const auto peer = peers_.find(to);
  if (!peer || m.hops >= max_hops) return admin_reply{raft_errc::not_leader, to, {}, ""};
  admin_request onward = m;
  ++onward.hops;
  return self_->delegate(peer, std::move(onward));
}

caf::result<admin_reply> server::on_elect(const admin_request& m, node_id who) {
  if (!roster_.members().is_voter(who))
    return admin_reply{raft_errc::not_allowed, {}, {}, "only a voter stands for election"};
  if (who != options_.id) return pass_on(m, who);
  if (leader_) return admin_reply{{}, options_.id, {}, "it leads already"};
  // The lease binds this node's own vote as well: a lease read could be stale otherwise.
  if (acceptor_->lease_live(now()))
    return admin_reply{raft_errc::not_allowed,
                       known_leader(),
                       {},
                       absl::StrCat("another node leads; `ctl transfer ", who.value, "`")};
  if (!may_stand())
    return admin_reply{raft_errc::not_allowed,
                       {},
                       {},
                       acceptor_->lacks_entries()
                           ? "damage took a part of its log, which it must have again first"
                           : "the cluster does not know this node's data directory"};
  campaign();
  return admin_reply{};
}

// Heeded only of the leader that this node follows: one that comes late says nothing any more.
caf::result<core::transfer_reply> server::on_transfer_request(const core::transfer_request& m) {
  const bool from_our_leader = m.cluster == acceptor_->cluster() && m.leader.committed &&
                               m.leader == acceptor_->saved() && m.leader.leader.node != m.to;
  const bool able = m.to == options_.id && roster_.members().is_voter(m.to) && may_stand() &&
                    !leader_ && !full_ && !state_lost_ && m.last == acceptor_->log().last();
  if (!from_our_leader || !able) return core::transfer_reply{false};
  TROUPE_EVENT(info) << "n" << options_.id << " takes over from " << m.leader;
  campaign(/*handed_by=*/m.leader);
  return core::transfer_reply{true};
}

done server::on_configure(const configure& m) {
  options_.elections = m.elections.value_or(options_.elections);
  options_.heartbeats = m.heartbeats.value_or(options_.heartbeats);
  options_.compaction = m.compaction.value_or(options_.compaction);
  if (leader_) self_->send(leader_, m);
  self_->send(options_.machine, m);
  arm();
  return {};
}

}  // namespace troupe
