// One segment file of the log: a header, then batches back to back with marks between them
// (segment_format.h), then zeros that were written ahead.
//
// Zeros are written ahead because overwriting them makes an fdatasync twice as fast as growing a
// file or filling space that is merely allocated: no metadata has to be journaled (README.md has
// numbers).
//
// Keeps a place of 24 bytes in memory for each batch. Only the newest segment of a log is written.
// Not thread-safe. After an error of a writing function the object is only good for reading.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/batch.h"
#include "storage/env.h"
#include "storage/segment_format.h"

namespace troupe::storage {

// Where a batch is in its segment.
struct batch_place {
  log_index first;
  uint64_t checksum;
  uint32_t offset;
  uint32_t length;
};

struct segment_options {
  // A segment is closed when the next batch would make it larger; a batch larger than that has a
  // segment to itself.
  byte_count size = MiB(64);
  // On the disk: the last mark may lie behind.
  uint64_t room() const { return size.value + mark::size; }
  // How much is zeroed at a time.
  byte_count zero_ahead = MiB(1);
};

class segment {
 public:
  // Makes a new file in `dir` that holds `header` and no batch. Durable, file and name, when it
  // returns: so a segment without a whole header never held anything.
  // `from`, if any, is the name of a file that becomes it: empty, with room allocated.
  static absl::StatusOr<std::unique_ptr<segment>> create(env& files, const std::string& dir,
                                                         const segment_header& header,
                                                         const segment_options& options,
                                                         std::string_view from = {});
  // Takes over an existing file. Each batch is verified and given to `visit`. In the newest segment
  // a torn tail is cut off, and all that remains is durable when this returns. Errors as
  // scan_segment.
  static absl::StatusOr<std::unique_ptr<segment>> recover(
      std::unique_ptr<file> from, const segment_header& header, const segment_options& options,
      bool newest, absl::FunctionRef<void(const batch_ptr&)> visit);

  const std::string& path() const { return file_->path(); }
  const segment_header& header() const { return header_; }
  // The index that the first batch has, or would have.
  log_index first() const { return header_.previous.last.index.next(); }
  // The end of the log in this segment.
  const log_tail& tail() const { return tail_; }
  std::span<const batch_place> places() const { return places_; }
  // How many of these batches may still be added. An empty segment takes at least one.
  size_t room_for(std::span<const batch_ptr> batches) const;

  // Readable when it returns, durable after sync(). Precondition: the batches follow tail().
  absl::Status append(std::span<const batch_ptr> batches);
  // Makes what was appended durable and leaves a mark that says so.
  absl::Status sync();
  // Keeps the first `count` batches, `tail` being the end of the last. Durable when it returns:
  // nothing that was cut can be found again behind what is appended next.
  absl::Status cut(size_t count, const log_tail& tail);
  // Leaves a mark that is durable when it returns. All before it must be durable.
  absl::Status confirm();
  // Gives back what was zeroed and allocated ahead, and makes all durable. The last write.
  absl::Status seal();

  // The bytes of batches [first, last), which are back to back but for marks: from the first's
  // offset to the last's end.
  absl::StatusOr<std::string> read(size_t first, size_t last);

 private:
  segment(std::unique_ptr<file> file, const segment_header& header, const segment_options& options);

  absl::Status write_at_end(std::string_view bytes);
  absl::Status allocate_again();
  absl::Status zero_ahead(uint64_t written);
  absl::Status leave_mark();

  const std::unique_ptr<file> file_;
  const segment_header header_;
  const segment_options options_;
  std::vector<batch_place> places_;
  log_tail tail_;
  uint64_t end_ = segment_header::block_size;  // behind the last batch or mark
  uint64_t zeroed_ = end_;                     // from end_ to here the file holds zeros
  bool dirty_ = false;                         // something was written since the last sync
  std::string gathered_;                       // scratch for append
};

}  // namespace troupe::storage
