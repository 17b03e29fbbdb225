// The saved vote of a node: one file with two slots, each in its own disk block.
//
// A save writes the slot that does not hold the last durable vote and syncs once; then it copies
// the vote into the other slot, unsynced. So a torn write never hits the only copy, and in quiet
// times there are two: one that rots is recognised by its checksum and repaired from the other at
// the next opening. When both are damaged the vote is lost, which is an error and never "no vote":
// a node that forgets its vote can vote twice.
//
// Behind the slots it notes how far the log was durable. A mark in the log says the same; but it
// stands in the sector of the last batch, and goes with it where that sector is bad.
//
// One thread. After an error of a writing function the object must not be used.
#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/ids.h"
#include "storage/env.h"
#include "storage/identity.h"

namespace troupe::storage {

inline constexpr char vote_file_name[] = "vote";

// What is known of a log elsewhere, as far as it was written back.
struct log_note {
  log_id end;          // it was durable up to here; empty: not known
  uint64_t first = 0;  // the checksum of the batch that began it; 0: not known

  bool operator==(const log_note&) const = default;
};

// What a node noted last in `dir`. Changes nothing.
absl::StatusOr<log_note> read_log_note(env& files, const std::string& dir, const identity& owner);

class vote_file {
 public:
  // Makes the file in `dir`, holding the default vote. Its content is durable when this returns;
  // the caller syncs the directory.
  static absl::StatusOr<std::unique_ptr<vote_file>> create(env& files, const std::string& dir,
                                                           const identity& owner);
  // kDataLoss when it is missing, damaged or another directory's; kUnimplemented when a newer
  // Troupe wrote it. The vote is durable when this returns.
  static absl::StatusOr<std::unique_ptr<vote_file>> open(env& files, const std::string& dir,
                                                         const identity& owner);

  const vote& saved() const { return saved_; }
  // What log_storage says of it, saved with the vote.
  bool joined() const { return joined_; }
  // What was wrong with the copy that opening replaced; empty: nothing.
  const std::string& repaired() const { return repaired_; }
  // Reads both slots again, and writes anew what is damaged there. Durable when it returns.
  absl::Status scrub();
  // Durable when it returns. After a crash meanwhile: what was saved before, or this.
  absl::Status save(const vote& v, bool joined);

  // Not synced: it may come back as an older one.
  absl::Status note(const log_note& log);
  // Before the log gets shorter. Durable when it returns.
  absl::Status forget_note();

 private:
  vote_file(std::unique_ptr<file> file, const identity& owner);

  absl::Status write_slot(int slot);

  const std::unique_ptr<file> file_;
  const identity owner_;
  vote saved_;
  bool joined_ = false;
  std::string repaired_;
  uint64_t sequence_ = 0;  // of saved_: each save has the next
  int durable_slot_ = 0;   // holds saved_ for certain
  log_note note_;
};

}  // namespace troupe::storage
