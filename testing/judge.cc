#include "testing/judge.h"

#include <algorithm>
#include <utility>

#include "proto/trace.h"
#include "testing/invariants/acked_is_durable.h"
#include "testing/invariants/committed_immutable.h"
#include "testing/invariants/elected_by_quorum.h"
#include "testing/invariants/election_safety.h"
#include "testing/invariants/leader_completeness.h"
#include "testing/invariants/log_matching.h"
#include "testing/invariants/log_within_vote.h"
#include "testing/invariants/positions_in_order.h"
#include "testing/invariants/state_machine_safety.h"
#include "testing/invariants/vote_never_falls.h"

namespace troupe::sim {
namespace {

template <class... Invariants>
std::vector<std::unique_ptr<invariant>> make_all(const world& w, const invariant::complaint& c) {
  std::vector<std::unique_ptr<invariant>> all;
  (all.push_back(std::make_unique<Invariants>(w, c)), ...);
  return all;
}

}  // namespace

judge::judge(core::vote_mode mode, core::membership members, bool harm_only) {
  world_.mode = mode;
  world_.members = std::move(members);
  for (const auto& [id, node] : world_.members.nodes()) world_.disks[id];
  const auto complaint = [this](const std::string& what) { complain(what); };
  invariants_ = make_all<election_safety, log_matching, leader_completeness, state_machine_safety,
                         committed_immutable, positions_in_order>(world_, complaint);
  if (harm_only) return;
  for (auto& i : make_all<acked_is_durable, elected_by_quorum, log_within_vote, vote_never_falls>(
           world_, complaint))
    invariants_.push_back(std::move(i));
}

void judge::complain(const std::string& what) {
  if (!failure_.empty()) return;
  failure_ = what;
  TROUPE_EVENT(debug) << "BROKEN: " << what;
}

// -- disks ----------------------------------------------------------------------------------------

void judge::on_vote_saved(node_id node, const vote& saved) {
  for (auto& i : invariants_) i->on_vote_saved(node, saved);
  auto& disk = world_.disks[node];
  disk.saved = saved;
  disk.in_doubt.reset();
  on_synced(node);
}

void judge::on_vote_in_doubt(node_id node, const vote& wanted) {
  world_.disks[node].in_doubt = wanted;
}

void judge::on_appended(node_id node, const batch_ptr& b) {
  for (auto& i : invariants_) i->on_appended(node, *b);
  world_.disks[node].log.push_back(b);
  by_checksum_.try_emplace(b->checksum(), b);
  world_.written.try_emplace({b->leader(), b->first_index()}, b);
}

void judge::on_truncated(node_id node, log_index last_kept) {
  for (auto& i : invariants_) i->on_truncated(node, last_kept);
  auto& disk = world_.disks[node];
  while (!disk.log.empty() && disk.log.back()->last_index() > last_kept) disk.log.pop_back();
  disk.durable = std::min(disk.durable, last_kept);
}

void judge::on_synced(node_id node) {
  auto& disk = world_.disks[node];
  for (auto it = disk.log.rbegin(); it != disk.log.rend() && (*it)->last_index() > disk.durable;
       ++it)
    disk.ever_durable.insert((*it)->last());
  if (disk.log.empty()) return;
  disk.durable = disk.log.back()->last_index();
  if (!disk.promised || disk.log.back()->last() < disk.promised) return;
  disk.promised = {};
  disk.spoilt.clear(), disk.set_aside.clear();
}

void judge::on_crashed(node_id node) {
  ++crashes_;
  auto& disk = world_.disks[node];
  while (!disk.log.empty() && disk.log.back()->last_index() > disk.durable) {
    forget_what_only(node, *disk.log.back());
    disk.log.pop_back();
  }
}

// What is purged is in a snapshot, so it was applied.
void judge::on_purged(node_id node, const log_tail& upto) {
  const auto* committed = world_.committed_at(upto.last.index);
  if (upto.last && (committed == nullptr || committed->checksum != upto.checksum))
    complain("n" + std::to_string(node.value) + " purges entries that are not committed");
  world_.disks[node].purged = upto.last.index;
}

// To the world a snapshot is the log that it stands for.
void judge::on_reset(node_id node, const log_tail& to) {
  const auto* committed = world_.committed_at(to.last.index);
  if (committed != nullptr && committed->checksum != to.checksum)
    complain("n" + std::to_string(node.value) + " installs a snapshot that is not of this history");
  ++installs_;
  auto& disk = world_.disks[node];
  disk.log = history_up_to(node, to);
  disk.purged = to.last.index;
  disk.durable = log_index(0);
  on_synced(node);
}

batches judge::history_up_to(node_id node, const log_tail& end) {
  batches history;
  auto next = end.checksum;
  for (auto left = end.last.index; left != log_index();) {
    const auto b = by_checksum_.find(next);
    if (b == by_checksum_.end()) {
      complain("n" + std::to_string(node.value) + " has a log that begins where no other one was");
      return {};
    }
    history.push_back(b->second);
    left = b->second->first_index() - 1;
    next = b->second->previous_checksum();
  }
  std::ranges::reverse(history);
  return history;
}

// A single voter may lead on after a restart, and write something else where it lost what nobody
// else has.
void judge::forget_what_only(node_id node, const batch& b) {
  if (world_.members.voters().size() != 1) return;
  for (const auto& [id, disk] : world_.disks) {
    const batch* same = id == node ? nullptr : find_in(disk.log, b.first_index());
    if (same != nullptr && same->leader() == b.leader()) return;
  }
  world_.written.erase({b.leader(), b.first_index()});
}

void judge::on_wiped(node_id node) {
  auto gone = std::exchange(world_.disks[node], {});
  world_.lost.insert_or_assign({node, gone.incarnation}, std::move(gone));
}

void judge::on_rotted(node_id node, log_index entry) {
  ++rots_;
  auto& disk = world_.disks[node];
  disk.rotten = true;
  for (const auto& b : disk.log)
    if (!entry || (b->first_index() <= entry && entry <= b->last_index()))
      disk.spoilt.insert(b->last());
}

void judge::on_state_rotted(node_id node) {
  ++rots_;
  world_.disks[node].state_spoilt = true;
}

void judge::on_state_mended(node_id node) {
  if (std::exchange(world_.disks[node].state_spoilt, false)) ++regained_;
}

void judge::on_reopened(node_id node, uint64_t incarnation, const vote& saved, batches found,
                        const log_id& promised, const log_tail& purged) {
  // It was interrupted between the installation of a snapshot and what tells of it.
  const auto& before = world_.disks[node].log;
  const batch* joint = find_in(before, purged.last.index);
  if (purged.last && (joint == nullptr || joint->tail() != purged)) on_reset(node, purged);
  auto log = history_up_to(node, purged);
  log.insert(log.end(), found.begin(), found.end());
  auto& disk = world_.disks[node];
  disk.promised = promised;
  disk.purged = purged.last.index;
  for (auto& i : invariants_) i->on_reopened(node, saved, log);
  const auto end = log.empty() ? log_index(0) : log.back()->last_index();
  for (const auto& b : disk.log)
    if (b->last_index() > end && !disk.spoilt.contains(b->last())) disk.set_aside.insert(b->last());
  if (!promised) disk.spoilt.clear(), disk.set_aside.clear();
  disk.rotten = false;
  disk.incarnation = incarnation;
  disk.saved = saved;
  disk.in_doubt.reset();
  disk.log = std::move(log);
  disk.durable = log_index(0);
  // A write that failed may be there all the same.
  for (const auto& b : disk.log) {
    world_.written.try_emplace({b->leader(), b->first_index()}, b);
    by_checksum_.try_emplace(b->checksum(), b);
  }
  on_synced(node);
}

// -- actors ---------------------------------------------------------------------------------------

void judge::on_elected(node_id node, const vote& elected, const batches& log) {
  ++elections_;
  for (auto& i : invariants_) i->on_elected(node, elected, log);
}

void judge::on_leader_committed(node_id node, const vote& elected, log_index index,
                                leader_id writer, const core::membership& members) {
  world_.members = members;
  on_committed(node, index, writer, elected.leader, true);
}

void judge::on_follower_committed(node_id node, const vote& saved, log_index index,
                                  leader_id writer) {
  on_committed(node, index, writer, saved.leader, false);
}

void judge::on_committed(node_id node, log_index index, leader_id writer, leader_id by,
                         bool leads) {
  const auto b = world_.written_by(writer, index);
  const committed_entry entry{{writer, index}, b ? b->checksum() : 0, by};
  for (auto& i : invariants_) i->on_committed(node, entry, leads);
  if (world_.committed.size() + 1 == index.value) world_.committed.push_back(entry);
}

void judge::on_applied(node_id node, log_index index, uint64_t command, uint64_t state) {
  for (auto& i : invariants_) i->on_applied(node, index, command, state);
}

void judge::on_restored(node_id node, log_index last_command, uint64_t state) {
  for (auto& i : invariants_) i->on_restored(node, last_command, state);
}

void judge::on_position(node_id node, const position& p) {
  for (auto& i : invariants_) i->on_position(node, p);
}

// -- network --------------------------------------------------------------------------------------

void judge::on_vote_reply(node_id node, const core::vote_reply& reply) {
  for (auto& i : invariants_) i->on_vote_reply(node, reply);
}

void judge::on_append_reply(node_id node, const core::append_reply& reply) {
  for (auto& i : invariants_) i->on_append_reply(node, reply);
}

}  // namespace troupe::sim
