// The state of a key-value machine in one database: keys, sessions, and which entry of the log it
// ends with.
//
// What is committed is one write without a write-ahead log: the log of the node is the durable
// thing. After a crash the database is what some commit left, an earlier one than the last; flush()
// makes the last one durable.
//
// Sessions are in memory too: they are bounded.
//
// One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "tools/kv/rocksdb_records.h"
#include "tools/kv/rocksdb_store.h"
#include "tools/kv/sessions.h"

namespace troupe::kv {

class rocksdb_state {
 public:
  // Opens the database at `path`, or makes an empty one, if the options say so. kDataLoss where it
  // is damaged or not the state of a machine; other errors are those of the disk.
  static absl::StatusOr<std::unique_ptr<rocksdb_state>> open(const rocksdb::Options& options,
                                                             const std::string& path);

  rocksdb_store& data() { return data_; }
  sessions& known() { return known_; }
  // As of the last commit.
  log_index applied() const { return header_.applied; }
  uint64_t incarnation() const { return header_.incarnation; }
  // From the next commit on.
  void set_incarnation(uint64_t of_log) { header_.incarnation = of_log; }
  rocksdb::DB& database() { return *db_; }

  // All that changed since the last one, at once. Throws as rocksdb_error.h says, and so do reads.
  void commit(log_index applied);
  absl::Status flush();

 private:
  rocksdb_state(std::unique_ptr<rocksdb::DB> db, const state_header& header);
  absl::Status load_sessions();

  const std::unique_ptr<rocksdb::DB> db_;
  state_header header_;
  rocksdb_store data_;
  std::vector<std::string> forgotten_;  // sessions since the last commit
  sessions known_;
  uint64_t written_uses_ = 0;  // sessions up to this use are in the database
};

}  // namespace troupe::kv
