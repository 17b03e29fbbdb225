#include "testing/invariants/log_within_vote.h"

namespace troupe::sim {

void log_within_vote::on_appended(node_id node, const batch& b) {
  check(node, world_.disks.at(node).saved, b);
}

void log_within_vote::on_reopened(node_id node, const vote& found, const batches& log) {
  if (!log.empty()) check(node, found, *log.back());
}

void log_within_vote::check(node_id node, const vote& saved, const batch& last) {
  require(last.leader() <= saved.leader, "n", node, " has ", last.last(), " and the vote ", saved);
}

}  // namespace troupe::sim
