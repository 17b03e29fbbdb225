// What can still be read of the entries that damage took: the files that log_repair.h set aside,
// and batches that other nodes sent. From them a log is put together again as it was.
//
// From its end backwards: each batch holds the checksum of the one before it, and the last one is
// known by its log id, which names one entry for ever (Log Matching, thesis 3.5). So it does not
// matter who a batch comes from, and the node's promises stay true at every moment.
//
// In memory: a few words for each run of batches, and one file at a time while it is read. One
// thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/env.h"
#include "storage/identity.h"
#include "storage/log_storage.h"

namespace troupe::storage {

// Batches that follow each other in one file.
struct batch_run {
  std::string path;
  uint64_t begin = 0;  // of the bytes that hold them, and marks between them
  uint64_t end = 0;
  log_tail before;  // what the first one continues; of its log id only the index is known
  log_tail last;    // what stands behind it in those bytes does not count
};

class salvage {
 public:
  // Of the log in `log_dir`. `files` must outlive it.
  salvage(env& files, std::string log_dir, const identity& owner);

  // What leads from `tail` to the batch that `end` names: all of it, in order, or the newest
  // stretch that is missing. Neither where it leads past `tail`: the log that
  // ends there is another one.
  struct way {
    std::vector<batch_run> runs;
    std::optional<missing_batches> missing;
  };
  absl::StatusOr<way> find_way(const log_tail& tail, const batch_name& end);
  // kDataLoss when they have changed since. At most a segment, so they fit into memory.
  absl::StatusOr<std::vector<batch_ptr>> read(const batch_run& run) const;
  // As log_storage::find, among what was set aside.
  absl::StatusOr<std::vector<batch_ptr>> find(const missing_batches& wanted, byte_count most);

  // Keeps what another node sent, durably: batches that follow each other. On a full disk nothing
  // is kept, and that is no error.
  absl::Status add(std::span<const batch_ptr> batches);
  // The log is whole: removes all files, in any order.
  absl::Status clear();

 private:
  absl::Status take_stock();
  absl::Status look_into(const std::string& name, std::vector<batch_run>& found) const;
  absl::StatusOr<std::optional<batch_run>> run_up_to(const batch_name& end) const;

  env& files_;
  const std::string dir_;
  const identity owner_;
  std::optional<std::vector<batch_run>> runs_;  // from the moment somebody asked
};

// A path in `log_dir` that no file has yet, for what is set aside: `name`.lost, or `name`.2.lost
// and so on. It may be the last copy of something, so nothing is overwritten. `name` is that of a
// segment, or of a part of one.
absl::StatusOr<std::string> name_aside(env& files, const std::string& log_dir,
                                       const std::string& name);
// Of what stands in the segment of that name from `offset` on.
std::string name_of_part(const std::string& segment, uint64_t offset);

}  // namespace troupe::storage
