// One batch: the unit of the log. A leader drains what its mailbox holds into a batch, seals it,
// and the same bytes go to its log file, over the wire, into the followers' files and to the state
// machines (nothing is encoded twice, and the checksum that the leader computed is verified by
// all).
//
// A batch is written by one leader, has consecutive indices, and is never split: it is accepted,
// truncated and applied whole. Its (leader, first index) therefore names its bytes.
//
// Layout, little endian (FORMAT.md in storage/ shows an example):
//    0 u64 checksum    XXH3-64 of all that follows
//    8 u32 length      of the whole batch, header included
//   12 u8  version     1
//   13 u8  kind        batch_kind
//   14 u16 zero
//   16 u64 term        \ leader id
//   24 u64 node        /
//   32 u64 first_index of the first entry
//   40 u32 count       of entries, at least 1
//   44 u32 zero
//   48 u64 previous    checksum of the batch before this one, 0 for the first: a chain
//   56 u64 request     id of the first request in it, for tracing; 0 when there is none
//   64     count frames (see frames.h)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "proto/frames.h"
#include "proto/ids.h"

namespace troupe {

enum class batch_kind : uint8_t {
  blank = 1,       // one empty entry: the first of a leadership
  commands = 2,    // one entry for each command of a state machine
  membership = 3,  // one entry: a serialised proto::membership
};

class batch;
using batch_ptr = std::shared_ptr<const batch>;

// Immutable, so shared between threads without a lock.
class batch {
 public:
  static constexpr size_t header_size = 64;
  // No batch is larger: what claims more is corrupt or hostile.
  static constexpr size_t max_size = (64 << 20) + (1 << 16);

  // Verifies everything that can be verified of a batch on its own: length, version, checksum,
  // frames. kDataLoss where bytes are damaged, kUnimplemented for an unknown version, kind or
  // flags.
  static absl::StatusOr<batch_ptr> parse(std::string bytes);

  // The length of the batch that starts at `header` (at least header_size bytes), or 0 when no
  // batch can start with these bytes. Nothing is verified but plausibility.
  static size_t peek_length(std::string_view header);

  batch_kind kind() const { return kind_; }
  leader_id leader() const { return leader_; }
  log_index first_index() const { return first_index_; }
  log_index last_index() const { return first_index_ + (count_ - 1); }
  log_id last() const { return {leader_, last_index()}; }
  log_tail tail() const { return {last(), checksum_}; }
  uint32_t count() const { return count_; }
  uint64_t checksum() const { return checksum_; }
  uint64_t previous_checksum() const { return previous_; }
  request_id request() const { return request_; }
  frames_view entries() const { return {std::string_view(bytes_).substr(header_size), count_}; }
  // The whole batch as it is stored and sent.
  const std::string& bytes() const { return bytes_; }
  byte_count size() const { return byte_count(bytes_.size()); }

 private:
  friend class batch_builder;
  explicit batch(std::string bytes);

  std::string bytes_;
  batch_kind kind_;
  leader_id leader_;
  log_index first_index_;
  uint32_t count_;
  uint64_t checksum_;
  uint64_t previous_;
  request_id request_;
};

// Collects entries behind room for a header; `seal` writes the header and gives the bytes away.
class batch_builder {
 public:
  batch_builder();

  void add(std::string_view entry);
  void add_all(frames_view run);
  bool empty() const { return count_ == 0; }
  uint32_t count() const { return count_; }
  size_t size() const { return bytes_.size(); }

  // Precondition: !empty(), size() <= batch::max_size. Afterwards the builder is empty and can be
  // filled again.
  batch_ptr seal(batch_kind kind, leader_id leader, const log_tail& previous,
                 request_id request = {});

 private:
  std::string bytes_;
  uint32_t count_ = 0;
};

}  // namespace troupe
