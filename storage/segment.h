// One segment file of the log: a header, then batches back to back with marks between them
// (segment_format.h), then zeros that were written ahead.
//
// Zeros are written ahead because overwriting them makes an fdatasync twice as fast as growing a
// file or filling space that is merely allocated: no metadata has to be journaled (README.md has
// numbers).
//
// Keeps 24 bytes in memory for each 64 KiB (sparse_index.h). Only the newest segment of a log is
// written. Not thread-safe. After an error of a writing function the object is only good for
// reading.
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
#include "storage/segment_walk.h"
#include "storage/sparse_index.h"

namespace troupe::storage {

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
      bool newest, const log_id& durable, absl::FunctionRef<void(const batch_ptr&)> visit);

  const std::string& path() const { return file_->path(); }
  const segment_header& header() const { return header_; }
  // The index that the first batch has, or would have.
  log_index first() const { return header_.previous.last.index.next(); }
  // Where what was found at the start ended.
  uint64_t found_until() const { return found_until_; }
  // The end of the log in this segment.
  const log_tail& tail() const { return tail_; }
  // How many of these batches may still be added. An empty segment takes at least one.
  size_t room_for(std::span<const batch_ptr> batches) const;

  // Readable when it returns, durable after sync(). Precondition: the batches follow tail().
  absl::Status append(std::span<const batch_ptr> batches);
  // Makes what was appended durable and leaves a mark that says so.
  absl::Status sync();
  // Removes all after `last`, which is the end of a batch or of the segment before. Durable when it
  // returns: nothing that was cut can be found again behind what is appended next.
  absl::Status cut(log_index last);
  // Leaves a mark that is durable when it returns. All before it must be durable.
  absl::Status confirm();
  // Gives back what was zeroed and allocated ahead, and makes all durable. The last write.
  absl::Status seal();

  // Reading. kDataLoss, with path and offset, where bytes are not those that were written.
  // Precondition: the entry is in this segment.

  // The batch that holds `index`.
  absl::StatusOr<batch_ptr> find(log_index index);
  // Batches from the one with `from` on that begin before `stop`, as long as no more than `most`
  // bytes are in `to`, or the first one there whatever its size.
  absl::Status read(log_index from, log_index stop, byte_count most, std::vector<batch_ptr>* to);
  // Looks at about `most` bytes from `from` on, and tells the first entry that was not seen. Marks,
  // and with the first batch the header, are written anew where they are damaged.
  absl::StatusOr<log_index> check(log_index from, byte_count most);

 private:
  segment(std::unique_ptr<file> file, const segment_header& header, const segment_options& options);

  segment_walk walk(log_index from, uint64_t piece);
  absl::Status check_header();
  absl::Status check_from(size_t place);
  absl::Status mend(uint64_t offset, const std::string& with);
  uint64_t end_of(size_t place) const;
  absl::Status write_at_end(std::string_view bytes);
  absl::Status allocate_again();
  absl::Status zero_ahead(uint64_t written);
  absl::Status leave_mark();

  const std::unique_ptr<file> file_;
  const segment_header header_;
  const segment_options options_;
  sparse_index places_;
  log_tail tail_;
  uint64_t end_ = segment_header::block_size;  // behind the last batch or mark
  uint64_t found_until_ = end_;
  uint64_t zeroed_ = end_;  // from end_ to here the file holds zeros
  bool dirty_ = false;      // something was written since the last sync
  std::string gathered_;    // scratch for append
};

}  // namespace troupe::storage
