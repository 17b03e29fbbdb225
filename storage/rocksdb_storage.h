// Vote and log in a column family of a RocksDB database: for those who want one engine for log and
// state.
//
// The database is the caller's, who may keep a state machine in other column families of it, and
// write there from other threads. Its write-ahead log is the one serial order of vote and log; a
// sync covers all of it. rocksdb_records.h has the keys, FORMAT.md what happens at a crash.
//
// Which options matter: `wal_recovery_mode` must be kPointInTimeRecovery (RocksDB's default), the
// only mode that opens after every power cut; what it can not tell, damage from a torn write, the
// mark beside the database does (sync_mark.h). `paranoid_checks` stays on,
// `unordered_write` off. `track_and_verify_wals_in_manifest` stays off: it raises false alarms in
// RocksDB 7.8. on_rocksdb.h has options whose memory is bounded.
//
// In memory here: the leader runs, and the newest batches up to a bound.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <rocksdb/db.h>

#include "storage/leader_runs.h"
#include "storage/log_storage.h"
#include "storage/posix_env.h"
#include "storage/recent_batches.h"
#include "storage/rocksdb_records.h"
#include "storage/sync_mark.h"

namespace troupe::storage {

struct rocksdb_options {
  // Whose data this is; the column family must be empty or this node's.
  node_id node;
  // A random number. An empty column family keeps it for ever, another has its own.
  uint64_t incarnation = 0;
  sync_mode sync = sync_mode::always;
  // Bound on the newest batches that are kept in memory.
  byte_count cache = MiB(16);
  // has_room() is false when less than this is free on the disk. It is watched, not held: RocksDB
  // has no way to hold it, and another program can take it. It has room for what is under way, for
  // the memtables of on_rocksdb.h when they are flushed, and for their next write-ahead log.
  byte_count reserve = MiB(256);
};

class rocksdb_storage final : public log_storage {
 public:
  // Opens what `family` holds, or sets it up. All that the result reports is durable. `db` and
  // `family` must outlive it; nobody else writes to `family`.
  //
  // kFailedPrecondition when it is another node's; kDataLoss when something that was durable is
  // damaged or missing; kUnimplemented when a newer Troupe wrote it; kInvalidArgument when the
  // database was opened with options that may lose what was durable. One line that names the path.
  static absl::StatusOr<std::unique_ptr<rocksdb_storage>> open(rocksdb::DB& db,
                                                               rocksdb::ColumnFamilyHandle& family,
                                                               const rocksdb_options& options);

  uint64_t incarnation() const override { return state_.owner.incarnation; }
  vote saved_vote() const override { return state_.voted; }
  bool joined() const override { return state_.joined; }
  log_tail tail() const override { return tail_; }
  log_tail purged() const override { return state_.purged; }
  std::vector<leader_run> runs() const override { return runs_.all(); }

  absl::Status save_vote(const vote& v) override;
  absl::Status append(std::span<const batch_ptr> batches) override;
  absl::Status sync() override;
  absl::Status truncate_after(log_index last) override;
  absl::Status purge(log_index last) override;
  absl::Status reset(const log_tail& to) override;

  bool has_room() const override;
  absl::Status make_room() override { return failure_; }
  absl::StatusOr<std::vector<batch_ptr>> read(log_index from, byte_count most) override;

 private:
  rocksdb_storage(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family,
                  const rocksdb_options& options);

  absl::Status set_up();
  absl::Status recover(const std::string& state);
  // Removes what is behind tail(). After a power cut the end of one write-ahead log may be missing
  // and the next one there: nothing of either was durable.
  absl::Status cut_off(const absl::Status& why);
  // Gives the batches from the one that contains `from` on to `visit`, in order and verified, until
  // it returns false. kFailedPrecondition where one does not follow the one before it.
  absl::Status scan(log_index from, absl::FunctionRef<bool(const batch_record&)> visit) const;
  // Where a log ends that is cut at `last`, or before it when that is inside a batch.
  absl::StatusOr<log_tail> end_before(log_index last) const;

  // The same error, with the path.
  absl::Status here(const absl::Status& what) const;

  absl::Status write(rocksdb::WriteBatch& changes);
  // Writes `changes` and the state that they lead to, as one.
  absl::Status write_state(const state_record& next,
                           rocksdb::WriteBatch changes = rocksdb::WriteBatch());
  // Remembers the first failure: it answers all later writes.
  absl::Status outcome_of(absl::Status write);
  absl::Status outcome_of(const rocksdb::Status& write);

  rocksdb::DB& db_;
  rocksdb::ColumnFamilyHandle& family_;
  const rocksdb_options options_;
  const std::string path_;  // of the database, for errors
  std::unique_ptr<sync_mark> mark_;
  state_record state_;
  leader_runs runs_;
  recent_batches recent_;
  log_tail tail_;
  uint64_t number_ = 0;  // of the last write
  bool dirty_ = false;   // something was written since the last sync
  absl::Status failure_;
};

// The file name of the mark of `family`, in the directory of its database.
std::string mark_name(const std::string& family);

}  // namespace troupe::storage
