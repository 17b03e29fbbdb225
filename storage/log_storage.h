// Where a node keeps what it must not forget: its vote and its log.
//
// The log_store actor hosts one of these and is its only caller, one call at a time; no
// implementation needs a lock. Blocking is allowed. Vote and log writes form one serial order:
// nothing may be reordered across calls, and no crash point may leave a hole in the log (openraft's
// io_ordering rules).
//
// Errors are sticky: after any failed write every later write must fail too (an fsync that failed
// is never retried and believed). The actor then stops its node.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/batch.h"
#include "proto/ids.h"

namespace troupe::storage {

// Entries that this node acknowledged and has no more: damage took the end of its log.
struct lost_entries {
  log_id last;        // its log ended there; others may count on it
  std::string where;  // what was damaged, with file and offset, in one line
  // The checksum of the batch that began the log; 0 where that is not known.
  uint64_t first = 0;

  bool operator==(const lost_entries&) const = default;
};

// A batch by its last entry: its index and the checksum of the batch, or where that is not known
// (0) its log id. Either names the same bytes in all logs of a cluster.
struct batch_name {
  log_id last;  // without its leader where the checksum is known
  uint64_t checksum = 0;

  // The one that `b` continues.
  static batch_name before(const batch& b) {
    return {{{}, b.first_index() - 1}, b.previous_checksum()};
  }
  bool names(const log_tail& found) const {
    return checksum == 0 ? found.last == last
                         : found.checksum == checksum && found.last.index == last.index;
  }
  bool operator==(const batch_name&) const = default;
};

// A stretch of the log that a node lacks: the batches that end behind `after`, up to `end`.
struct missing_batches {
  log_index after;
  batch_name end;

  bool operator==(const missing_batches&) const = default;
};

// The newest of `batches` that end behind `after` and fit into `most` bytes, at least one. Those
// are consecutive and in order.
std::vector<batch_ptr> newest_of(std::vector<batch_ptr> batches, log_index after, byte_count most);

class log_storage {
 public:
  virtual ~log_storage() = default;

  // -- what is there; also right after opening --------------------------------------------------

  // A random number that was drawn when this storage was set up; 0 when it has none, as in memory.
  // Who comes back with another one has lost all that it promised.
  virtual uint64_t incarnation() const = 0;
  // The last saved vote; the default vote when none was ever saved.
  virtual vote saved_vote() const = 0;
  // Whether another node began this log: a vote was saved before there was any entry. Who founds a
  // cluster writes its first entry before it votes.
  virtual bool joined() const = 0;
  // The last entry (flushed or not). Equal to purged() when the log is empty.
  virtual log_tail tail() const = 0;
  // The last entry that was removed from the front; zero when none was.
  virtual log_tail purged() const = 0;
  // The checksum of the batch that began this log, as far as it is known although that was purged;
  // else 0.
  virtual uint64_t first() const { return 0; }
  // It is that one, says a snapshot that came in place of it: to be known as first() from the next
  // sync on, where it is not known yet.
  virtual void came_behind(uint64_t /*first*/) {}
  // The leader runs of the entries after purged(), in order: one for each change of leader.
  virtual std::vector<leader_run> runs() const = 0;

  // Nothing while all is there, as in a storage that never cuts damage off. Until the log ends at
  // `last` or later again, durably, the node keeps what it promised: it votes for no shorter log
  // than that, and does not stand for election.
  virtual std::optional<lost_entries> lost() const { return std::nullopt; }

  // Puts together again what damage took, out of what is left of it and what keep_aside got, once
  // all of it is there: each call the next piece, durable when it returns, until lost() is empty.
  // Else what is missing, of which others may have a copy. Nothing, and no piece either, where that
  // cannot be told, nothing is lost, or there is no room on the disk. It is the log as it was, so
  // no promise is touched by it.
  virtual absl::StatusOr<std::optional<missing_batches>> restore() { return std::nullopt; }
  // Keeps consecutive batches of what restore() misses, durably but not in the log. Where there is
  // no room for them on the disk, they are not kept.
  virtual absl::Status keep_aside(std::span<const batch_ptr>) { return absl::OkStatus(); }

  // -- writes -----------------------------------------------------------------------------------

  // Durable when it returns, together with all that was appended before.
  virtual absl::Status save_vote(const vote& v) = 0;
  // Adds batches at the end: the first index must be tail().last.index + 1 and previous_checksum()
  // must be tail().checksum, likewise from batch to batch; kFailedPrecondition otherwise, with
  // nothing changed. Readable when it returns, durable after the next sync().
  virtual absl::Status append(std::span<const batch_ptr> batches) = 0;
  // Makes all that was appended or truncated before durable. Cheap when nothing is dirty.
  virtual absl::Status sync() = 0;
  // Removes all entries after `last` (exclusive) from the end, never leaving a hole. `last` must be
  // the end of a batch or purged().last; kInvalidArgument otherwise. Durable after the next sync().
  virtual absl::Status truncate_after(log_index last) = 0;
  // Forgets all entries up to `last`, rounded down to the end of a batch. Needs no flush: after a
  // restart an older purge may be in force.
  virtual absl::Status purge(log_index last) = 0;
  // Forgets the whole log and starts it again after `to`: a snapshot that ends there has replaced
  // it. Durable when it returns; after a crash meanwhile the old log is there, or the empty new
  // one.
  virtual absl::Status reset(const log_tail& to) = 0;

  // -- looking after what is there --------------------------------------------------------------

  // Checks the next `most` bytes of what is on the disk, at least one batch, and mends what it has
  // another copy of. True when it has seen all and begins again. kDataLoss, with file and offset,
  // when something is damaged; it is final, as an error of a write is.
  virtual absl::StatusOr<bool> scrub(byte_count) { return true; }

  // -- room on the disk -------------------------------------------------------------------------

  // False when the disk is full. What is under way still fits: as much as the storage keeps in
  // reserve, a segment of 64 MiB in `durable_storage`; whoever fills that too meets an error, and
  // the end of all writing. Votes and purges need no room. Always true where there is no disk.
  virtual bool has_room() const = 0;
  // Looks for the reserve again, where it is missing. An error is one of the file system, and
  // sticky; a disk that is still full is none.
  virtual absl::Status make_room() = 0;

  // -- reads ------------------------------------------------------------------------------------

  // Whole batches in order, from the one that contains `from`; at least one, then as many more as
  // fit into `most` bytes. Verified. kOutOfRange when `from` is purged or beyond the tail;
  // kDataLoss, with file and offset, when the bytes are damaged.
  virtual absl::StatusOr<std::vector<batch_ptr>> read(log_index from, byte_count most) = 0;
  // What another node misses: the newest batches of that stretch, in order, as many as fit into
  // `most` bytes, at least the one at its end; none where that one is not here. In the log, and
  // where damage took something, in what is left of that. Errors as of read.
  virtual absl::StatusOr<std::vector<batch_ptr>> find(const missing_batches& wanted,
                                                      byte_count most);
};

}  // namespace troupe::storage
