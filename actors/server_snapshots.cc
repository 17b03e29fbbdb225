// The server and snapshots: those that a leader sends take the place of the log, and what one
// covers goes from the log.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "actors/patience.h"
#include "actors/server.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

std::string why_no_snapshot(raft_errc code) {
  if (code == raft_errc::busy) return "its machine defers it, or a leader sends it one";
  if (code == raft_errc::not_ready) return "it has applied nothing that is not in its snapshot";
  return std::string(to_string(code));
}

}  // namespace

// -- what a leader sends --------------------------------------------------------------------------

caf::result<core::snapshot_reply> server::on_snapshot_request(const core::snapshot_request& m) {
  auto promise = self_->make_response_promise<core::snapshot_reply>();
  judge_snapshot(m, promise);
  return promise;
}

void server::judge_snapshot(const core::snapshot_request& m, snapshot_promise promise) {
  auto decision = acceptor_->on_snapshot_request(m, now());
  if (auto* first = std::get_if<core::save_vote_first>(&decision)) {
    follow_then(first->wanted, [this, m, promise] { judge_snapshot(m, promise); });
  } else if (auto* answer = std::get_if<core::answered_snapshot>(&decision)) {
    const bool refused = answer->reply.verdict == core::verdict::failed;
    if (refused && std::exchange(last_refusal_, answer->why) != answer->why)
      TROUPE_EVENT(warn) << "n" << options_.id << " refuses a snapshot: " << answer->why;
    promise.deliver(std::move(answer->reply));
  } else {
    const bool stood = candidacy_.has_value();
    on_leader_alive(false);
    if (state_lost_) leave_it_to_leader();
    stage_piece(m, std::get<core::accepted_piece>(decision).reply, std::move(promise));
    if (stood || shown_leader_ != acceptor_->saved().leader) arm();
  }
}

void server::stage_piece(const core::snapshot_request& m, core::snapshot_reply reply,
                         snapshot_promise promise) {
  if (!options_.sink) {
    promise.deliver(std::move(reply));
    return;
  }
  self_
      ->request(options_.sink, caf::infinite,
                stage{m.cluster, m.snapshot, m.offset, m.bytes, m.length})
      .then(
          [this, reply, promise](const staged& s) mutable {
            reply.verdict = core::verdict::matched;
            reply.wanted = s.wanted;
            if (s.whole) return install(*s.whole, std::move(reply), std::move(promise));
            promise.deliver(std::move(reply));
          },
          [reply, promise](const caf::error&) mutable { promise.deliver(std::move(reply)); });
}

// It is durable. Like a vote that is saved, it is one event: what comes next is judged by the log
// that it leaves. What the log had behind another entry there was never committed (thesis 5.3).
void server::install(const storage::snapshot_meta& meta, core::snapshot_reply reply,
                     snapshot_promise promise) {
  const bool ours = acceptor_->cluster() == 0 || acceptor_->cluster() == meta.cluster;
  if (leader_ || !ours || !acceptor_->lacks(meta.last.last)) {
    reply.installed = ours;
    promise.deliver(std::move(reply));
    return;
  }
  go_on_from(meta, [reply, promise](bool done) mutable {
    reply.installed = done;
    if (!done) reply.verdict = core::verdict::failed;
    promise.deliver(std::move(reply));
  });
}

void server::go_on_from(const storage::snapshot_meta& meta, std::function<void(bool)> then) {
  TROUPE_EVENT(info) << "n" << options_.id << " installs a snapshot up to " << meta.last.last;
  candidacy_.reset();
  self_->request(options_.store, caf::infinite, reset_log{acceptor_->saved(), meta})
      .await(
          [this, then, upto = meta.last.last.index](const log_state& s) {
            if (!leader_) {
              refresh(s);
              acceptor_->on_committed(upto);
              accepted_ = {};
            }
            self_->send(options_.machine, restore_state{});
            hand_committed_over();
            then(true);
            arm();
          },
          [then](const caf::error&) { then(false); });
}

// -- what goes from the log -----------------------------------------------------------------------

// The ends of the logs of those who answer, as this node's leadership knows them.
std::vector<log_index> server::needed_by_followers() const {
  std::vector<log_index> ends;
  if (!leader_) return ends;
  const auto recently = now() - 10 * options_.timing.election_timeout_max;
  for (const auto& [id, peer] : options_.board->get().replication)
    if (peer.heard && *peer.heard >= recently) ends.push_back(peer.matched);
  return ends;
}

void server::on_snapshot_kept(const snapshot_kept& m) {
  const auto upto = core::purge_point(options_.compaction, m.last, m.before, needed_by_followers());
  purge(upto, [](const caf::error&) {});
}

// While this node leads, what is known here of its log is out of date anyway.
void server::purge(log_index upto, std::function<void(const caf::error&)> then) {
  self_->request(options_.store, caf::infinite, purge_log{upto})
      .then(
          [this, then](const log_state& s) {
            options_.board->post([&](metrics& m) { m.purged = s.purged.index; });
            if (!leader_) acceptor_->on_purged(s.purged);
            then({});
          },
          [then](const caf::error& e) { then(e); });
}

// -- operators ------------------------------------------------------------------------------------

caf::result<admin_reply> server::pass_to_member(const admin_request& m, node_id who) {
  if (roster_.members().contains(who)) return pass_on(m, who);
  return admin_reply{
      raft_errc::not_allowed, {}, {}, absl::StrCat("node ", who.value, " is no member")};
}

caf::result<backup_reply> server::on_backup_request(const backup_request& m) {
  if (!options_.sink) return make_error(raft_errc::not_allowed);
  return self_->delegate(options_.sink, m);
}

caf::result<admin_reply> server::on_snapshot_now(const admin_request& m, node_id who) {
  if (who != options_.id) return pass_to_member(m, who);
  if (!options_.sink)
    return admin_reply{raft_errc::not_allowed, {}, {}, "this node has no snapshots"};
  const auto to =
      route::of_current(self_, admin_reply{raft_errc::outcome_unknown, {}, {}, "no answer"});
  self_->request(options_.machine, bounded(m.patience), make_snapshot{})
      .then(
          [this, to](const made_snapshot& s) {
            to.deliver(self_, admin_reply{{}, options_.id, {{}, s.last}, ""});
          },
          [this, to](const caf::error& e) {
            if (e == caf::sec::request_timeout)
              return to.deliver(self_, admin_reply{raft_errc::outcome_unknown,
                                                   {},
                                                   {},
                                                   "it is still being made; `status` shows it"});
            const auto code = code_of(e, raft_errc::outcome_unknown);
            const auto why = state_lost_ ? "its machine's state is lost" : why_no_snapshot(code);
            to.deliver(self_, admin_reply{code, {}, {}, why});
          });
  return caf::delegated<admin_reply>{};
}

caf::result<admin_reply> server::on_purge_now(const admin_request& m, const purge_now& p) {
  if (p.who != options_.id) return pass_to_member(m, p.who);
  const auto covered = options_.board->get().snapshot;
  if (p.upto > covered)
    return admin_reply{
        raft_errc::not_allowed,
        {},
        {},
        absl::StrCat(covered ? absl::StrCat("its snapshot ends at ", covered.value)
                             : std::string("it has no snapshot"),
                     "; `ctl snapshot ", p.who.value, "` makes ", covered ? "a newer one" : "one")};
  const auto to =
      route::of_current(self_, admin_reply{raft_errc::outcome_unknown, {}, {}, "no answer"});
  purge(p.upto, [this, to](const caf::error& e) {
    const auto code = e ? code_of(e, raft_errc::outcome_unknown) : raft_errc::none;
    const auto purged = options_.board->get().purged;
    to.deliver(self_, admin_reply{code, options_.id, {{}, purged}, ""});
  });
  return caf::delegated<admin_reply>{};
}

}  // namespace troupe
