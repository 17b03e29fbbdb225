// What the protocol and the clients say.
#include "actors/wire.h"

#include "actors/messages.h"
#include "actors/wire_vocabulary.h"

namespace troupe::wire {
namespace {

// The frames of a client's message are its one payload.
bool take(received& bytes, uint32_t count, frames& out) {
  if (!frames_view::well_formed(bytes.payloads[0], count)) return false;
  out = frames(std::move(bytes.payloads[0]), count);
  return true;
}

parts with_batches(const google::protobuf::MessageLite& header,
                   const std::vector<batch_ptr>& batches) {
  auto out = only(header);
  for (const auto& b : batches) out.payloads.push_back(&b->bytes());
  return out;
}

// The checksum that a leader computed is verified here, before anything is believed.
bool take_batches(received& bytes, std::vector<batch_ptr>& out) {
  out.clear();
  for (auto& payload : bytes.payloads) {
    auto b = batch::parse(std::move(payload));
    if (!b.ok()) return false;
    out.push_back(std::move(*b));
  }
  return true;
}

}  // namespace

// -- votes ----------------------------------------------------------------------------------------

parts encode(const core::vote_request& m) {
  proto::VoteRequest h;
  put(m.wanted, h.mutable_vote());
  put(m.last, h.mutable_last());
  h.set_candidacy(m.candidacy);
  if (m.handed_by != vote{}) put(m.handed_by, h.mutable_handed_by());
  h.set_from(m.from.value);
  h.set_to(m.to.value);
  h.set_cluster(m.cluster);
  h.set_incarnation(m.incarnation);
  return only(h);
}

bool decode(received bytes, core::vote_request& m) {
  proto::VoteRequest h;
  if (!parse(bytes, 0, h)) return false;
  m = {node_id(h.from()), node_id(h.to()),    h.candidacy(), get(h.vote()),
       get(h.last()),     get(h.handed_by()), h.cluster(),   h.incarnation()};
  return true;
}

parts encode(const core::vote_reply& m) {
  proto::VoteReply h;
  h.set_candidacy(m.candidacy);
  h.set_granted(m.granted);
  put(m.saved, h.mutable_saved());
  put(m.last, h.mutable_last());
  h.set_from(m.from.value);
  h.set_incarnation(m.incarnation);
  h.set_led(m.led);
  h.set_removed(m.removed);
  return only(h);
}

bool decode(received bytes, core::vote_reply& m) {
  proto::VoteReply h;
  if (!parse(bytes, 0, h)) return false;
  m = {node_id(h.from()), h.candidacy(),   h.granted(), get(h.saved()),
       get(h.last()),     h.incarnation(), h.led(),     h.removed()};
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
  h.set_incarnation(m.incarnation);
  return with_batches(h, m.batches);
}

bool decode(received bytes, core::append_request& m) {
  proto::AppendHeader h;
  if (!h.ParseFromString(bytes.header)) return false;
  m.to = node_id(h.to());
  m.session = get(h.session());
  m.previous = get(h.previous());
  m.committed = log_index(h.committed());
  m.round = h.round();
  m.cluster = h.cluster();
  m.incarnation = h.incarnation();
  return take_batches(bytes, m.batches);
}

parts encode(const core::append_reply& m) {
  proto::AppendReply h;
  put(m.session, h.mutable_session());
  h.set_round(m.round);
  h.set_verdict(static_cast<proto::AppendReply::Verdict>(m.verdict));
  put(m.durable, h.mutable_durable());
  put(m.hint, h.mutable_hint());
  put(m.saved, h.mutable_saved());
  h.set_incarnation(m.incarnation);
  return only(h);
}

bool decode(received bytes, core::append_reply& m) {
  proto::AppendReply h;
  if (!parse(bytes, 0, h) || !proto::AppendReply::Verdict_IsValid(h.verdict())) return false;
  m = {get(h.session()), h.round(),     static_cast<core::verdict>(h.verdict()),
       get(h.durable()), get(h.hint()), get(h.saved()),
       h.incarnation()};
  return true;
}

parts encode(const core::transfer_request& m) {
  proto::TransferRequest h;
  h.set_to(m.to.value);
  put(m.leader, h.mutable_leader());
  put(m.last, h.mutable_last());
  h.set_cluster(m.cluster);
  return only(h);
}

bool decode(received bytes, core::transfer_request& m) {
  proto::TransferRequest h;
  if (!parse(bytes, 0, h)) return false;
  m = {node_id(h.to()), get(h.leader()), get(h.last()), h.cluster()};
  return true;
}

parts encode(const core::transfer_reply& m) {
  proto::TransferReply h;
  h.set_accepted(m.accepted);
  return only(h);
}

bool decode(received bytes, core::transfer_reply& m) {
  proto::TransferReply h;
  if (!parse(bytes, 0, h)) return false;
  m.accepted = h.accepted();
  return true;
}

parts encode(const fetch_request& m) {
  proto::FetchRequest h;
  h.set_cluster(m.cluster);
  h.set_after(m.wanted.after.value);
  put(m.wanted.end.last, h.mutable_last());
  h.set_checksum(m.wanted.end.checksum);
  return only(h);
}

bool decode(received bytes, fetch_request& m) {
  proto::FetchRequest h;
  if (!parse(bytes, 0, h)) return false;
  m = {h.cluster(), {log_index(h.after()), {get(h.last()), h.checksum()}}};
  return true;
}

parts encode(const fetch_reply& m) { return with_batches(proto::FetchReply(), m.batches); }

bool decode(received bytes, fetch_reply& m) {
  proto::FetchReply h;
  return h.ParseFromString(bytes.header) && take_batches(bytes, m.batches);
}

// -- clients --------------------------------------------------------------------------------------

parts encode(const propose& m) {
  proto::ProposeHeader h;
  h.set_request(m.id.value);
  h.set_count(m.commands.size());
  h.set_hops(m.hops);
  if (m.only_under) put(m.only_under, h.mutable_only_under());
  h.set_notify_commit(m.notify_commit);
  h.set_patience_ms(ms_of(m.patience));
  return {h.SerializeAsString(), {&m.commands.bytes()}};
}

bool decode(received bytes, propose& m) {
  proto::ProposeHeader h;
  if (!parse(bytes, 1, h)) return false;
  m.id = request_id(h.request());
  m.hops = h.hops();
  m.only_under = get(h.only_under());
  m.notify_commit = h.notify_commit();
  if (h.patience_ms() != 0) m.patience = of_ms(h.patience_ms());
  return take(bytes, h.count(), m.commands);
}

parts encode(const read& m) {
  proto::ReadHeader h;
  h.set_request(m.id.value);
  h.set_count(m.queries.size());
  h.set_hops(m.hops);
  h.set_mode(static_cast<uint32_t>(m.mode));
  h.set_patience_ms(ms_of(m.patience));
  if (m.most != no_bound) h.set_most(m.most.value);
  return {h.SerializeAsString(), {&m.queries.bytes()}};
}

bool decode(received bytes, read& m) {
  proto::ReadHeader h;
  if (!parse(bytes, 1, h) || h.mode() > static_cast<uint32_t>(read_mode::follower)) return false;
  m.id = request_id(h.request());
  m.hops = h.hops();
  m.mode = static_cast<read_mode>(h.mode());
  if (h.patience_ms() != 0) m.patience = of_ms(h.patience_ms());
  m.most = h.most() != 0 ? byte_count(h.most()) : no_bound;
  return take(bytes, h.count(), m.queries);
}

parts encode(const outcome& m) {
  proto::OutcomeHeader h;
  h.set_request(m.id.value);
  h.set_code(static_cast<uint32_t>(m.code));
  h.set_leader(m.leader.value);
  h.set_index(m.index.value);
  h.set_count(m.results.size());
  if (m.under) put(m.under, h.mutable_under());
  return {h.SerializeAsString(), {&m.results.bytes()}};
}

bool decode(received bytes, outcome& m) {
  proto::OutcomeHeader h;
  if (!parse(bytes, 1, h)) return false;
  m.id = request_id(h.request());
  m.code = code_of(h.code());
  m.leader = node_id(h.leader());
  m.index = log_index(h.index());
  m.under = get(h.under());
  return take(bytes, h.count(), m.results);
}

parts encode(const committed& m) {
  proto::CommittedNotice h;
  h.set_request(m.id.value);
  put(m.at, h.mutable_at());
  return only(h);
}

bool decode(received bytes, committed& m) {
  proto::CommittedNotice h;
  if (!parse(bytes, 0, h)) return false;
  m = {request_id(h.request()), get(h.at())};
  return true;
}

}  // namespace troupe::wire
