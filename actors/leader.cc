#include "actors/leader.h"

#include "actors/membership_codec.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

constexpr size_t max_command_bytes = batch::max_size - (1 << 16);

// What all replicators of a leadership have in common.
replicator_options common_of(const leader_options& o) {
  replicator_options r;
  r.session = {o.elected, {}, o.stream};
  r.cluster = o.cluster;
  r.timing = o.timing;
  r.limits = o.limits.replication;
  r.store = o.store;
  r.sink = o.sink;
  r.storage_blocks = o.storage_blocks;
  r.compaction = o.compaction;
  r.board = o.board;
  r.heartbeats = o.heartbeats;
  return r;
}

}  // namespace

leader::leader(self_ptr self, leader_options options)
    : self_(self),
      options_(std::move(options)),
      protocol_(options_.elected, options_.members, options_.membership_at, options_.tail,
                {options_.timing, options_.limits.rounds}, self->clock().now()),
      log_(options_.log),
      followers_(self, options_.id, common_of(options_)) {
  TROUPE_EVENT(info) << "n" << options_.id << " leads, vote " << options_.elected
                     << ", log ends at " << options_.tail.last;
  for (const auto& [id, incarnation] : options_.voted) note_incarnation(id, incarnation);
  note_incarnation(options_.id, options_.incarnation);
  followers_.follow(known_members(), options_.membership_at, backlog(), options_.peers);
  write_first_entry();
  watch();
}

leader::~leader() {
  caf::anon_send(options_.server, led{protocol_.committed()});
  for (auto& p : pending_)
    for (auto& c : p.claims) c.to.deliver_at_end(refusal(c.id, raft_errc::outcome_unknown));
  for (auto& c : gathering_claims_) c.to.deliver_at_end(refusal(c.id, why_refused_));
  refuse_reads();
  if (change_)
    change_->who_asked.deliver_at_end(
        admin_reply{raft_errc::outcome_unknown, {}, change_->written, "the leader was deposed"});
  if (handover_)
    handover_->who_asked.deliver_at_end(
        admin_reply{raft_errc::outcome_unknown, {}, {}, "it was deposed"});
}

void leader::end(raft_errc why) {
  TROUPE_EVENT(info) << "n" << options_.id << " stops leading " << options_.elected << ": "
                     << to_string(why);
  if (why == raft_errc::quorum_lost) why_refused_ = why;
  self_->quit(make_error(why));
}

// -- writes ---------------------------------------------------------------------------------------

// Nothing of an older leader is committed by counting; this entry commits all before it (thesis
// 3.6.2). It tells the data directories of those who voted, where the cluster does not know them:
// before anything else is committed, none of them can come back empty and vote again.
void leader::write_first_entry() {
  if (!incarnations_.empty()) return tend_members();
  gathering_.add({});
  seal(batch_kind::blank);
}

raft_errc leader::refuse_now(size_t bytes) const {
  if (!protocol_.active(now())) return raft_errc::quorum_lost;
  if (bytes > max_command_bytes) return raft_errc::too_large;
  if ((under_way_ + bytes) > options_.limits.under_way) return raft_errc::busy;
  return raft_errc::none;
}

caf::result<outcome> leader::on_propose(const propose& m) {
  TROUPE_SPAN(debug, "leader.propose", "request=" << m.id << " commands=" << m.commands.size());
  const size_t bytes = m.commands.bytes().size();
  if (full_) return refusal(m.id, raft_errc::read_only);
  if (handover_ && handover_->closed) return refusal(m.id, raft_errc::busy);
  if (const auto why = refuse_now(bytes); why != raft_errc::none) return refusal(m.id, why);
  if (m.only_under && m.only_under != options_.elected.leader)
    return outcome{m.id, raft_errc::not_leader, options_.id, {}, {}};
  if (gathering_.size() + bytes > batch::max_size) seal(batch_kind::commands);
  TROUPE_EVENT(debug) << "gathers " << bytes << " bytes behind " << gathering_.size();
  gathering_.add_all(m.commands);
  gathering_claims_.push_back({route::of_current(self_, refusal(m.id, raft_errc::outcome_unknown)),
                               m.id, m.commands.size(), bytes, m.notify_commit});
  if (!gathering_request_) gathering_request_ = m.id;
  under_way_ += bytes + claim_cost;
  if (gathering_.size() >= options_.limits.batch.value)
    seal(batch_kind::commands);
  else
    want_seal();
  return caf::delegated<outcome>{};
}

// All that the mailbox holds now becomes one batch: the message to itself comes after it.
void leader::want_seal() {
  if (seal_wanted_ || !gathered() || !protocol_.may_append()) return;
  if (self_->mailbox().empty()) return seal(batch_kind::commands);
  seal_wanted_ = true;
  self_->send(self_, seal_now{});
}

void leader::on_seal() {
  seal_wanted_ = false;
  if (gathered() && protocol_.may_append()) seal(batch_kind::commands);
  if (round_wanted_) start_round();
}

void leader::seal(batch_kind kind) {
  // Nothing but barriers: they wait for an entry of their own.
  if (gathering_.empty()) {
    kind = batch_kind::blank;
    gathering_.add({});
  }
  const auto b =
      gathering_.seal(kind, options_.elected.leader, protocol_.last(), gathering_request_);
  TROUPE_SPAN(debug, "leader.seal",
              "batch=" << b->first_index() << ".." << b->last() << " request=" << b->request()
                       << " bytes=" << b->size());
  TROUPE_EVENT(debug) << "to the log store and " << followers_.size() << " followers";
  protocol_.on_appended(b->tail(), now());
  log_.append(b->leader(), b->last_index());
  pending_.push_back({b, std::exchange(gathering_claims_, {})});
  gathering_request_ = {};
  write(b);
}

// To its own disk and to the followers at the same time (thesis 10.2.1).
void leader::write(const batch_ptr& b) {
  followers_.tell(replicate{b, protocol_.committed()});
  self_->request(options_.store, caf::infinite, append{options_.elected, {}, {b}})
      .then(
          [this, last = b->last()](const flushed& f) {
            note_disk(f.full);
            commit(protocol_.on_flushed(last, now()));
          },
          [this](const caf::error& e) {
            const auto code = code_of(e, raft_errc::storage_failed);
            end(code == raft_errc::fenced ? raft_errc::deposed : code);
          });
}

void leader::commit(std::optional<log_index> committed) {
  if (!committed) return;
  apply m{*committed, {}, {}, /*report=*/true};
  while (!pending_.empty() && pending_.front().what->last_index() <= *committed) {
    auto& p = pending_.front();
    size_t bytes = 0;
    for (const auto& c : p.claims) bytes += c.bytes + claim_cost;
    tell_proposers(p);
    applying_.emplace_back(p.what->last_index(), byte_count(bytes));
    m.batches.push_back(std::move(p.what));
    m.claims.push_back(std::move(p.claims));
    pending_.pop_front();
  }
  self_->send(options_.machine, std::move(m));
  want_seal();
  release_reads();
  tend_members();
  // The next batch tells the followers; where there is none, a notice soon does.
  if (pending_.empty() && !gathered()) followers_.tell(confirm{protocol_.round(), *committed});
}

// Before the machine has them, so that the notice comes before the outcome.
void leader::tell_proposers(const pending_batch& p) {
  auto next = p.what->first_index();
  for (const auto& c : p.claims) {
    next += c.count;
    if (c.notify) c.to.tell(self_, troupe::committed{c.id, {options_.elected.leader, next - 1}});
  }
}

void leader::on_applied(const applied& m) {
  while (!applying_.empty() && applying_.front().first <= m.upto) {
    under_way_ = under_way_ - applying_.front().second.value;
    applying_.pop_front();
  }
}

// -- followers ------------------------------------------------------------------------------------

void leader::on_acked(const acked& m) {
  if (!followers_.current(m.from, m.session)) return;
  replaced_.erase(m.from);
  note_incarnation(m.from, m.incarnation);
  commit(protocol_.on_acked(m.from, m.durable, m.sent, m.round));
  // An idle leader hears of everybody once in a heartbeat; a busy one need not tell more often.
  if (m.sent >= published_ + options_.timing.heartbeat_interval / 2) publish();
  if (!reads_.empty()) confirm_reads();
  if (change_ || !incarnations_.empty()) tend_members();
  if (handover_) step_handover();
}

void leader::on_forgot(const forgot& m) {
  if (!followers_.current(m.from, m.session)) return;
  protocol_.forget(m.from, m.replaced);
  if (m.replaced) replaced_.insert(m.from);
}

void leader::on_outvoted(const outvoted& m) {
  // A peer may claim anything; only a vote that a node can have saved, above this one, ends it.
  if (!core::plausible(m.saved) || !core::exceeds(m.saved, options_.elected, options_.mode)) return;
  // The successor that this leader asked for will say so itself, unless it is not elected.
  const bool succeeded = handover_ && m.saved.leader.node == handover_->to;
  if (succeeded && !m.saved.committed) return;
  if (succeeded) on_succeeded({handover_->to});
  TROUPE_EVENT(info) << "n" << options_.id << " is outvoted by " << m.saved;
  self_->send(options_.server, m);
  end(raft_errc::deposed);
}

leader_actor::behavior_type leader_behavior(leader_actor::stateful_pointer<leader_state> self,
                                            leader_options options) {
  self->state.me = std::make_unique<leader>(self, std::move(options));
  auto* me = self->state.me.get();
  return {
      [me](const propose& m) { return me->on_propose(m); },
      [me](const read& m) { return me->on_read(m); },
      [me](const admin_request& m) { return me->on_admin(m); },
      [me](const status_request&) { return me->on_status(); },
      [me](const acked& m) { me->on_acked(m); },
      [me](const forgot& m) { me->on_forgot(m); },
      [me](const outvoted& m) { me->on_outvoted(m); },
      [me](const applied& m) { me->on_applied(m); },
      [me](const seal_now&) { me->on_seal(); },
      [me](const configure& m) { me->on_configure(m); },
      [me](const handing_over& m) { me->on_succeeded(m); },
      [me](const machine_state& m) { me->on_machine_state(m); },
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
