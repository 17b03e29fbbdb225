// What can still be read of the entries that damage took: the files that log_repair.h set aside,
// and batches that other nodes sent. From them a log is put together again as it was.
//
// From its end backwards: each batch holds the checksum of the one before it, and the last one is
// known by its log id, which names one entry for ever (Log Matching, thesis 3.5). So it does not
// matter who a batch comes from, and the node's promises stay true at every moment.
//
// What cannot be read there is not there: none of these files is needed, as long as others have it.
//
// In memory: a few words for each mebibyte, and one file at a time while all are looked through.
// One thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/aside_names.h"
#include "storage/env.h"
#include "storage/identity.h"
#include "storage/log_storage.h"

namespace troupe::storage {

// Batches that follow each other in one file: a mebibyte, or one that is larger.
struct batch_run {
  std::string path;
  uint64_t begin = 0;  // of the bytes that hold them, and marks between them
  uint64_t end = 0;
  batch_name before;  // what the first one continues
  log_tail last;      // what stands behind it in those bytes does not count
};

class salvage {
 public:
  // Of the log in `log_dir`. `files` must outlive it.
  salvage(env& files, std::string log_dir, const identity& owner);

  // What leads from the end of the log, at `tail`, to `end`: the runs, in order, or the newest
  // stretch that is missing among them. Where the log took another way meanwhile, the first run
  // does not continue it.
  using way = std::variant<std::vector<batch_run>, missing_batches>;
  absl::StatusOr<way> find_way(log_index tail, const batch_name& end);
  // Empty when they cannot be read any more; then all files are looked through again.
  std::vector<batch_ptr> read(const batch_run& run);
  // As log_storage::find, among what was set aside.
  absl::StatusOr<std::vector<batch_ptr>> find(const missing_batches& wanted, byte_count most);

  // Keeps what another node sent, durably: batches that follow each other. On a full disk nothing
  // is kept, and that is no error.
  absl::Status add(std::span<const batch_ptr> batches);
  // The log is whole: removes all files, in any order.
  absl::Status clear();

 private:
  absl::Status take_stock();
  absl::Status look_into(const std::string& name, const aside_origin& origin,
                         std::vector<batch_run>& found) const;
  absl::Status write(const std::string& path, std::span<const batch_ptr> batches);
  std::optional<batch_run> run_up_to(const batch_name& end);
  void index(std::vector<batch_run> more);

  env& files_;
  const std::string dir_;
  const identity owner_;
  // By their last entry; from the moment somebody asked.
  std::optional<std::multimap<log_index, batch_run>> runs_;
};

}  // namespace troupe::storage
