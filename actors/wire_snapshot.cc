// Pieces of snapshots between nodes.
#include <xxhash.h>

#include "actors/messages.h"
#include "actors/wire_vocabulary.h"

namespace troupe::wire {
namespace {

uint64_t checksum_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void put(const snapshot_name& name, proto::SnapshotName* out) {
  wire::put(name.last, out->mutable_last());
  out->set_size(name.size);
  out->set_checksum(name.checksum);
}

snapshot_name get(const proto::SnapshotName& in) {
  return {wire::get(in.last()), in.size(), in.checksum()};
}

// Of the one payload, which is a piece.
bool take(received& bytes, uint64_t checksum, std::string& out) {
  if (bytes.payloads[0].size() > core::chunk_cursor::longest) return false;
  if (checksum != checksum_of(bytes.payloads[0])) return false;
  out = std::move(bytes.payloads[0]);
  return true;
}

}  // namespace

parts encode(const core::snapshot_request& m) {
  proto::SnapshotHeader h;
  h.set_to(m.to.value);
  put(m.session, h.mutable_session());
  h.set_cluster(m.cluster);
  h.set_incarnation(m.incarnation);
  put(m.snapshot, h.mutable_snapshot());
  h.set_offset(m.offset);
  h.set_piece_checksum(checksum_of(m.bytes));
  h.set_length(m.length);
  return {h.SerializeAsString(), {&m.bytes}};
}

bool decode(received bytes, core::snapshot_request& m) {
  proto::SnapshotHeader h;
  if (!parse(bytes, 1, h) || h.length() > core::chunk_cursor::longest) return false;
  m = {node_id(h.to()),   get(h.session()), h.cluster(), h.incarnation(),
       get(h.snapshot()), h.offset(),       {},          h.length()};
  return take(bytes, h.piece_checksum(), m.bytes);
}

parts encode(const core::snapshot_reply& m) {
  proto::SnapshotReply h;
  put(m.session, h.mutable_session());
  h.set_verdict(static_cast<proto::AppendReply::Verdict>(m.verdict));
  h.set_wanted(m.wanted);
  h.set_installed(m.installed);
  put(m.saved, h.mutable_saved());
  h.set_incarnation(m.incarnation);
  return only(h);
}

bool decode(received bytes, core::snapshot_reply& m) {
  proto::SnapshotReply h;
  if (!parse(bytes, 0, h) || !proto::AppendReply::Verdict_IsValid(h.verdict())) return false;
  m = {get(h.session()), static_cast<core::verdict>(h.verdict()),
       h.wanted(),       h.installed(),
       get(h.saved()),   h.incarnation()};
  return true;
}

parts encode(const backup_request& m) {
  proto::BackupRequest h;
  put(m.of, h.mutable_of());
  h.set_offset(m.offset);
  return only(h);
}

bool decode(received bytes, backup_request& m) {
  proto::BackupRequest h;
  if (!parse(bytes, 0, h)) return false;
  m = {get(h.of()), h.offset()};
  return true;
}

parts encode(const backup_reply& m) {
  proto::BackupReply h;
  put(m.of, h.mutable_of());
  h.set_piece_checksum(checksum_of(m.bytes));
  return {h.SerializeAsString(), {&m.bytes}};
}

bool decode(received bytes, backup_reply& m) {
  proto::BackupReply h;
  if (!parse(bytes, 1, h)) return false;
  m.of = get(h.of());
  return take(bytes, h.piece_checksum(), m.bytes);
}

}  // namespace troupe::wire
