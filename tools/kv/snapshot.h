// The state of a kv::machine as bytes, and back. Little endian:
//
//   "TROUPEK1"
//   1, u32 key length, u32 value length, key, value                                    each pair
//   2, u64 sequence, u64 used, u32 id length, u32 answer length, id, answer         each session
//   3, u64 number of pairs, u64 number of sessions, u64 sessions::given()               the end
//
// in any order but for the first and the last. Nothing is checksummed here: who keeps it does that.
#pragma once

#include <string>

#include "actors/machine.h"
#include "tools/kv/sessions_view.h"
#include "tools/kv/table_view.h"

namespace troupe::kv {

// What both were when this was made, while they go on. Ends before them.
class snapshot final : public snapshot_source {
 public:
  snapshot(table& data, sessions& known);

  absl::StatusOr<std::string> next() override;

 private:
  table_view data_;
  sessions_view sessions_;
  uint64_t pairs_ = 0;
  uint64_t known_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

// In place of what is in them. kDataLoss when these are not all the bytes of a snapshot;
// kUnimplemented for those of another version.
absl::Status restore(snapshot_source& from, table& data, sessions& known);

}  // namespace troupe::kv
