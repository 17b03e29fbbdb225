#include "testing/world.h"

#include <algorithm>

namespace troupe::sim {

const batch* find_in(const batches& run, log_index index) {
  const auto it = std::ranges::lower_bound(run, index, {}, &batch::last_index);
  return it == run.end() || index < (*it)->first_index() ? nullptr : it->get();
}

bool disk::holds_durably(const log_id& id) const {
  if (durable < id.index) return false;
  const batch* b = find_in(log, id.index);
  return b != nullptr && b->leader() == id.leader;
}

const committed_entry* world::committed_at(log_index index) const {
  return !index || committed.size() < index.value ? nullptr : &committed[index.value - 1];
}

batch_ptr world::written_by(leader_id leader, log_index index) const {
  auto it = written.upper_bound({leader, index});
  if (it == written.begin()) return nullptr;
  --it;
  const bool holds = it->first.first == leader && index <= it->second->last_index();
  return holds ? it->second : nullptr;
}

}  // namespace troupe::sim
