// Whether a node that has nothing may begin the cluster that it was told of.
//
// It may have been a member before it lost its disk. So it asks the others what they have, and
// begins only when nothing can have been committed: those that are not known to have no more than
// the first membership, this node among them, hold no write quorum; or there are no others.
// Who has more, or a leader, has a cluster already, and this node waits for that leader, as one
// that joins: it knows whose disk this was.
#pragma once

#include <set>

#include "actors/core/membership.h"
#include "actors/core/messages.h"

namespace troupe::core {

class founding {
 public:
  founding(membership first, node_id self);

  const membership& first() const { return first_; }
  // To a call of the roll.
  void on_reply(const vote_reply& reply);

  enum class state { asks, begins, waits };
  state decide() const;
  // Who has a cluster already, 0 while nobody is known.
  node_id older() const { return older_; }
  // The other voters that did not answer yet.
  std::set<node_id> missing() const;

 private:
  membership first_;
  node_id self_;
  std::set<node_id> empty_;
  node_id older_;
};

}  // namespace troupe::core
