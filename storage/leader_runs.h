// Which leader wrote which part of a log: one run for each change of leader, so that the protocol
// can ask for the leader of an index without the log being read.
#pragma once

#include <deque>
#include <vector>

#include "storage/log_storage.h"

namespace troupe::storage {

class leader_runs {
 public:
  // Entries from `first` on were written by `leader`. `first` never falls.
  void add(log_index first, leader_id leader);
  // Forgets what is known of the entries after `last`.
  void truncate_after(log_index last);
  // Forgets what is known of the entries up to `last`.
  void purge(log_index last);
  void clear() { runs_.clear(); }

  // Precondition: an entry at `index` was added and neither truncated nor purged.
  leader_id leader_at(log_index index) const;
  std::vector<leader_run> all() const { return {runs_.begin(), runs_.end()}; }

 private:
  std::deque<leader_run> runs_;
};

}  // namespace troupe::storage
