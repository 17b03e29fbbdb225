// A file system in memory that can lose its power: for tests and the seeded simulation.
//
// It keeps for each file, and for each directory entry, what is durable apart from what is merely
// written. crash(seed) decides from the seed what survives: every unsynced write piece by piece
// (512 bytes, on sector boundaries), every unsynced truncation, creation, removal and rename by
// itself. That is harsher than a real disk, so what survives here survives there. A directory is
// renamed when the names in it are durable (checked), and a change in it makes its own name
// durable, as journals do.
//
// Deterministic: the same calls and the same seed give the same bytes. No clock, no other
// randomness. One thread at a time. Must outlive the files and locks it gave out.
#pragma once

#include <functional>
#include <limits>
#include <map>

#include "storage/env.h"

namespace troupe::storage {

class memory_env final : public env {
 public:
  static constexpr uint64_t sector_size = 512;

  memory_env();
  // The same disk at this moment: what is written and what is durable. No file of the copy is open,
  // none of its directories locked, no fault set.
  memory_env(const memory_env& from);
  ~memory_env() override;

  // -- power -------------------------------------------------------------------------------------

  // The power fails now and comes back: what is not durable survives as the seed wills, open files
  // and locks are dead, faults and a planned power cut are forgotten.
  void crash(uint64_t seed);
  // From now on, of the unsynced changes of one file only the first ones survive a crash, in the
  // order in which they were made: as where a file grows with its data and not before.
  void keep_files_in_order() { files_in_order_ = true; }
  // Plans a power cut at the n-th writing call from now (1 is the next). That call reaches no
  // durability but has been issued: a write may survive in part. It and all calls after it fail
  // with kAborted until crash().
  void power_off_at(uint64_t call);
  bool power_is_off() const { return power_off_; }
  // Writing calls so far (all but read, size, list, and opening what exists).
  uint64_t calls() const { return calls_; }

  // -- faults ------------------------------------------------------------------------------------

  // Asked before each writing call, with its name (that of the function in env.h) and path; an
  // error is returned in place of carrying it out.
  using fault = std::function<absl::Status(std::string_view call, const std::string& path)>;
  void set_fault(fault f) { fault_ = std::move(f); }
  // The same before each call that only reads: read, size, list, and open of what exists.
  void set_read_fault(fault f) { read_fault_ = std::move(f); }
  // The disk holds this many bytes: a write beyond does what fits and fails with
  // kResourceExhausted.
  void set_capacity(uint64_t bytes) { capacity_ = bytes; }
  // Bytes written or allocated in all files.
  uint64_t used() const;

  // -- env ---------------------------------------------------------------------------------------

  absl::StatusOr<std::unique_ptr<file>> open(const std::string& path, open_mode mode) override;
  absl::Status remove(const std::string& path) override;
  absl::Status rename(const std::string& from, const std::string& to) override;
  absl::Status exchange(const std::string& a, const std::string& b) override;
  absl::Status create_dirs(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> list(const std::string& dir) override;
  absl::Status sync_dir(const std::string& dir) override;
  absl::StatusOr<std::unique_ptr<dir_lock>> lock_dir(const std::string& dir) override;

 private:
  friend class memory_file;
  friend class memory_lock;
  struct inode;
  using names = std::map<std::string, std::shared_ptr<inode>>;

  // A change of directory entries: `gone` (if any) disappears and `name` (if any) means `node`.
  struct entry_change {
    std::string dir;
    std::string gone;
    std::string name;
    std::shared_ptr<inode> node;  // null: a directory gets the name, with all that is below it
    bool exchanges = false;       // and what had the name before gets the other one
    bool moves_dir() const { return !node && !name.empty(); }
  };

  // Counts a writing call. Not OK: do not carry it out. `last` is set on the call that the power
  // cut falls on: carry out what is not durability, then return power_error().
  absl::Status enter(std::string_view call, const std::string& path, bool* last);
  // The same for a call that only reads, and is not counted.
  absl::Status look(std::string_view call, const std::string& path) const;
  absl::Status power_error() const;
  absl::Status require_dir(const std::string& path) const;
  bool is_dir(const std::string& path) const;
  absl::Status move(const char* call, const std::string& from, const std::string& to);
  static void apply(const entry_change& change, names& to);
  void change_entry(entry_change change);

  names live_;  // of directories as well
  names durable_;
  std::vector<entry_change> unsynced_;
  fault fault_;
  fault read_fault_;
  uint64_t capacity_ = std::numeric_limits<uint64_t>::max();
  uint64_t calls_ = 0;
  uint64_t power_off_call_ = 0;  // 0: none is planned
  bool power_off_ = false;
  bool files_in_order_ = false;
  uint64_t generation_ = 0;  // counts crashes: what was opened before is dead
};

}  // namespace troupe::storage
