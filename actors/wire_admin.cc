// What operators say, and what they hear.
#include "actors/membership_codec.h"
#include "actors/messages.h"
#include "actors/wire_vocabulary.h"

namespace troupe::wire {
namespace {

constexpr auto last_kind = core::member_change::kind::set_priorities;
// No change or list of nodes is longer.
constexpr int most_items = 4096;

void put(const core::member_change& change, proto::MemberChange* out) {
  out->set_kind(static_cast<uint32_t>(change.what));
  for (const auto& [id, member] : change.nodes) to_proto(id, member, out->add_nodes());
  if (!change.quorum.children().empty()) to_proto(change.quorum, out->mutable_quorum());
}

bool get(const proto::MemberChange& in, core::member_change& change) {
  if (in.kind() > static_cast<uint32_t>(last_kind) || in.nodes().size() > most_items) return false;
  change.what = static_cast<core::member_change::kind>(in.kind());
  for (const auto& node : in.nodes()) change.nodes.insert(from_proto(node));
  if (!in.has_quorum()) return true;
  auto quorum = from_proto(in.quorum());
  if (quorum) change.quorum = std::move(*quorum);
  return quorum.has_value();
}

void put(const change_members& m, proto::ChangeMembers* out) {
  for (const auto& change : m.changes) put(change, out->add_changes());
  out->set_retain(m.retain);
  if (m.only_if.leader) wire::put(*m.only_if.leader, out->mutable_leader());
  if (m.only_if.last_log) wire::put(*m.only_if.last_log, out->mutable_last_log());
  if (m.only_if.membership) wire::put(*m.only_if.membership, out->mutable_membership());
}

bool get(const proto::ChangeMembers& in, change_members& m) {
  if (in.changes().size() > most_items) return false;
  for (const auto& change : in.changes())
    if (!get(change, m.changes.emplace_back())) return false;
  m.retain = in.retain();
  if (in.has_leader()) m.only_if.leader = wire::get(in.leader());
  if (in.has_last_log()) m.only_if.last_log = wire::get(in.last_log());
  if (in.has_membership()) m.only_if.membership = wire::get(in.membership());
  return true;
}

void put(const snapshot_progress& p, proto::StatusReply::SnapshotProgress* out) {
  out->set_bytes(p.bytes);
  out->set_size(p.size);
}

snapshot_progress get(const proto::StatusReply::SnapshotProgress& in) {
  return {in.bytes(), in.size()};
}

void put(const purge_now& p, proto::AdminRequest::Purge* out) {
  out->set_node(p.who.value);
  out->set_upto(p.upto.value);
}

void put(const admin_command& command, proto::AdminRequest* out) {
  if (const auto* c = std::get_if<change_members>(&command))
    put(*c, out->mutable_change_members());
  else if (std::holds_alternative<abort_change>(command))
    out->mutable_abort_change();
  else if (const auto* t = std::get_if<transfer>(&command))
    out->set_transfer(t->to.value);
  else if (std::holds_alternative<abort_transfer>(command))
    out->mutable_abort_transfer();
  else if (const auto* e = std::get_if<elect>(&command))
    out->set_elect(e->who.value);
  else if (const auto* s = std::get_if<snapshot_now>(&command))
    out->set_snapshot(s->who.value);
  else
    put(std::get<purge_now>(command), out->mutable_purge());
}

bool get(const proto::AdminRequest& in, admin_command& command) {
  switch (in.command_case()) {
    case proto::AdminRequest::kChangeMembers:
      return get(in.change_members(), command.emplace<change_members>());
    case proto::AdminRequest::kAbortChange:
      command = abort_change{};
      return true;
    case proto::AdminRequest::kTransfer:
      command = transfer{node_id(in.transfer())};
      return true;
    case proto::AdminRequest::kAbortTransfer:
      command = abort_transfer{};
      return true;
    case proto::AdminRequest::kElect:
      command = elect{node_id(in.elect())};
      return true;
    case proto::AdminRequest::kSnapshot:
      command = snapshot_now{node_id(in.snapshot())};
      return true;
    case proto::AdminRequest::kPurge:
      command = purge_now{node_id(in.purge().node()), log_index(in.purge().upto())};
      return true;
    default:
      return false;
  }
}

}  // namespace

parts encode(const admin_request& m) {
  proto::AdminRequest h;
  h.set_request(m.id.value);
  h.set_hops(m.hops);
  h.set_patience_ms(ms_of(m.patience));
  put(m.command, &h);
  return only(h);
}

bool decode(received bytes, admin_request& m) {
  proto::AdminRequest h;
  if (!parse(bytes, 0, h)) return false;
  m.id = request_id(h.request());
  m.hops = h.hops();
  m.patience = of_ms(h.patience_ms());
  return get(h, m.command);
}

parts encode(const admin_reply& m) {
  proto::AdminReply h;
  h.set_code(static_cast<uint32_t>(m.code));
  h.set_leader(m.leader.value);
  put(m.at, h.mutable_at());
  h.set_why(m.why);
  return only(h);
}

bool decode(received bytes, admin_reply& m) {
  proto::AdminReply h;
  if (!parse(bytes, 0, h)) return false;
  m = {code_of(h.code()), node_id(h.leader()), get(h.at()), h.why()};
  return true;
}

parts encode(const initialize& m) { return only(to_proto(m.members)); }

bool decode(received bytes, initialize& m) {
  proto::Membership h;
  if (!parse(bytes, 0, h)) return false;
  auto members = from_proto(h);
  if (members) m.members = std::move(*members);
  return members.has_value();
}

parts encode(const done&) { return {}; }
bool decode(received, done&) { return true; }
parts encode(const status_request&) { return {}; }
bool decode(received, status_request&) { return true; }

parts encode(const hash_log& m) {
  proto::HashLogRequest h;
  h.set_index(m.index.value);
  return only(h);
}

bool decode(received bytes, hash_log& m) {
  proto::HashLogRequest h;
  if (!parse(bytes, 0, h)) return false;
  m.index = log_index(h.index());
  return true;
}

parts encode(const log_hash& m) {
  proto::HashLogReply h;
  if (m.hash) h.set_hash(*m.hash);
  return only(h);
}

bool decode(received bytes, log_hash& m) {
  proto::HashLogReply h;
  if (!parse(bytes, 0, h)) return false;
  m.hash = h.has_hash() ? std::optional(h.hash()) : std::nullopt;
  return true;
}

parts encode(const status& m) {
  proto::StatusReply h;
  h.set_id(m.id.value);
  h.set_role(m.role);
  put(m.vote, h.mutable_vote());
  h.set_leader_id(m.leader.value);
  h.set_last_log_index(m.last.value);
  h.set_committed_index(m.committed.value);
  h.set_applied_index(m.applied.value);
  h.set_snapshot_index(m.snapshot.value);
  h.set_purged_index(m.purged.value);
  *h.mutable_membership() = to_proto(m.members);
  put(m.membership_at, h.mutable_membership_at());
  h.set_membership_committed(m.membership_committed);
  *h.mutable_committed_membership() = to_proto(m.committed_members);
  for (const auto& p : m.replication) {
    auto* out = h.add_replication();
    out->set_id(p.id.value);
    out->set_matched_index(p.matched.value);
    out->set_state(p.state);
    out->set_last_ack_ms(p.last_ack_ms);
    out->set_in_flight_bytes(p.in_flight.value);
    if (p.snapshot) put(p.snapshot, out->mutable_snapshot());
  }
  h.set_version(m.version);
  if (m.making) put(m.making, h.mutable_making());
  if (m.receiving) put(m.receiving, h.mutable_receiving());
  if (m.restoring) put(m.restoring, h.mutable_restoring());
  h.set_state_lost(m.state_lost);
  return only(h);
}

bool decode(received bytes, status& m) {
  proto::StatusReply h;
  if (!parse(bytes, 0, h)) return false;
  auto members = from_proto(h.membership());
  auto committed_members = from_proto(h.committed_membership());
  if (!members || !committed_members) return false;
  m = {node_id(h.id()),
       h.role(),
       get(h.vote()),
       node_id(h.leader_id()),
       log_index(h.last_log_index()),
       log_index(h.committed_index()),
       log_index(h.applied_index()),
       log_index(h.snapshot_index()),
       log_index(h.purged_index()),
       std::move(*members),
       get(h.membership_at()),
       h.membership_committed(),
       std::move(*committed_members),
       {},
       h.version(),
       get(h.making()),
       get(h.receiving()),
       get(h.restoring()),
       h.state_lost()};
  for (const auto& p : h.replication())
    m.replication.push_back({node_id(p.id()), log_index(p.matched_index()), p.state(),
                             p.last_ack_ms(), byte_count(p.in_flight_bytes()), get(p.snapshot())});
  return true;
}

}  // namespace troupe::wire
