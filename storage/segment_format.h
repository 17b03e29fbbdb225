// The bytes of a segment file that are not batches: its header and its marks. FORMAT.md is the
// reference; this file and its .cc are the only code that knows the layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "proto/batch.h"
#include "proto/ids.h"

namespace troupe::storage {

struct segment_header {
  // Batches start here, so that no append rewrites a disk block that holds the header.
  static constexpr uint64_t block_size = 4096;

  node_id node;
  uint64_t incarnation = 0;
  // Consecutive along the log, part of the file's name.
  uint64_t sequence = 0;
  // The log's end before this segment: what its first batch continues.
  log_tail previous;
  // The log starts with this segment; what earlier segments hold is void (a snapshot replaced it).
  bool starts_log = false;

  bool operator==(const segment_header&) const = default;
};

// Exactly block_size bytes.
std::string encode_header(const segment_header& header);
// kDataLoss when damaged; kUnimplemented when intact but of a version that is not known here.
// `bytes` is the beginning of the file.
absl::StatusOr<segment_header> decode_header(std::string_view bytes);

// A mark stands between two batches and says: all bytes of this segment before me were durable when
// I was written. Recovery tells a torn tail (no mark behind it) from damage (a mark behind it) by
// it, and what a node acknowledged although it is damaged now. It starts like a batch (checksum,
// length) with a length that no batch has.
struct mark {
  static constexpr uint64_t size = 56;

  uint64_t offset = 0;  // its own, in the file
  log_tail tail;        // the end of the log before it
};

// Of `segment`, only the sequence and the incarnation matter. The checksum is seeded with the
// incarnation, which clients do not know, so no command's bytes can pass for a mark.
std::string encode_mark(const segment_header& segment, const mark& m);
// The mark of this segment with which `bytes`, found at `offset`, starts.
std::optional<mark> decode_mark(const segment_header& segment, uint64_t offset,
                                std::string_view bytes);
// The first mark at or after `from` in `content`, the whole file.
std::optional<mark> find_mark(const segment_header& segment, std::string_view content,
                              uint64_t from);

// Room for the next segment, before it has a number: as large as one, and empty.
inline constexpr std::string_view reserve_name = "reserve";

// "00000000000000000007.segment" for 7, and back; nothing for any other name.
std::string segment_name(uint64_t sequence);
std::optional<uint64_t> parse_segment_name(std::string_view name);

}  // namespace troupe::storage
