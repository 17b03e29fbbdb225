#include "tools/node/status_json.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/core/quorum_text.h"
#include "proto/text_of.h"

namespace troupe::tools {
namespace {

using json = nlohmann::ordered_json;

json members(const core::membership& m) {
  json configs = json::array();
  for (const auto& config : m.configs()) configs.push_back(core::print(config));
  json learners = json::array();
  for (const auto id : m.learners()) learners.push_back(id.value);
  json addresses = json::object();
  json priorities = json::object();
  json registered = json::array();
  for (const auto& [id, node] : m.nodes()) {
    addresses[std::to_string(id.value)] = node.address;
    if (node.priority != 0) priorities[std::to_string(id.value)] = node.priority;
    if (node.incarnation != 0) registered.push_back(id.value);
  }
  return {{"configs", configs},
          {"learners", learners},
          {"addresses", addresses},
          {"priorities", priorities},
          {"registered", registered}};
}

json progress(const snapshot_progress& p) { return {{"bytes", p.bytes}, {"size", p.size}}; }

json replication(const status& s) {
  json peers = json::object();
  for (const auto& p : s.replication) {
    auto& peer = peers[std::to_string(p.id.value)] = {{"matched_index", p.matched.value},
                                                      {"state", p.state},
                                                      {"last_ack_ms", p.last_ack_ms},
                                                      {"in_flight_bytes", p.in_flight.value}};
    if (p.snapshot) peer["snapshot"] = progress(p.snapshot);
  }
  return peers;
}

// Those that are on their way.
json snapshots(const status& s) {
  json all = json::object();
  if (s.making) all["making"] = progress(s.making);
  if (s.receiving) all["receiving"] = progress(s.receiving);
  if (s.restoring) all["restoring"] = progress(s.restoring);
  return all;
}

}  // namespace

std::string status_json(const status& s, const std::string& machine) {
  json out = {{"id", s.id.value},
              {"role", s.role},
              {"vote",
               {{"term", s.vote.leader.in.value},
                {"node_id", s.vote.leader.node.value},
                {"committed", s.vote.committed}}},
              {"leader_id", s.leader.value},
              {"last_log_index", s.last.value},
              {"committed_index", s.committed.value},
              {"applied_index", s.applied.value},
              {"snapshot_index", s.snapshot.value},
              {"purged_index", s.purged.value},
              {"membership", members(s.members)},
              {"membership_log_id", text_of(s.membership_at)},
              {"membership_committed", s.membership_committed},
              {"committed_membership", members(s.committed_members)},
              {"replication", replication(s)},
              {"snapshots", snapshots(s)},
              {"version", s.version}};
  if (!s.state_lost.empty()) out["state_lost"] = s.state_lost;
  if (!machine.empty()) out["machine"] = machine;
  return out.dump();
}

std::string members_json(const status& s) {
  auto out = members(s.members);
  out["log_id"] = text_of(s.membership_at);
  out["committed"] = s.membership_committed;
  out["committed_configs"] = members(s.committed_members)["configs"];
  json lacks = json::object();
  for (const auto& p : s.replication)
    lacks[std::to_string(p.id.value)] = s.last.value - std::min(s.last, p.matched).value;
  out["lacks"] = lacks;
  return out.dump();
}

}  // namespace troupe::tools
