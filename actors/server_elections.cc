// The server as a voter: what it grants, and how it stands for election itself.
#include "actors/server.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {

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
  auto promise = self_->make_response_promise<core::vote_reply>();
  // The leader gives its place to this candidate. It ends first, so that its last writes are known
  // when the logs are compared.
  const bool succeeds = leader_ && handing_over_to_ && m.from == handing_over_to_ &&
                        m.handed_by == acceptor_->saved() && m.to == options_.id &&
                        m.cluster == acceptor_->cluster();
  if (succeeds)
    depose_then(m.from, [this, m, promise] {
      refresh_then([this, m, promise] { judge_vote(m, promise), arm(); });
    });
  else
    judge_vote(m, promise);
  return promise;
}

void server::judge_vote(const core::vote_request& m, vote_promise promise) {
  const bool has_nothing = m.wanted == vote{} && !m.last;
  if (candidacy_ && has_nothing) candidacy_->let_go(m.from);
  const auto floor = candidacy_ ? std::optional(candidacy_->wanted()) : std::nullopt;
  auto decision =
      acceptor_->on_vote_request(m, floor, static_cast<bool>(leader_), now(), roster_.members());
  if (auto* refusal = std::get_if<core::vote_refusal>(&decision)) {
    // Who asks because it has nothing must not take this node for another such.
    refusal->reply.led |= older_cluster_;
    promise.deliver(refusal->reply);
    return;
  }
  candidacy_.reset();
  const auto reply = std::get<core::grant>(decision).reply;
  if (m.wanted == acceptor_->saved()) {
    promise.deliver(reply);
    publish();
    return;
  }
  save_vote_then(m.wanted, [promise, reply]() mutable { promise.deliver(reply); });
}

// -- elections ------------------------------------------------------------------------------------

bool server::may_stand() const {
  return !acceptor_->newcomer() && !acceptor_->lacks_entries() &&
         roster_.members().admits(options_.id, acceptor_->incarnation()) &&
         roster_.may_stand(options_.id, acceptor_->committed());
}

bool server::stands_by_itself() const { return may_stand() && !leader_ && options_.elections; }

void server::campaign(const vote& handed_by) {
  if (!may_stand() || leader_) return;
  const auto& saved = acceptor_->saved();
  if (core::exceeds(saved, seen_, options_.mode)) seen_ = saved;
  candidacy_.emplace(++candidacies_, options_.id, seen_, roster_.members(), acceptor_->log().last(),
                     acceptor_->cluster(), options_.mode);
  TROUPE_EVENT(debug) << "n" << options_.id << " stands for election with " << candidacy_->wanted();
  options_.board->post([](metrics& m) { ++m.totals.candidacies; });
  acceptor_->timer().on_stood(now(), jitter());
  for_transfer_ = handed_by != vote{};
  arm();
  for (const auto id : candidacy_->electorate()) {
    auto request = candidacy_->request_to(id);
    request.incarnation = acceptor_->incarnation();
    request.handed_by = handed_by;
    ask_for_vote(std::move(request));
  }
  conclude(candidacy_->outcome());
}

void server::call_roll() {
  roll_.on_called(now());
  for (const auto& request :
       core::roll(roster_.members(), options_.id, acceptor_->log().last(), acceptor_->cluster()))
    ask_for_vote(request);
}

void server::ask_for_vote(core::vote_request request) {
  self_->request(peers_.find(request.to), options_.timing.rpc_timeout(), request)
      .then(
          [this, to = request.to](const core::vote_reply& reply) {
            if (reply.from == to) on_vote_reply(reply);
          },
          [](const caf::error&) { /* no answer is no grant; the election timer tries again */ });
}

void server::on_vote_reply(const core::vote_reply& reply) {
  if (reply.removed && !std::exchange(removed_by_, reply.from))
    warn_of_removal(", says n" + std::to_string(reply.from.value));
  // Who lost its disk is not counted in an election either.
  if (roster_.members().admits(reply.from, reply.incarnation)) roll_.on_reply(reply, now());
  if (!candidacy_) return arm();
  conclude(candidacy_->on_vote_reply(reply));
}

void server::conclude(core::candidacy::result result) {
  if (candidacy_->outclassed()) acceptor_->timer().on_outclassed();
  if (result == core::candidacy::result::won) {
    // The last vote of the quorum is our own; saved as committed, it also begins the leadership.
    const vote elected{candidacy_->wanted().leader, true};
    voted_ = candidacy_->granted();
    candidacy_.reset();
    save_vote_then(elected, [this] { lead(); });
  } else if (result == core::candidacy::result::lost) {
    seen_ = candidacy_->seen();
    if (!seen_.committed) acceptor_->timer().on_outvoted(now(), jitter());
  }
  arm();
}

// Only a node that was alone during all of its leadership may lead on under the same vote. What it
// wrote and did not flush is gone, but may have reached other members before the crash; it would
// write another entry in its place, and one log id would name two. (A first other member is sent
// nothing before the entry that adds it is durable here, see on_adopt.)
bool server::leads_on() const {
  const auto& saved = acceptor_->saved();
  return options_.leader_restore && options_.elections && may_stand() && saved.committed &&
         saved.leader.node == options_.id && roster_.was_alone(options_.id, saved.leader);
}

void server::lead() {
  hurry_ = false;
  handing_over_to_ = {};
  leader_options o;
  o.id = options_.id;
  o.incarnation = acceptor_->incarnation();
  o.voted = std::exchange(voted_, {});
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
  o.sink = options_.sink;
  o.storage_blocks = options_.storage_blocks;
  o.compaction = options_.compaction;
  o.machine = options_.machine;
  o.server = self_;
  o.heartbeats = options_.heartbeats;
  o.state_lost = state_lost_.has_value();
  o.board = options_.board;
  o.peers = peers_.all();
  leader_ = self_->spawn<caf::monitored>(leader_behavior, std::move(o));
  options_.board->post([](metrics& m) { ++m.totals.leaderships; });
  publish();
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
void server::depose_then(node_id successor, std::function<void()> then) {
  if (!leader_) return then();
  caf::anon_send(leader_, handing_over{successor});
  end_leader(raft_errc::deposed);
  acceptor_->timer().start(now(), jitter());
  self_->request(options_.machine, caf::infinite, describe_applied{})
      .await(
          [this, then = std::move(then)](const applied& a) {
            led_until_ = std::max(led_until_, a.committed);
            then();
          },
          [this](const caf::error& e) { self_->quit(e); });
}

// Only the leader that still is one matters: any other was ended by ourselves.
void server::on_down(const caf::down_msg& m) {
  if (!leader_ || m.source != leader_.address()) return;
  leader_ = nullptr;
  const bool hurry = std::exchange(hurry_, false);
  acceptor_->timer().start(now(), jitter());
  refresh_then([this, hurry] {
    if (hurry && options_.elections)
      campaign();
    else
      settle();
  });
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
  if (founding_) return publish();
  if (stands_by_itself())
    election_.set(
        self_, roll_.next(roster_.members(), options_.id, acceptor_->election_deadline(), now()));
  else if (!leader_ && known_leader())
    election_.set(self_, acceptor_->leased_until());  // then who watches this node must be told
  else
    election_.cancel();
  publish();
}

void server::on_tick(const tick& t) {
  if (restore_.on_tick(self_, t)) return on_restore_tick();
  if (fetch_again_.on_tick(self_, t)) return fetch_snapshot();
  if (!election_.on_tick(self_, t)) return;
  if (founding_) return on_founding_tick();
  if (stands_by_itself()) stand_in_time();
  arm();
}

void server::stand_in_time() {
  const auto due = acceptor_->election_deadline();
  switch (roll_.look(roster_.members(), options_.id, due, now())) {
    case core::roll_call::action::stand:
      campaign();
      break;
    case core::roll_call::action::call:
      call_roll();
      break;
    case core::roll_call::action::wait:
      break;
  }
}

}  // namespace troupe
