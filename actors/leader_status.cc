// What a leader tells of itself, and the switches of its node.
#include <algorithm>

#include "actors/leader.h"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

caf::result<status> leader::on_status() {
  status s;
  s.id = options_.id;
  s.role = "leader";
  s.vote = options_.elected;
  s.leader = options_.id;
  s.last = protocol_.last().last.index;
  s.committed = protocol_.committed();
  s.members = protocol_.members();
  s.membership_at = protocol_.members_at();
  s.membership_committed = protocol_.members_committed();
  struct gathering {
    status so_far;
    size_t missing;
    route to;
    void one_less(self_ptr self) {
      if (--missing != 0) return;
      std::ranges::sort(so_far.replication, {}, &status::peer::id);
      to.deliver(self, std::move(so_far));
    }
  };
  // One more than there are replicators, for the case that there is none.
  auto g = std::make_shared<gathering>(std::move(s), followers_.size() + 1,
                                       route::of_current(self_, make_error(raft_errc::deposed)));
  for (const auto& [id, r] : followers_.actors())
    self_->request(r, options_.timing.rpc_timeout(), status_request{})
        .then(
            [this, g](const replicator_status& p) {
              g->so_far.replication.push_back(p.peer);
              g->one_less(self_);
            },
            [this, g](const caf::error&) { g->one_less(self_); });
  g->one_less(self_);
  return caf::delegated<status>{};
}

// On the board (observed.h), which the server clears when the leadership is over.
void leader::publish() {
  published_ = now();
  const auto acked = protocol_.quorum_heard(published_);
  const auto peers = followers_.actors();
  options_.board->post([&](metrics& m) {
    if (m.vote != options_.elected) return;
    m.quorum_acked = acked;
    std::erase_if(m.replication, [&](const auto& p) { return !peers.contains(p.first); });
    for (const auto& [id, actor] : peers)
      m.replication[id] = {protocol_.durable(id).index, protocol_.last_heard(id)};
  });
}

void leader::on_configure(const configure& m) { followers_.configure(m); }

}  // namespace troupe
