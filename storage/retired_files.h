// Files that lose their names at once and their bytes a piece at a time.
//
// To unlink a large file keeps the journal of its file system busy, and every sync beside it waits:
// a tenth of a second for 1 GiB on ext4. What is left when the process ends, or the power, the file
// system frees. Another name of it, a hard link, names what is cut.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "storage/env.h"

namespace troupe::storage {

class retired_files {
 public:
  // Freed in one go: beside it a sync waits some 3 ms longer.
  static constexpr uint64_t piece = 8 << 20;

  // It has no name when this returns, but until its directory is synced a power cut may bring that
  // back, with what is then left. Its bytes stay until `readers` has expired. kNotFound when there
  // is none, and errors of the disk.
  absl::Status add(env& files, const std::string& path, std::weak_ptr<const void> readers = {});
  // Is anything left of them?
  bool empty() const { return files_.empty(); }
  // A piece of one that nobody reads; false when all that are left are read.
  bool free_some();
  // All that nobody reads, in one go: for a disk that is full.
  void free_all();

 private:
  struct retired {
    std::unique_ptr<file> bytes;
    std::weak_ptr<const void> readers;
    bool unread() const { return readers.expired(); }
  };

  std::vector<retired> files_;
};

}  // namespace troupe::storage
