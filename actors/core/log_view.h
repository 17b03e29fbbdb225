// What the protocol knows of a log: which leader wrote which index. Terms, not payloads.
//
// Memory is proportional to the number of leader changes that the log remembers, not to its length.
#pragma once

#include <optional>
#include <vector>

#include "proto/ids.h"

namespace troupe::core {

class log_view {
 public:
  log_view() = default;
  // `runs` cover (purged.index, last] without a gap, each with a greater leader than the one
  // before; empty when last == purged.index.
  log_view(log_id purged, std::vector<leader_run> runs, log_index last);

  // The last entry; purged() when the log holds none.
  log_id last() const;
  log_index last_index() const { return last_; }
  // The last entry that is no longer there; its leader is still known.
  log_id purged() const { return purged_; }

  // Who wrote `index`; nullopt below purged() and beyond last(). Index 0 is written by nobody:
  // leader_id{} as long as nothing was purged.
  std::optional<leader_id> leader_at(log_index index) const;

  // True for an entry of this log, for purged(), and for log_id{} while nothing was purged.
  bool contains(const log_id& id) const;

  // The greatest entry that is ≤ `limit` in index and in leader: where a search for the common
  // prefix goes on after a conflict. Each step passes over at least one leader, so that the search
  // takes O(leader changes) round trips. purged() when there is none.
  log_id floor(const log_id& limit) const;

  // Extends the log up to `last` (> last_index()) with entries of `leader`. Leader ids must not
  // fall, and only the first membership, at index 1, was written by nobody.
  void append(leader_id leader, log_index last);
  // Removes all after `last`, which is ≥ purged().index. Nothing when the log ends before it.
  void truncate_after(log_index last);
  // Forgets all up to `upto`, an entry of this log or beyond its end (then the log is empty, as
  // after a snapshot). Nothing when that much was purged before.
  void purge(const log_id& upto);

 private:
  // The first run that starts after `index`.
  std::vector<leader_run>::const_iterator run_after(log_index index) const;

  log_id purged_;
  std::vector<leader_run> runs_;
  log_index last_;
};

}  // namespace troupe::core
