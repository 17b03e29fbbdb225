#include "testing/network.h"

#include <algorithm>

namespace troupe::sim {

void network::join(node_id id, uint64_t incarnation, server_actor server) {
  servers_[id] = {incarnation, std::move(server)};
}

void network::leave(node_id id) { servers_.erase(id); }

network::server_at network::current(node_id id) const {
  const auto it = servers_.find(id);
  return it == servers_.end() ? server_at{} : it->second;
}

bool network::alive(const endpoint& e) const {
  return e.incarnation == 0 || current(e.id).incarnation == e.incarnation;
}

std::vector<duration> network::fate(node_id from, node_id to, bool may_duplicate) {
  std::vector<duration> copies;
  if (!connected(from, to) || chance_.chance(weather_.loss)) return copies;
  const size_t count = may_duplicate && chance_.chance(weather_.duplication) ? 2 : 1;
  for (size_t i = 0; i < count; ++i) {
    const bool slow = chance_.chance(weather_.long_delay);
    copies.push_back(
        chance_.between(weather_.delay_min, slow ? weather_.long_delay_max : weather_.delay_max));
  }
  return copies;
}

duration network::pass(node_id from, node_id to, byte_count size, instant now) {
  const auto it = lines_.find({from, to});
  if (it == lines_.end()) return duration(0);
  auto& [l, free, handed] = it->second;
  handed += size.value;
  if (!connected(from, to)) return duration(0);
  free = std::max(free, now);
  if (l.rate > 0)
    free += duration(static_cast<int64_t>(1e9 * static_cast<double>(size.value) / l.rate));
  return free - now + l.delay;
}

duration network::backlog(node_id from, node_id to, instant now) const {
  const auto it = lines_.find({from, to});
  return it == lines_.end() ? duration(0) : std::max(it->second.free - now, duration(0));
}

byte_count network::handed(node_id from, node_id to) const {
  const auto it = lines_.find({from, to});
  return it == lines_.end() ? byte_count(0) : it->second.handed;
}

}  // namespace troupe::sim
