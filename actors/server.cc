#include "actors/server.h"

#include "actors/membership_codec.h"
#include "actors/version.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
// -- start ----------------------------------------------------------------------------------------

server::server(self_ptr self, server_options options)
    : self_(self), options_(std::move(options)), random_(options_.seed), candidacies_(random_()) {
  self_->set_down_handler([this](caf::down_msg& m) { on_down(m); });
  self_->link_to(options_.store);
  self_->link_to(options_.machine);
  self_->request(options_.store, caf::infinite, describe_log{})
      .await([this](const log_state& s) { start(s); },
             [this](const caf::error& e) { self_->quit(e); });
}

server::~server() {
  if (leader_) end_leader(raft_errc::shutting_down);
}

void server::start(const log_state& s) {
  const core::acceptor::state recovered{options_.id, s.saved, s.view(), s.cluster};
  acceptor_.emplace(recovered, options_.timing, options_.mode, now(), jitter());
  roster_ = roster(s.memberships);
  adopt_membership();
  TROUPE_EVENT(info) << "n" << options_.id << " starts, vote " << s.saved << ", log ends at "
                     << s.tail.last << ", members " << roster_.members();
  if (roster_.members().empty() && !options_.genesis.empty() && !s.tail.last) {
    self_
        ->request(options_.store, caf::infinite,
                  append{s.saved, {}, {first_batch(options_.genesis)}})
        .await([this](const flushed&) { refresh_from_store(); },
               [this](const caf::error& e) { self_->quit(e); });
  }
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
void server::refresh_from_store() {
  self_->request(options_.store, caf::infinite, describe_log{})
      .await([this](const log_state& s) { refresh(s), settle(); },
             [this](const caf::error& e) { self_->quit(e); });
}

void server::refresh(const log_state& s) {
  tail_ = s.tail;
  acceptor_->on_log_written(s.view());
  acceptor_->on_committed(led_until_);
  acceptor_->join_cluster(s.cluster);
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
  peers_.update(roster_.members(), options_.id, self_, options_.resolve);
}

caf::result<done> server::on_initialize(const initialize& m) {
  if (!m.members.check(options_.mode).ok() || !m.members.contains(options_.id))
    return make_error(raft_errc::invalid);
  const auto first = first_batch(m.members);
  if (first->checksum() == acceptor_->cluster()) return done{};
  if (acceptor_->log().last() || acceptor_->saved().leader)
    return make_error(raft_errc::not_allowed);
  auto promise = self_->make_response_promise<done>();
  self_->request(options_.store, caf::infinite, append{acceptor_->saved(), {}, {first}})
      .await([this,
              promise](const flushed&) mutable { refresh_from_store(), promise.deliver(done{}); },
             [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

// -- votes ----------------------------------------------------------------------------------------

// Nothing else is handled until the vote is durable, so decisions never build on a promise in the
// air.
void server::save_vote_then(const vote& wanted, std::function<void()> then) {
  self_->request(options_.store, caf::infinite, save_vote{wanted})
      .await(
          [this, wanted, then = std::move(then)](const log_state& s) {
            acceptor_->on_vote_saved(wanted, now(), jitter());
            refresh(s);
            then();
            arm();
          },
          [this](const caf::error& e) { self_->quit(e); });
}

caf::result<core::vote_reply> server::on_vote_request(const core::vote_request& m) {
  const auto floor = candidacy_ ? std::optional(candidacy_->wanted()) : std::nullopt;
  auto decision = acceptor_->on_vote_request(m, floor, static_cast<bool>(leader_), now());
  if (auto* refusal = std::get_if<core::vote_refusal>(&decision)) return refusal->reply;
  auto promise = self_->make_response_promise<core::vote_reply>();
  candidacy_.reset();
  const auto reply = std::get<core::grant>(decision).reply;
  if (m.wanted == acceptor_->saved()) {
    promise.deliver(reply);
    return promise;
  }
  save_vote_then(m.wanted, [promise, reply]() mutable { promise.deliver(reply); });
  return promise;
}

// -- elections ------------------------------------------------------------------------------------

void server::campaign() {
  if (!roster_.members().is_voter(options_.id) || leader_) return;
  const auto& saved = acceptor_->saved();
  if (core::exceeds(saved, seen_, options_.mode)) seen_ = saved;
  candidacy_.emplace(++candidacies_, options_.id, seen_, roster_.members(), acceptor_->log().last(),
                     acceptor_->cluster(), options_.mode);
  TROUPE_EVENT(debug) << "n" << options_.id << " stands for election with " << candidacy_->wanted();
  acceptor_->restart_timer(now(), jitter());
  arm();
  for (const auto id : candidacy_->electorate())
    self_->request(peers_.find(id), options_.timing.rpc_timeout(), candidacy_->request_to(id))
        .then(
            [this, id](const core::vote_reply& reply) {
              if (reply.from == id) on_vote_reply(reply);
            },
            [](const caf::error&) { /* no answer is no grant; the election timer tries again */ });
  conclude(candidacy_->outcome());
}

void server::on_vote_reply(const core::vote_reply& reply) {
  if (candidacy_) conclude(candidacy_->on_vote_reply(reply));
}

void server::conclude(core::candidacy::result result) {
  if (result == core::candidacy::result::won) {
    // The last vote of the quorum is our own; saved as committed, it also begins the leadership.
    const vote elected{candidacy_->wanted().leader, true};
    candidacy_.reset();
    save_vote_then(elected, [this] { lead(); });
  } else if (result == core::candidacy::result::lost) {
    seen_ = candidacy_->seen();
  }
}

void server::lead() {
  hurry_ = false;
  leader_options o;
  o.id = options_.id;
  o.elected = acceptor_->saved();
  o.members = roster_.members();
  o.membership_at = members_at_;
  o.tail = tail_;
  o.log = acceptor_->log();
  o.cluster = acceptor_->cluster();
  o.stream = ++streams_;
  o.timing = options_.timing;
  o.mode = options_.mode;
  o.limits = options_.limits;
  o.store = options_.store;
  o.machine = options_.machine;
  o.server = self_;
  o.peers = peers_.all();
  leader_ = self_->spawn<caf::monitored>(leader_behavior, std::move(o));
}

// From nobody: a server that nobody refers to any more must not become a message's sender
// (route.h).
void server::end_leader(raft_errc why) {
  caf::anon_send(caf::actor_cast<caf::actor>(leader_),
                 caf::exit_msg{leader_.address(), make_error(why)});
  leader_ = nullptr;
}

// What the leader committed must be known before another leader's append is judged: nothing of it
// may be truncated. The state machine has it all; the leader's own last word may come late.
void server::depose_then(std::function<void()> then) {
  if (!leader_) return then();
  end_leader(raft_errc::deposed);
  self_->request(options_.machine, caf::infinite, describe_applied{})
      .await(
          [this, then = std::move(then)](const applied& a) {
            led_until_ = std::max(led_until_, a.upto);
            then();
          },
          [this](const caf::error& e) { self_->quit(e); });
}

// Only the leader that still is one matters: any other was ended by ourselves.
void server::on_down(const caf::down_msg& m) {
  if (!leader_ || m.source != leader_.address()) return;
  leader_ = nullptr;
  if (std::exchange(hurry_, false))
    acceptor_->restart_timer(now(), duration::zero());
  else
    acceptor_->restart_timer(now(), jitter());
  refresh_from_store();
}

// Some voter granted a candidacy that failed: stand again above it at once, rather than leaving the
// cluster without a leader until a timer runs out.
void server::on_outvoted(const outvoted& m) {
  if (core::exceeds(m.saved, seen_, options_.mode)) seen_ = m.saved;
  hurry_ = !m.saved.committed;
}

void server::on_led(const led& m) {
  led_until_ = std::max(led_until_, m.committed);
  acceptor_->on_committed(led_until_);
}

duration server::jitter() {
  const auto& t = options_.timing;
  std::uniform_int_distribution<int64_t> any(t.election_timeout_min.count(),
                                             t.election_timeout_max.count());
  return duration(any(random_));
}

instant server::now() const { return self_->clock().now(); }

void server::arm() {
  if (roster_.members().is_voter(options_.id) && !leader_ && options_.elections)
    election_.set(self_, acceptor_->election_deadline());
  else
    election_.cancel();
}

void server::on_tick(const tick& t) {
  if (!election_.on_tick(self_, t)) return;
  if (now() >= acceptor_->election_deadline()) campaign();
  arm();
}

// -- appends --------------------------------------------------------------------------------------

caf::result<core::append_reply> server::on_append_request(const core::append_request& m) {
  auto promise = self_->make_response_promise<core::append_reply>();
  judge_append(m, promise);
  return promise;
}

void server::judge_append(const core::append_request& m, append_promise promise) {
  auto decision = acceptor_->on_append_request(m, now());
  if (auto* first = std::get_if<core::save_vote_first>(&decision)) {
    candidacy_.reset();
    TROUPE_EVENT(info) << "n" << options_.id << " follows " << first->wanted;
    depose_then([this, m, promise, wanted = first->wanted] {
      save_vote_then(wanted, [this, m, promise] { judge_append(m, promise); });
    });
  } else if (auto* refusal = std::get_if<core::append_refusal>(&decision)) {
    // It came from the leader and renewed its lease, which binds this node's own vote as well.
    if (refusal->reply.verdict == core::verdict::conflict) candidacy_.reset();
    if (refusal->reply.verdict == core::verdict::failed && refusal->why != last_refusal_)
      TROUPE_EVENT(warn) << "n" << options_.id << " refuses an append: " << refusal->why;
    last_refusal_ = refusal->why;
    promise.deliver(std::move(refusal->reply));
  } else {
    candidacy_.reset();
    write(std::move(std::get<core::accepted_append>(decision)), std::move(promise));
    hand_committed_over();
  }
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
      .then([promise, reply](const flushed&) mutable { promise.deliver(std::move(reply)); },
            [promise, reply](const caf::error&) mutable {
              reply.verdict = core::verdict::failed;
              reply.durable = {};
              promise.deliver(std::move(reply));
            });
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

caf::result<outcome> server::on_read(const read& m) {
  if (m.mode == read_mode::linearizable) return forward(m);
  self_->send(options_.machine, query{log_index(0), route::of_current(self_), m.id, m.queries});
  return caf::delegated<outcome>{};
}

caf::result<log_hash> server::on_hash_log(const hash_log& m) {
  return self_->delegate(options_.machine, m);
}

// -- status ---------------------------------------------------------------------------------------

status server::describe() const {
  status s;
  s.id = options_.id;
  s.role = candidacy_                                ? "candidate"
           : roster_.members().is_voter(options_.id) ? "follower"
                                                     : "learner";
  s.vote = acceptor_->saved();
  s.leader = known_leader();
  s.last = acceptor_->log().last_index();
  s.committed = acceptor_->committed();
  s.members = roster_.members();
  s.membership_committed = s.committed >= members_at_.index;
  return s;
}

caf::result<status> server::on_status() {
  auto promise = self_->make_response_promise<status>();
  const auto finish = [this, promise](status s) {
    s.purged = acceptor_->log().purged().index;
    s.version = version;
    self_->request(options_.machine, options_.timing.rpc_timeout(), describe_applied{})
        .then(
            [promise, s](const applied& a) mutable {
              s.applied = a.upto;
              promise.deliver(s);
            },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  };
  if (!leader_) {
    finish(describe());
    return promise;
  }
  self_->request(leader_, options_.timing.rpc_timeout(), status_request{})
      .then([finish](const status& s) mutable { finish(s); },
            [this, finish](const caf::error&) mutable { finish(describe()); });
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
      [me](const initialize& m) { return me->on_initialize(m); },
      [me](const hash_log& m) { return me->on_hash_log(m); },
      [me](const status_request&) { return me->on_status(); },
      [me](const outvoted& m) { me->on_outvoted(m); },
      [me](const led& m) { me->on_led(m); },
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
