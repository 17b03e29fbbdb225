// The replicated key-value store with its state in RocksDB, for states that are larger than memory.
// It answers every command with the same bytes as the machine in memory (commands.h).
//
//   <dir>/state        the database
//   <dir>/checkpoint   what a snapshot is read from, while it is read
//   <dir>/incoming     a snapshot on its way to take the place of the state
//   <dir>/old          the state that was replaced, until it is removed
//   <dir>/damaged      empty: the state is, which was found while it was in use
//
// After a crash the state is an earlier one, and the node applies the log from there again. What is
// not the state of this node's log, or cannot be opened, is thrown away: snapshot and log make it
// anew.
//
// One thread at a time. Errors of the disk are thrown as machine.h says, and end the node.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "actors/machine.h"
#include "rocksdb/options.h"
#include "tools/kv/commands.h"
#include "tools/kv/rocksdb_state.h"

namespace troupe::kv {

// Bytes of memory that a database may take; beside them are its tables' blocks that are being read,
// and what one load of commands changes.
struct database_memory {
  size_t cache = 64 << 20;         // blocks, indices and filters of its tables
  size_t write_buffer = 16 << 20;  // two of them: a snapshot begins with writing one
};
// Files that one has open at most, beside some for its own log.
inline constexpr int machine_files = 256;
rocksdb::Options options_for_a_machine(const database_memory& memory = {});

struct rocksdb_machine_options {
  std::string dir;           // for it alone; made when it is missing
  uint64_t incarnation = 0;  // of the node's log: log_storage::incarnation
  rocksdb::Options database = options_for_a_machine();
};

class rocksdb_machine final : public troupe::machine {
 public:
  // Errors are those of the disk, which neither snapshot nor log can mend.
  static absl::StatusOr<std::unique_ptr<rocksdb_machine>> open(rocksdb_machine_options options);
  ~rocksdb_machine() override;

  void apply(log_index first, frames_view batch, frames& results) override;
  void query(std::string_view question, frames& results) override;
  // A checkpoint: it writes what is in memory, and links the files. Null, with a line in the log,
  // where there is no room for that.
  std::unique_ptr<snapshot_source> begin_snapshot() override;
  // Takes both forms of snapshots: those of this machine and those of the one in memory.
  absl::Status restore(snapshot_source& from) override;
  log_index applied() const override { return state_->applied(); }
  void skip(log_index last) override;
  bool blocks() const override { return true; }
  // Throws away all that there is, for a log that has lost what was applied.
  absl::Status start_anew();

  store& data() { return state_->data(); }
  const sessions& known_sessions() const { return state_->known(); }

 private:
  explicit rocksdb_machine(rocksdb_machine_options options);

  std::string path(const char* name) const { return options_.dir + "/" + name; }
  absl::Status tidy_up();
  absl::Status remove_damaged();
  absl::Status remove_state();
  absl::Status open_state();
  template <class Call>
  void watch_for_damage(Call call);
  void note_damage(const std::string& why);
  bool has_room() const;
  absl::Status receive(snapshot_source& from);
  absl::Status swap();

  const rocksdb_machine_options options_;
  rocksdb::FileSystem& files_;
  std::unique_ptr<rocksdb_state> state_;
  std::unique_ptr<commands> commands_;  // over state_
  std::string damage_;                  // why the state is thrown away at the next start
};

}  // namespace troupe::kv
