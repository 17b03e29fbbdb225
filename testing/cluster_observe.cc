// What the nodes decide, for the judge.
#include <algorithm>

#include "testing/cluster.h"
#include "testing/inside.h"

namespace troupe::sim {

void cluster::observe(caf::actor_id ran) {
  end_without_power();
  if (const auto s = servers_.find(ran); s != servers_.end()) {
    const auto id = s->second;
    node& n = nodes_.at(id);
    observe_server(id, n);
    // A disk that failed has ended it.
    if (has_ended(n.server)) cut_power(id);
  } else if (const auto l = leaders_.find(ran); l != leaders_.end()) {
    const auto id = l->second;
    node& n = nodes_.at(id);
    observe_leader(id, n, n.leaders.at(ran));
  }
}

void cluster::observe_server(node_id id, node& n) {
  const auto* s = inside<server_state>(n.server);
  if (s == nullptr || s->protocol() == nullptr) return;
  observe_election(id, n, *s);
  const auto& acceptor = *s->protocol();
  const auto known = std::max(n.committed, acceptor.log().purged().index);
  for (auto i = known.next(); i <= acceptor.committed(); i = i.next()) {
    note_last_words(id, i);
    note_last_words(acceptor.saved().leader.node, i);
    observer_.on_follower_committed(id, acceptor.saved(), i, *acceptor.log().leader_at(i));
  }
  n.committed = acceptor.committed();
  n.known = std::max(n.known, n.committed);
  observer_.on_position(id,
                        position{log_index(), acceptor.committed(), acceptor.log().last_index()});
}

void cluster::observe_election(node_id id, node& n, const server& s) {
  const auto& leader = s.current_leader();
  if (!leader || leader.id() == n.newest_leader) return;
  n.newest_leader = leader.id();
  leaders_.emplace(leader.id(), id);
  const auto& elected = s.protocol()->saved();
  const auto& log = observer_.seen().disks.at(id).log;
  n.leaders.emplace(leader.id(), seen_leader{leader, elected, log, s.members(), {}});
  observer_.on_elected(id, elected, log);
}

void cluster::observe_leader(node_id id, node& n, seen_leader& l) {
  const auto* inner = inside<leader_state>(l.actor);
  if (inner == nullptr) {
    if (!has_ended(l.actor)) return;
    const auto actor = l.actor.id();
    n.ended = std::move(l);
    leaders_.erase(actor);
    n.leaders.erase(actor);
    return;
  }
  const auto& protocol = inner->protocol();
  for (auto i = l.committed.next(); i <= protocol.committed(); i = i.next()) {
    const batch* before = find_in(l.log, i);
    observer_.on_leader_committed(id, l.elected, i, before ? before->leader() : l.elected.leader,
                                  l.members);
  }
  l.committed = protocol.committed();
  l.members = protocol.members();
  n.known = std::max(n.known, l.committed);
  observer_.on_position(id,
                        position{log_index(), protocol.committed(), protocol.last().last.index});
}

// What a leader committed in its very last step shows only in what comes of it.
void cluster::note_last_words(node_id of, log_index upto) {
  const auto it = nodes_.find(of);
  if (it == nodes_.end() || !it->second.ended) return;
  const auto& ended = *it->second.ended;
  const auto& seen = observer_.seen();
  const auto known = std::max(ended.committed, log_index(seen.committed.size()));
  for (auto i = known.next(); i <= upto; i = i.next()) {
    const batch* b = find_in(seen.disks.at(of).log, i);
    if (b == nullptr) return;
    observer_.on_leader_committed(of, ended.elected, i, b->leader(), ended.members);
    it->second.known = i;
  }
}

void cluster::on_applied(node_id id, log_index index, uint64_t command, const entry& e) {
  note_last_words(id, index);
  observer_.on_applied(id, index, command, e.state);
  observer_.on_position(id, {index, nodes_.at(id).known, std::max(index, nodes_.at(id).known)});
  truth_.on_applied(index, command, e);
}

}  // namespace troupe::sim
