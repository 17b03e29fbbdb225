#include "testing/invariants/log_matching.h"

namespace troupe::sim {

void log_matching::on_appended(node_id node, const batch& b) {
  const auto& log = world_.disks.at(node).log;
  const log_tail end = log.empty() ? log_tail{} : log.back()->tail();
  require(b.first_index() == end.last.index.next() && b.previous_checksum() == end.checksum, "n",
          node, " adds ", b.last(), " behind ", end.last, ", which it does not continue");
  for (const auto index : {b.first_index(), b.last_index()}) {
    const auto other = world_.written_by(b.leader(), index);
    require(!other || other->checksum() == b.checksum(), "n", node, " has another batch at ", index,
            " of leader ", b.leader(), " than the one that was written first");
  }
}

}  // namespace troupe::sim
