#include "actors/wire.h"

#include "actors/membership_codec.h"
#include "actors/messages.h"
#include "proto/wire.pb.h"

namespace troupe::wire {
namespace {

// -- vocabulary -----------------------------------------------------------------------------------

void put(const leader_id& id, proto::LeaderId* out) {
  out->set_term(id.in.value);
  out->set_node(id.node.value);
}
void put(const log_id& id, proto::LogId* out) {
  put(id.leader, out->mutable_leader());
  out->set_index(id.index.value);
}
void put(const vote& v, proto::Vote* out) {
  put(v.leader, out->mutable_leader());
  out->set_committed(v.committed);
}
void put(const core::session& s, proto::Session* out) {
  put(s.leader, out->mutable_vote());
  put(s.membership, out->mutable_membership());
  out->set_stream(s.stream);
}

leader_id get(const proto::LeaderId& in) { return {term(in.term()), node_id(in.node())}; }
log_id get(const proto::LogId& in) { return {get(in.leader()), log_index(in.index())}; }
vote get(const proto::Vote& in) { return {get(in.leader()), in.committed()}; }
core::session get(const proto::Session& in) {
  return {get(in.vote()), get(in.membership()), in.stream()};
}

parts only(const google::protobuf::MessageLite& header) { return {header.SerializeAsString(), {}}; }

// The header of a message that has exactly `payloads` payloads.
template <class Header>
bool parse(const received& bytes, size_t payloads, Header& header) {
  return bytes.payloads.size() == payloads && header.ParseFromString(bytes.header);
}

// The frames of a client's message are its one payload.
bool take(received& bytes, uint32_t count, frames& out) {
  if (!frames_view::well_formed(bytes.payloads[0], count)) return false;
  out = frames(std::move(bytes.payloads[0]), count);
  return true;
}

}  // namespace

// -- votes ----------------------------------------------------------------------------------------

parts encode(const core::vote_request& m) {
  proto::VoteRequest h;
  put(m.wanted, h.mutable_vote());
  put(m.last, h.mutable_last());
  h.set_candidacy(m.candidacy);
  h.set_transfer(m.transfer);
  h.set_from(m.from.value);
  h.set_to(m.to.value);
  h.set_cluster(m.cluster);
  return only(h);
}

bool decode(received bytes, core::vote_request& m) {
  proto::VoteRequest h;
  if (!parse(bytes, 0, h)) return false;
  m = {node_id(h.from()), node_id(h.to()), h.candidacy(), get(h.vote()),
       get(h.last()),     h.transfer(),    h.cluster()};
  return true;
}

parts encode(const core::vote_reply& m) {
  proto::VoteReply h;
  h.set_candidacy(m.candidacy);
  h.set_granted(m.granted);
  put(m.saved, h.mutable_saved());
  put(m.last, h.mutable_last());
  h.set_from(m.from.value);
  return only(h);
}

bool decode(received bytes, core::vote_reply& m) {
  proto::VoteReply h;
  if (!parse(bytes, 0, h)) return false;
  m = {node_id(h.from()), h.candidacy(), h.granted(), get(h.saved()), get(h.last())};
  return true;
}

// -- appends --------------------------------------------------------------------------------------

parts encode(const core::append_request& m) {
  proto::AppendHeader h;
  h.set_to(m.to.value);
  put(m.session, h.mutable_session());
  put(m.previous, h.mutable_previous());
  h.set_committed(m.committed.value);
  h.set_round(m.round);
  h.set_cluster(m.cluster);
  auto out = only(h);
  for (const auto& b : m.batches) out.payloads.push_back(&b->bytes());
  return out;
}

// The checksum that the leader computed is verified here, before anything is believed.
bool decode(received bytes, core::append_request& m) {
  proto::AppendHeader h;
  if (!h.ParseFromString(bytes.header)) return false;
  m.to = node_id(h.to());
  m.session = get(h.session());
  m.previous = get(h.previous());
  m.committed = log_index(h.committed());
  m.round = h.round();
  m.cluster = h.cluster();
  m.batches.clear();
  for (auto& payload : bytes.payloads) {
    auto b = batch::parse(std::move(payload));
    if (!b.ok()) return false;
    m.batches.push_back(std::move(*b));
  }
  return true;
}

parts encode(const core::append_reply& m) {
  proto::AppendReply h;
  put(m.session, h.mutable_session());
  h.set_round(m.round);
  h.set_verdict(static_cast<proto::AppendReply::Verdict>(m.verdict));
  put(m.durable, h.mutable_durable());
  put(m.hint, h.mutable_hint());
  put(m.saved, h.mutable_saved());
  return only(h);
}

bool decode(received bytes, core::append_reply& m) {
  proto::AppendReply h;
  if (!parse(bytes, 0, h) || !proto::AppendReply::Verdict_IsValid(h.verdict())) return false;
  m = {get(h.session()), h.round(),     static_cast<core::verdict>(h.verdict()),
       get(h.durable()), get(h.hint()), get(h.saved())};
  return true;
}

// -- clients --------------------------------------------------------------------------------------

parts encode(const propose& m) {
  proto::ProposeHeader h;
  h.set_request(m.id.value);
  h.set_count(m.commands.size());
  h.set_hops(m.hops);
  return {h.SerializeAsString(), {&m.commands.bytes()}};
}

bool decode(received bytes, propose& m) {
  proto::ProposeHeader h;
  if (!parse(bytes, 1, h)) return false;
  m.id = request_id(h.request());
  m.hops = h.hops();
  return take(bytes, h.count(), m.commands);
}

parts encode(const read& m) {
  proto::ReadHeader h;
  h.set_request(m.id.value);
  h.set_count(m.queries.size());
  h.set_hops(m.hops);
  h.set_mode(static_cast<uint32_t>(m.mode));
  return {h.SerializeAsString(), {&m.queries.bytes()}};
}

bool decode(received bytes, read& m) {
  proto::ReadHeader h;
  if (!parse(bytes, 1, h) || h.mode() > static_cast<uint32_t>(read_mode::follower)) return false;
  m.id = request_id(h.request());
  m.hops = h.hops();
  m.mode = static_cast<read_mode>(h.mode());
  return take(bytes, h.count(), m.queries);
}

parts encode(const outcome& m) {
  proto::OutcomeHeader h;
  h.set_request(m.id.value);
  h.set_code(static_cast<uint32_t>(m.code));
  h.set_leader(m.leader.value);
  h.set_index(m.index.value);
  h.set_count(m.results.size());
  return {h.SerializeAsString(), {&m.results.bytes()}};
}

bool decode(received bytes, outcome& m) {
  proto::OutcomeHeader h;
  if (!parse(bytes, 1, h)) return false;
  m.id = request_id(h.request());
  // A later version may know more reasons; to this one they say nothing.
  m.code = h.code() > static_cast<uint32_t>(raft_errc::invalid) ? raft_errc::outcome_unknown
                                                                : static_cast<raft_errc>(h.code());
  m.leader = node_id(h.leader());
  m.index = log_index(h.index());
  return take(bytes, h.count(), m.results);
}

// -- administration -------------------------------------------------------------------------------

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
  h.set_membership_committed(m.membership_committed);
  for (const auto& p : m.replication) {
    auto* out = h.add_replication();
    out->set_id(p.id.value);
    out->set_matched_index(p.matched.value);
    out->set_state(p.state);
    out->set_last_ack_ms(p.last_ack_ms);
    out->set_in_flight_bytes(p.in_flight.value);
  }
  h.set_version(m.version);
  return only(h);
}

bool decode(received bytes, status& m) {
  proto::StatusReply h;
  if (!parse(bytes, 0, h)) return false;
  auto members = from_proto(h.membership());
  if (!members) return false;
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
       h.membership_committed(),
       {},
       h.version()};
  for (const auto& p : h.replication())
    m.replication.push_back({node_id(p.id()), log_index(p.matched_index()), p.state(),
                             p.last_ack_ms(), byte_count(p.in_flight_bytes())});
  return true;
}

}  // namespace troupe::wire
