// Whether a node that has nothing may begin the cluster that it was told of.
//
// It may have been a member before it lost its disk. So it begins only when all other voters told
// it that they do not lead and have no more than the first membership. Whatever it said before it
// forgot it then counts for nobody any more: a leadership that counts its acknowledgements, or
// holds a lease by it, answers that it leads; what was committed is held by another one; and who
// stands for election lets go of its grant with the answer (candidacy::let_go). Fewer answers do
// not do: each of these may be at the one that was not asked.
//
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
  const std::set<node_id>& missing() const { return missing_; }

 private:
  membership first_;
  std::set<node_id> missing_;
  node_id older_;
};

}  // namespace troupe::core
