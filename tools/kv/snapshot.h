// The state of a key-value machine as bytes, whatever keeps it, and back. Little endian:
//
//   "TROUPEK1"
//   1, u32 key length, u32 value length, key, value                                    each pair
//   2, u64 sequence, u64 used, u32 id length, u32 answer length, id, answer         each session
//   3, u64 number of pairs, u64 number of sessions, u64 sessions::given()               the end
//
// in any order but for the first and the last. Nothing is checksummed here: who keeps it does that.
// It is what the machine in memory gives; every machine takes it.
#pragma once

#include <limits>
#include <string>

#include "absl/functional/function_ref.h"
#include "actors/machine.h"
#include "tools/kv/pieces.h"
#include "tools/kv/sessions_view.h"
#include "tools/kv/table_view.h"

namespace troupe::kv {

// Each form of a snapshot begins with eight bytes that name it.
inline constexpr size_t magic_bytes = 8;
inline constexpr std::string_view pairs_magic = "TROUPEK1";
inline constexpr std::string_view files_magic = "TROUPER1";  // rocksdb_snapshot.h

// What both were when this was made, while they go on. Ends before them.
class snapshot final : public snapshot_source {
 public:
  snapshot(table& data, sessions& known);

  absl::StatusOr<std::string> next() override;
  size_t held() const override {
    return data_.took_over() ? std::numeric_limits<size_t>::max() : data_.kept_bytes();
  }

 private:
  table_view data_;
  sessions_view sessions_;
  uint64_t pairs_ = 0;
  uint64_t known_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

// kUnimplemented, with what to do, where a snapshot begins so that the machine in memory cannot
// take it.
absl::Status check_for_memory(std::string_view begin);

// In place of what is in them. kDataLoss when these are not all the bytes of a snapshot;
// kUnimplemented for those of another version, and of a machine on RocksDB.
absl::Status restore(snapshot_source& from, table& data, sessions& known);

// The same of what stands behind the magic, into what is empty. `stored` is called after each pair.
absl::Status restore_pairs(taker& from, store& data, sessions& known,
                           absl::FunctionRef<void()> stored);
// That what begins so is no snapshot that can be restored.
absl::Status unknown_snapshot();

}  // namespace troupe::kv
