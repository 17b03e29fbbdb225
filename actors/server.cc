#include "actors/server.h"

#include "actors/membership_codec.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
// -- start ----------------------------------------------------------------------------------------

server::server(self_ptr self, server_options options)
    : self_(self),
      options_(std::move(options)),
      random_(options_.seed),
      candidacies_(random_()),
      roll_(options_.timing),
      restore_backoff_(options_.timing.election_timeout_max, longest_pause),
      fetch_patience_(patience_at_first()),
      fetch_backoff_(options_.timing.election_timeout_max, longest_pause) {
  self_->set_down_handler([this](caf::down_msg& m) { on_down(m); });
  self_->link_to(options_.store);
  self_->link_to(options_.machine);
  if (options_.sink) {
    self_->link_to(options_.sink);
    self_->send(options_.sink, tell_of_snapshots{caf::actor_cast<caf::strong_actor_ptr>(self_)});
  }
  self_->request(options_.machine, caf::infinite, watch_state{})
      .await(
          [this](const machine_state& m) {
            if (m.lost) state_lost_ = m.why;
            self_->request(options_.store, caf::infinite, describe_log{})
                .await([this](const log_state& s) { start(s); },
                       [this](const caf::error& e) { self_->quit(e); });
          },
          [this](const caf::error& e) { self_->quit(e); });
}

server::~server() {
  options_.board->post([](metrics& m) {
    if (m.life != node_life::failed) m.life = node_life::stopping;
  });
  if (leader_) end_leader(raft_errc::shutting_down);
}

void server::start(const log_state& s) {
  core::acceptor::state recovered{options_.id, s.saved,       s.view(),
                                  s.cluster,   s.incarnation, s.joined};
  if (s.lost) recovered.promised = s.lost->last;
  recovered.compacted = s.compacted;
  acceptor_.emplace(recovered, options_.timing, options_.mode, now(), jitter());
  roster_ = roster(s.memberships);
  tail_ = s.tail;
  full_ = s.full;
  adopt_membership();
  TROUPE_EVENT(info) << "n" << options_.id << " starts, vote " << s.saved << ", log ends at "
                     << s.tail.last << ", members " << roster_.members();
  options_.board->post([&](metrics& m) {
    m.life = node_life::running;
    m.found = s.tail.last.index;
    m.last = s.tail.last;
  });
  // At first nobody is connected.
  if (state_lost_) fetch_snapshot_later();
  if ((s.lost || state_lost_) && roster_.members().empty())
    peers_.update(options_.genesis, options_.id, self_, options_.resolve);
  if (s.lost) {
    warn_of_loss(*s.lost);
    settle();
    return restore({}, {});
  }
  if (roster_.members().empty() && !options_.genesis.empty() && !acceptor_->acknowledged()) {
    return found(options_.genesis, {});
  }
  if (leads_on()) return lead();
  settle();
}

// A voter that is an election quorum by itself has nobody to wait for.
void server::settle() {
  const auto only_me = [this](node_id id) { return id == options_.id; };
  const bool alone =
      options_.elections && roster_.members().satisfied(core::quorum_kind::read, only_me);
  if (alone && !leader_ && !acceptor_->lease_live(now()))
    campaign();
  else
    arm();
}

// The log store tells what is there after something else than this acceptor wrote to it.
void server::refresh_then(std::function<void()> then) {
  self_->request(options_.store, caf::infinite, describe_log{})
      .await([this, then = std::move(then)](const log_state& s) { refresh(s), then(); },
             [this](const caf::error& e) { self_->quit(e); });
}

void server::refresh(const log_state& s) {
  tail_ = s.tail;
  full_ = s.full;
  acceptor_->on_log_written(s.view());
  acceptor_->on_committed(led_until_);
  acceptor_->join_cluster(s.cluster);
  acceptor_->on_joined(s.joined);
  roster_ = roster(s.memberships);
  adopt_membership();
}

void server::note_membership(const core::accepted_append& written) {
  roster_.note(written);
  for (const auto& b : written.batches)
    if (b->kind() == batch_kind::membership && b->first_index() == log_index(1))
      acceptor_->join_cluster(b->checksum());
  adopt_membership();
}

void server::adopt_membership() {
  if (roster_.at() == members_at_) return;
  members_at_ = roster_.at();
  const auto& members = roster_.members();
  if (!members.empty()) end_founding(), older_cluster_ = false;
  peers_.update(members, options_.id, self_, options_.resolve);
  const bool took_part =
      std::exchange(takes_part_, members.empty() || members.contains(options_.id));
  // A log that comes in may tell of a removal long ago, which is committed.
  if (took_part && !takes_part_ && acceptor_->committed() < members_at_.index) warn_of_removal("");
  acceptor_->on_named(roster_.names(options_.id, acceptor_->incarnation()));
  prefer();
  arm();  // it may have become a voter, or be none any more
}

// Who has no state leads only where nobody else can.
void server::prefer() {
  const auto& members = roster_.members();
  uint32_t greatest = state_lost_ ? 1 : 0;
  for (const node_id id : members.voters())
    greatest = std::max(greatest, members.nodes().at(id).priority);
  const auto me = members.nodes().find(options_.id);
  const bool counts = !state_lost_ && me != members.nodes().end();
  acceptor_->timer().prefer(counts ? me->second.priority : 0, greatest);
}

void server::warn_of_removal(const std::string& source) {
  TROUPE_EVENT(warn) << "n" << options_.id << " was removed from the cluster" << source
                     << "; stop it, or `ctl add-learner` it again";
}

void server::warn_of_loss(const storage::lost_entries& lost) {
  TROUPE_EVENT(warn)
      << "n" << options_.id << " has lost what its log held after " << acceptor_->log().last()
      << " and up to " << lost.last << ": " << lost.where
      << ". It leads nobody and votes for no shorter log until it has that again, from what can "
         "still be read or from other nodes; where none has it, only `ctl recover` helps";
}

// Its own leader wrote it: the log store tells of it when the leadership ends.
caf::result<peer_handles> server::on_adopt(const adopt& m) {
  peer_handles all;
  if (!leader_ || m.leader != acceptor_->saved()) return all;
  const bool was_alone = roster_.members().nodes().size() == 1;
  roster_.adopt(m.at, m.members);
  adopt_membership();
  for (const auto& [id, peer] : peers_.all())
    all.peers.emplace(id, caf::actor_cast<caf::strong_actor_ptr>(peer));
  if (!was_alone) return all;
  // Who was alone may lead on after a restart: nobody else may hold what is not durable here.
  auto promise = self_->make_response_promise<peer_handles>();
  self_->request(options_.store, caf::infinite, append{m.leader, {}, {}})
      .then([promise, all](const flushed&) mutable { promise.deliver(all); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

server_actor::behavior_type server_behavior(server_actor::stateful_pointer<server_state> self,
                                            server_options options) {
  self->state.me = std::make_unique<server>(self, std::move(options));
  auto* me = self->state.me.get();
  return {
      [me](const core::vote_request& m) { return me->on_vote_request(m); },
      [me](const core::append_request& m) { return me->on_append_request(m); },
      [me](const propose& m) { return me->on_propose(m); },
      [me](const read& m) { return me->on_read(m); },
      [me](const core::transfer_request& m) { return me->on_transfer_request(m); },
      [me](const admin_request& m) { return me->on_admin(m); },
      [me](const initialize& m) { return me->on_initialize(m); },
      [me](const hash_log& m) { return me->on_hash_log(m); },
      [me](const status_request&) { return me->on_status(); },
      [me](const fetch_request& m) { return me->on_fetch_request(m); },
      [me](const configure& m) { return me->on_configure(m); },
      [me](const outvoted& m) { me->on_outvoted(m); },
      [me](const led& m) { me->on_led(m); },
      [me](const adopt& m) { return me->on_adopt(m); },
      [me](const handing_over& m) { me->on_handing_over(m); },
      [me](const core::snapshot_request& m) { return me->on_snapshot_request(m); },
      [me](const backup_request& m) { return me->on_backup_request(m); },
      [me](const snapshot_kept& m) { me->on_snapshot_kept(m); },
      [me](const snapshot_lost& m) { me->on_snapshot_lost(m); },
      [me](const machine_state& m) { me->on_machine_state(m); },
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
