#include "testing/invariants/positions_in_order.h"

namespace troupe::sim {

void positions_in_order::on_position(node_id node, const position& p) {
  require(p.applied <= p.committed && p.committed <= p.last, "n", node, " has applied ", p.applied,
          ", committed ", p.committed, ", last ", p.last);
}

}  // namespace troupe::sim
