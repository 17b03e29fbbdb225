// What all messages on the wire are written with. Only for the wire's own files.
#pragma once

#include "actors/errors.h"
#include "actors/wire.h"
#include "proto/wire.pb.h"

namespace troupe::wire {

inline void put(const leader_id& id, proto::LeaderId* out) {
  out->set_term(id.in.value);
  out->set_node(id.node.value);
}
inline void put(const log_id& id, proto::LogId* out) {
  put(id.leader, out->mutable_leader());
  out->set_index(id.index.value);
}
inline void put(const vote& v, proto::Vote* out) {
  put(v.leader, out->mutable_leader());
  out->set_committed(v.committed);
}
inline void put(const core::session& s, proto::Session* out) {
  put(s.leader, out->mutable_vote());
  put(s.membership, out->mutable_membership());
  out->set_stream(s.stream);
}

inline leader_id get(const proto::LeaderId& in) { return {term(in.term()), node_id(in.node())}; }
inline log_id get(const proto::LogId& in) { return {get(in.leader()), log_index(in.index())}; }
inline vote get(const proto::Vote& in) { return {get(in.leader()), in.committed()}; }
inline core::session get(const proto::Session& in) {
  return {get(in.vote()), get(in.membership()), in.stream()};
}

inline parts only(const google::protobuf::MessageLite& header) {
  return {header.SerializeAsString(), {}};
}

// The header of a message that has exactly `payloads` payloads.
template <class Header>
bool parse(const received& bytes, size_t payloads, Header& header) {
  return bytes.payloads.size() == payloads && header.ParseFromString(bytes.header);
}

// How long somebody waits for another node: milliseconds, at most a day.
inline constexpr std::chrono::milliseconds longest_patience = std::chrono::hours(24);

inline uint64_t ms_of(duration patience) {
  const auto ms = std::min<duration>(patience, longest_patience);
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(ms).count());
}
inline duration of_ms(uint64_t patience) {
  return std::chrono::milliseconds(
      std::min(patience, static_cast<uint64_t>(longest_patience.count())));
}

// A later version may know more reasons; to this one they say nothing.
inline raft_errc code_of(uint32_t number) {
  return number > static_cast<uint32_t>(last_raft_errc) ? raft_errc::outcome_unknown
                                                        : static_cast<raft_errc>(number);
}

}  // namespace troupe::wire
