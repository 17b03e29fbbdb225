#include "actors/core/candidacy.h"

#include "proto/check.h"
#include "proto/trace.h"

namespace troupe::core {

candidacy::candidacy(uint64_t number, node_id self, const vote& seen, const membership& members,
                     const log_id& last, uint64_t cluster, vote_mode mode)
    : number_(number),
      self_(self),
      wanted_{{seen.leader.in.next(), self}, false},
      seen_(seen),
      members_(members),
      last_(last),
      cluster_(cluster),
      mode_(mode) {
  TROUPE_CHECK(exceeds(wanted_, seen_, mode_), "a candidate asks for more than it has seen");
}

vote_request candidacy::request_to(node_id voter) const {
  return {self_, voter, number_, wanted_, last_, /*handed_by=*/{}, cluster_};
}

std::set<node_id> candidacy::electorate() const {
  auto voters = members_.voters();
  voters.erase(self_);
  return voters;
}

candidacy::result candidacy::on_vote_reply(const vote_reply& reply) {
  if (reply.candidacy != number_ || !members_.is_voter(reply.from)) return outcome();
  // It forgot what it promised before.
  const bool forgot =
      let_go_.contains(reply.from) || !members_.admits(reply.from, reply.incarnation);
  if (forgot) return outcome();
  TROUPE_EVENT(debug) << "candidacy " << wanted_ << ": n" << reply.from
                      << (reply.granted ? " granted" : " refused, saved=") << reply.saved;
  if (reply.granted) {
    granted_.emplace(reply.from, reply.incarnation);
    return outcome();
  }
  outclassed_ |= last_ < reply.last;
  if (plausible(reply.saved) && exceeds(reply.saved, seen_, mode_)) {
    seen_ = reply.saved;
  }
  return outcome();
}

void candidacy::let_go(node_id voter) {
  granted_.erase(voter);
  let_go_.insert(voter);
}

candidacy::result candidacy::outcome() const {
  const auto present = [&](node_id id) { return id == self_ || granted_.contains(id); };
  if (members_.satisfied(quorum_kind::read, present)) return result::won;
  return exceeds(wanted_, seen_, mode_) ? result::waiting : result::lost;
}

}  // namespace troupe::core
