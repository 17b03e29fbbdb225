#include "actors/core/roll_call.h"

#include <algorithm>

namespace troupe::core {

std::vector<vote_request> roll(const membership& members, node_id self, const log_id& last,
                               uint64_t cluster) {
  std::vector<vote_request> requests;
  for (const auto voter : members.voters())
    if (voter != self)
      requests.push_back(
          {self, voter, /*candidacy=*/0, /*wanted=*/{}, last, /*handed_by=*/{}, cluster});
  return requests;
}

// A node waits at least for this long after its leader's lease ended, so the first call does not
// come before that.
roll_call::roll_call(const timing& t) : lately_(t.election_timeout_min) {}

void roll_call::on_reply(const vote_reply& reply, instant now) {
  if (reply.led && !reply.granted)
    answered_.erase(reply.from);
  else
    answered_[reply.from] = now;
}

bool roll_call::quorate(const membership& members, node_id self, instant then) const {
  return members.satisfied(quorum_kind::read, [&](node_id id) {
    const auto it = answered_.find(id);
    return id == self || (it != answered_.end() && then <= it->second + lately_);
  });
}

roll_call::action roll_call::look(const membership& members, node_id self, instant due,
                                  instant now) const {
  if (quorate(members, self, std::max(due, now))) return now < due ? action::wait : action::stand;
  return now < next(members, self, due, now) ? action::wait : action::call;
}

instant roll_call::next(const membership& members, node_id self, instant due, instant now) const {
  const auto first = due - lately_ / 2;
  if (now < first) return first;
  if (quorate(members, self, std::max(due, now))) return due;
  return std::max(first, called_ + lately_ / 2);
}

}  // namespace troupe::core
