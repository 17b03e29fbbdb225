// The handle's view of the board: metrics, waits, leaderships.
#include "actors/raft.h"

namespace troupe {

// -- waits ----------------------------------------------------------------------------------------

std::future<waited> raft::wait(condition holds, duration patience) const {
  return wait_on(*p_->board, std::move(holds), patience);
}

void raft::when(condition holds, duration patience, absl::AnyInvocable<void(waited)> done) const {
  p_->board->when({std::move(holds), patience, std::move(done)});
}

std::future<waited> raft::wait_for_recovery(duration patience) const {
  return wait(until::recovered(), patience);
}

// -- progress -------------------------------------------------------------------------------------

progress_watch<log_id> raft::watch_log() const {
  return {p_->board, [](const troupe::metrics& m) { return m.last; }};
}

progress_watch<vote> raft::watch_vote() const {
  return {p_->board, [](const troupe::metrics& m) { return m.vote; }};
}

progress_watch<log_index> raft::watch_commit() const {
  return {p_->board, [](const troupe::metrics& m) { return m.committed; }};
}

progress_watch<log_index> raft::watch_snapshot() const {
  return {p_->board, [](const troupe::metrics& m) { return m.snapshot; }};
}

progress_watch<log_index> raft::watch_apply() const {
  return {p_->board, [](const troupe::metrics& m) { return m.applied; }};
}

// -- leadership -----------------------------------------------------------------------------------

namespace {

leader_id own_leadership(const metrics& m) {
  return m.role == node_role::leader ? m.vote.leader : leader_id{};
}

}  // namespace

std::optional<raft::leadership> raft::as_leader() const {
  const auto m = metrics();
  if (m.role != node_role::leader) return std::nullopt;
  return leadership{m.vote.leader, m.quorum_acked.value_or(instant())};
}

raft_errc raft::on_cluster_leader_change(std::function<void(leader_id, leader_id)> changed) {
  return p_->board->follow(
      [changed = std::move(changed), seen = leader_id()](const troupe::metrics& m) mutable {
        if (m.leader == seen) return;
        changed(std::exchange(seen, m.leader), m.leader);
      });
}

raft_errc raft::on_leader_change(std::function<void(leader_id)> start,
                                 std::function<void(leader_id)> stop) {
  return p_->board->follow([start = std::move(start), stop = std::move(stop),
                            held = leader_id()](const troupe::metrics& m) mutable {
    const auto now = own_leadership(m);
    if (now == held) return;
    if (held) stop(held);
    held = now;
    if (held) start(held);
  });
}

}  // namespace troupe
