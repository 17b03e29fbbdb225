// How messages look between nodes: a Protobuf header, and behind it the hot payload as it is. CAF's
// own positional serialisation never defines the wire, so that a new field does not break old
// readers.
//
// Include it wherever such a message is sent or handled (messages.h does). What cannot be decoded
// is an error of the deserialiser: CAF then drops the message and its connection.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "actors/core/messages.h"
#include "caf/allowed_unsafe_message_type.hpp"
#include "caf/error.hpp"
#include "caf/sec.hpp"

namespace troupe {

struct propose;
struct read;
struct outcome;
struct committed;
struct status_request;
struct status;
struct admin_request;
struct admin_reply;
struct initialize;
struct done;
struct hash_log;
struct log_hash;
struct backup_request;
struct backup_reply;
struct fetch_request;
struct fetch_reply;

namespace wire {

// One message in parts: the header, then payloads that are not copied when they are sent.
struct parts {
  std::string header;
  std::vector<const std::string*> payloads;  // owned by the message
};
struct received {
  std::string header;
  std::vector<std::string> payloads;
};

// No message has more payloads than this.
inline constexpr uint32_t max_payloads = 4096;

parts encode(const core::vote_request& m);
parts encode(const core::vote_reply& m);
parts encode(const core::append_request& m);
parts encode(const core::append_reply& m);
parts encode(const core::snapshot_request& m);
parts encode(const core::snapshot_reply& m);
parts encode(const backup_request& m);
parts encode(const backup_reply& m);
parts encode(const propose& m);
parts encode(const read& m);
parts encode(const outcome& m);
parts encode(const committed& m);
parts encode(const status_request& m);
parts encode(const status& m);
parts encode(const core::transfer_request& m);
parts encode(const core::transfer_reply& m);
parts encode(const admin_request& m);
parts encode(const admin_reply& m);
parts encode(const initialize& m);
parts encode(const done& m);
parts encode(const hash_log& m);
parts encode(const log_hash& m);
parts encode(const fetch_request& m);
parts encode(const fetch_reply& m);

// False for bytes that are not such a message; `m` is then unspecified.
bool decode(received bytes, core::vote_request& m);
bool decode(received bytes, core::vote_reply& m);
bool decode(received bytes, core::append_request& m);
bool decode(received bytes, core::append_reply& m);
bool decode(received bytes, core::snapshot_request& m);
bool decode(received bytes, core::snapshot_reply& m);
bool decode(received bytes, backup_request& m);
bool decode(received bytes, backup_reply& m);
bool decode(received bytes, propose& m);
bool decode(received bytes, read& m);
bool decode(received bytes, outcome& m);
bool decode(received bytes, committed& m);
bool decode(received bytes, status_request& m);
bool decode(received bytes, status& m);
bool decode(received bytes, core::transfer_request& m);
bool decode(received bytes, core::transfer_reply& m);
bool decode(received bytes, admin_request& m);
bool decode(received bytes, admin_reply& m);
bool decode(received bytes, initialize& m);
bool decode(received bytes, done& m);
bool decode(received bytes, hash_log& m);
bool decode(received bytes, log_hash& m);
bool decode(received bytes, fetch_request& m);
bool decode(received bytes, fetch_reply& m);

template <class T>
concept message = requires(const T& out, T& in, received bytes) {
  { encode(out) } -> std::same_as<parts>;
  { decode(std::move(bytes), in) } -> std::same_as<bool>;
};

template <class Inspector>
caf::error save(Inspector& f, parts p) {
  auto count = static_cast<uint32_t>(p.payloads.size());
  if (caf::error e = f(p.header, count)) return e;
  for (const std::string* payload : p.payloads)
    if (caf::error e = f(const_cast<std::string&>(*payload))) return e;
  return {};
}

template <class Inspector>
caf::error load(Inspector& f, received& r) {
  uint32_t count = 0;
  if (caf::error e = f(r.header, count)) return e;
  if (count > max_payloads) return caf::sec::invalid_argument;
  r.payloads.resize(count);
  for (std::string& payload : r.payloads)
    if (caf::error e = f(payload)) return e;
  return {};
}

template <class Inspector, class T>
typename Inspector::result_type apply(Inspector& f, T& m) {
  if constexpr (std::is_void_v<typename Inspector::result_type>) {
    return f(std::string("..."));  // CAF asks for a text only in its own logs
  } else if constexpr (Inspector::writes_state) {
    received r;
    if (caf::error e = load(f, r)) return e;
    return decode(std::move(r), m) ? caf::error{} : caf::error{caf::sec::invalid_argument};
  } else {
    return save(f, encode(m));
  }
}

}  // namespace wire

// CAF finds these by the namespace of the message.
template <class Inspector, wire::message T>
typename Inspector::result_type inspect(Inspector& f, T& m) {
  return wire::apply(f, m);
}

namespace core {
template <class Inspector, wire::message T>
typename Inspector::result_type inspect(Inspector& f, T& m) {
  return wire::apply(f, m);
}
}  // namespace core

}  // namespace troupe

// The messages that never leave their process.
#define TROUPE_LOCAL_MESSAGE(name) \
  namespace troupe {               \
  struct name;                     \
  }                                \
  CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::name)

TROUPE_LOCAL_MESSAGE(log_state)
TROUPE_LOCAL_MESSAGE(describe_log)
TROUPE_LOCAL_MESSAGE(save_vote)
TROUPE_LOCAL_MESSAGE(append)
TROUPE_LOCAL_MESSAGE(flushed)
TROUPE_LOCAL_MESSAGE(sync_now)
TROUPE_LOCAL_MESSAGE(purge_log)
TROUPE_LOCAL_MESSAGE(reset_log)
TROUPE_LOCAL_MESSAGE(read_log)
TROUPE_LOCAL_MESSAGE(log_slice)
TROUPE_LOCAL_MESSAGE(restore_log)
TROUPE_LOCAL_MESSAGE(restored)
TROUPE_LOCAL_MESSAGE(find_batches)
TROUPE_LOCAL_MESSAGE(apply)
TROUPE_LOCAL_MESSAGE(applied)
TROUPE_LOCAL_MESSAGE(query)
TROUPE_LOCAL_MESSAGE(describe_applied)
TROUPE_LOCAL_MESSAGE(go_on)
TROUPE_LOCAL_MESSAGE(visit)
TROUPE_LOCAL_MESSAGE(begin_snapshot)
TROUPE_LOCAL_MESSAGE(add_to_snapshot)
TROUPE_LOCAL_MESSAGE(stage)
TROUPE_LOCAL_MESSAGE(staged)
TROUPE_LOCAL_MESSAGE(open_snapshot)
TROUPE_LOCAL_MESSAGE(opened_snapshot)
TROUPE_LOCAL_MESSAGE(snapshot_kept)
TROUPE_LOCAL_MESSAGE(set_aside)
TROUPE_LOCAL_MESSAGE(snapshot_lost)
TROUPE_LOCAL_MESSAGE(tell_of_snapshots)
TROUPE_LOCAL_MESSAGE(make_snapshot)
TROUPE_LOCAL_MESSAGE(made_snapshot)
TROUPE_LOCAL_MESSAGE(restore_state)
TROUPE_LOCAL_MESSAGE(watch_state)
TROUPE_LOCAL_MESSAGE(machine_state)
TROUPE_LOCAL_MESSAGE(fetch_snapshot)
TROUPE_LOCAL_MESSAGE(fetched_snapshot)
TROUPE_LOCAL_MESSAGE(build_on)
TROUPE_LOCAL_MESSAGE(streamed)
TROUPE_LOCAL_MESSAGE(replicate)
TROUPE_LOCAL_MESSAGE(confirm)
TROUPE_LOCAL_MESSAGE(acked)
TROUPE_LOCAL_MESSAGE(forgot)
TROUPE_LOCAL_MESSAGE(outvoted)
TROUPE_LOCAL_MESSAGE(led)
TROUPE_LOCAL_MESSAGE(adopt)
TROUPE_LOCAL_MESSAGE(peer_handles)
TROUPE_LOCAL_MESSAGE(handing_over)
TROUPE_LOCAL_MESSAGE(seal_now)
TROUPE_LOCAL_MESSAGE(tick)
TROUPE_LOCAL_MESSAGE(replicator_status)
TROUPE_LOCAL_MESSAGE(configure)
