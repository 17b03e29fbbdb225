#include "testing/world.h"

#include <algorithm>

#include "actors/membership_codec.h"

namespace troupe::sim {

const batch* find_in(const batches& run, log_index index) {
  const auto it = std::ranges::lower_bound(run, index, {}, &batch::last_index);
  return it == run.end() || index < (*it)->first_index() ? nullptr : it->get();
}

core::membership members_in(const batches& run, log_id* at) {
  for (auto it = run.rbegin(); it != run.rend(); ++it) {
    if ((*it)->kind() != batch_kind::membership) continue;
    if (at != nullptr) *at = (*it)->last();
    return decode_membership(*(*it)->entries().begin()).value_or(core::membership());
  }
  return {};
}

bool disk::holds_durably(const log_id& id) const {
  if (id <= promised) {
    const auto end = ever_durable.lower_bound(id);
    return end != ever_durable.end() && end->leader == id.leader;
  }
  if (durable < id.index) return false;
  const batch* b = find_in(log, id.index);
  return b != nullptr && b->leader() == id.leader;
}

bool disk::can_give(const log_id& end) const {
  if (spoilt.contains(end) || end.index <= purged) return false;
  const batch* b = end.index <= durable ? find_in(log, end.index) : nullptr;
  return (b != nullptr && b->last() == end) || set_aside.contains(end);
}

const committed_entry* world::committed_at(log_index index) const {
  return !index || committed.size() < index.value ? nullptr : &committed[index.value - 1];
}

bool world::holds_durably(const core::membership& m, node_id node, const log_id& id) const {
  const auto now = disks.find(node);
  if (now == disks.end()) return false;
  if (m.admits(node, now->second.incarnation) && now->second.holds_durably(id)) return true;
  return std::ranges::any_of(lost, [&](const auto& l) {
    const auto& [owner, incarnation] = l.first;
    return owner == node && m.admits(node, incarnation) && l.second.holds_durably(id);
  });
}

batch_ptr world::written_by(leader_id leader, log_index index) const {
  auto it = written.upper_bound({leader, index});
  if (it == written.begin()) return nullptr;
  --it;
  const bool holds = it->first.first == leader && index <= it->second->last_index();
  return holds ? it->second : nullptr;
}

}  // namespace troupe::sim
