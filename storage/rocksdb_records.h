// What a column family of RocksDB holds for one node: one state record, and a record for each
// batch.
//
//   key                                   value
//   "_state"                              state_record
//   "batch" + first index, big endian     number of the write, then the batch as it was sent
//
// The state comes before all batches, so that tables of batches alone do not overlap and are moved
// down instead of merged. Each write has a number, one more than the write before it: sync_mark.h
// says what for. Numbers in values are little endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rocksdb/status.h>

#include "proto/batch.h"
#include "storage/identity.h"

namespace troupe::storage {

// All that a node keeps beside its batches. Written as a whole.
struct state_record {
  identity owner;
  uint64_t number = 0;  // of the write that wrote it
  vote voted;
  bool joined = false;
  log_tail purged;
  uint64_t shortened = 0;  // number of the last write that took entries from the end
};

inline constexpr char state_key[] = "_state";

std::string encode(const state_record& state);
// kDataLoss when the bytes are damaged, kUnimplemented when a newer Troupe wrote them.
absl::StatusOr<state_record> decode_state(std::string_view bytes);

// Ordered as the indices are. All keys of batches are in [batch_key({}), end_of_batches()).
std::string batch_key(log_index first);
std::string end_of_batches();

// What goes before the bytes of a batch.
std::string encode_number(uint64_t number);

struct batch_record {
  uint64_t number;
  batch_ptr batch;
};
// Verified: the batch itself, and that it is the one that `key` names. kDataLoss, kUnimplemented.
absl::StatusOr<batch_record> decode_batch(std::string_view key, std::string_view value);

// RocksDB's errors as ours; `where` names the database. A damaged file is kDataLoss, a full disk
// kResourceExhausted. RocksDB's own text names the file.
absl::Status status_of(const rocksdb::Status& status, const std::string& where);

}  // namespace troupe::storage
