// A snapshot on the disk (thesis 5.1): what a machine's state was behind one entry of the log, and
// what else the log said up to there. The same bytes on every node, so it is sent as it is.
//
// Header, blocks of state, end; FORMAT.md has the bytes. The checksum of each covers the one before
// it, so a block that is damaged, missing, or another snapshot's is noticed.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/ids.h"
#include "storage/env.h"

namespace troupe::storage {

// What a snapshot stands for.
struct snapshot_meta {
  log_tail last;           // all entries up to here
  log_id membership_at;    // where the membership that was in force then stands,
  std::string membership;  // and its bytes, as in the log
  uint64_t cluster = 0;    // checksum of the batch that began the log

  bool operator==(const snapshot_meta&) const = default;
};

// Writes one into a new file, from the first byte to the last.
class snapshot_writer {
 public:
  // Of state in one block.
  static constexpr size_t block_size = 256 << 10;
  // So much is synced at a time: one sync of a large file would hold up those of the log.
  static constexpr uint64_t sync_distance = 4 << 20;

  static absl::StatusOr<std::unique_ptr<snapshot_writer>> create(env& files,
                                                                 const std::string& path,
                                                                 const snapshot_meta& meta);
  // A file that says what a snapshot stands for, and has none of its state. Durable, but for its
  // name.
  static absl::Status write_header(env& files, const std::string& path, const snapshot_meta& meta);

  // The next bytes of the state.
  absl::Status add(std::string_view state);
  // Durable when it returns, but for its name.
  absl::Status finish();
  // Bytes of the file so far.
  uint64_t size() const { return size_; }

 private:
  explicit snapshot_writer(std::unique_ptr<file> to) : file_(std::move(to)) {}

  absl::Status begin(const snapshot_meta& meta, uint32_t flags);
  absl::Status write(std::string_view bytes);
  absl::Status write_block(std::string_view state);

  const std::unique_ptr<file> file_;
  uint64_t size_ = 0;
  uint64_t synced_ = 0;
  uint64_t state_size_ = 0;
  uint64_t chain_ = 0;  // the checksum of what was written last
  std::string block_;   // is not full yet
};

// Reads one, verifying all that it gives.
class snapshot_reader {
 public:
  // kDataLoss, with path and offset, where it is damaged or no snapshot; kUnimplemented when a
  // newer Troupe wrote it. `held` is let go when the file is closed.
  static absl::StatusOr<std::unique_ptr<snapshot_reader>> open(
      env& files, const std::string& path, std::shared_ptr<const void> held = nullptr);
  // Of a file without state, which open() refuses as damaged, and the other way round.
  static absl::StatusOr<snapshot_meta> read_header_of(env& files, const std::string& path);

  const snapshot_meta& meta() const { return meta_; }
  // Of the file.
  uint64_t size() const { return size_; }
  // What it says it is; verify() tells whether it is so.
  snapshot_name name() const { return {meta_.last.last, size_, end_}; }
  // Any bytes of the file, fewer only where it ends; they are not verified.
  absl::StatusOr<std::string> raw(uint64_t offset, uint64_t length) const {
    return file_->read(offset, length);
  }
  // Reads all blocks from the first on, and goes back to that. Errors as of open; kCancelled when
  // it shall not go on, which it asks before each block.
  absl::Status verify(absl::FunctionRef<bool()> go_on = [] { return true; });
  // How much of it was read.
  uint64_t position() const { return at_; }
  // The next block of the state; empty behind the last, when the end was found to be whole. Errors
  // as of open.
  absl::StatusOr<std::string> next();

 private:
  explicit snapshot_reader(std::unique_ptr<file> from) : file_(std::move(from)) {}

  static absl::StatusOr<std::unique_ptr<snapshot_reader>> open_as(env& files,
                                                                  const std::string& path,
                                                                  uint32_t flags);
  absl::Status read_header(uint32_t flags);
  absl::Status read_end();
  absl::Status damaged(const char* what) const;
  void rewind();

  std::shared_ptr<const void> held_;  // declared before the file, so let go behind it
  const std::unique_ptr<file> file_;
  snapshot_meta meta_;
  uint64_t size_ = 0;
  uint64_t end_ = 0;    // the checksum that stands there
  uint64_t begin_ = 0;  // where the header ends,
  uint64_t seed_ = 0;   // and its checksum
  uint64_t at_ = 0;
  uint64_t state_size_ = 0;
  uint64_t chain_ = 0;
  bool ended_ = false;
};

}  // namespace troupe::storage
