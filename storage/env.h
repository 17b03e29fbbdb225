// The file system as storage needs it: the one seam between the durable engine and an operating
// system, so that tests can cut the power between any two calls (memory_env) and production runs on
// real files (posix_env).
//
// Durability is explicit and split as POSIX splits it. What is written to a file survives a crash
// after file::sync(); that a file exists, is gone or has another name survives after
// env::sync_dir() of its directory. Until then any part of it may survive, in any order, in pieces
// of 512 bytes.
//
// Every error names the file and what was being done to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace troupe::storage {

// An open file, closed by its destructor. One thread at a time.
class file {
 public:
  virtual ~file() = default;

  // Writes all of `bytes`, extending the file (with zeros up to `offset`) as needed. After an error
  // any part may have been written.
  virtual absl::Status write(uint64_t offset, std::string_view bytes) = 0;
  // Up to `length` bytes; fewer only where the file ends.
  virtual absl::StatusOr<std::string> read(uint64_t offset, uint64_t length) = 0;
  virtual absl::StatusOr<uint64_t> size() = 0;
  // A hint: the next read of this range should show what is on the disk, not what the system has in
  // memory.
  virtual void uncache(uint64_t /*offset*/, uint64_t /*length*/) {}
  // Cuts the file, or extends it with zeros. Cutting also gives back what was allocated behind
  // `size`.
  virtual absl::Status truncate(uint64_t size) = 0;
  // Reserves room for `size` bytes, so that writes below do not meet a full disk. Changes neither
  // the size nor the content. Does nothing where the file system cannot.
  virtual absl::Status allocate(uint64_t size) = 0;
  // What was written and truncated before is durable. After an error nothing may be believed
  // durable, whatever a later sync says: the kernel reports a lost page once.
  virtual absl::Status sync() = 0;

  const std::string& path() const { return path_; }

 protected:
  explicit file(std::string path) : path_(std::move(path)) {}

 private:
  std::string path_;
};

// Held while a process uses a directory; released by its destructor and by the process's end.
class dir_lock {
 public:
  virtual ~dir_lock() = default;
};

enum class open_mode {
  existing,  // kNotFound when there is none
  reading,   // the same; it is not written, so it may be on a disk that cannot be
  create,    // kAlreadyExists when there is one
};

class env {
 public:
  virtual ~env() = default;

  virtual absl::StatusOr<std::unique_ptr<file>> open(const std::string& path, open_mode mode) = 0;
  virtual absl::Status remove(const std::string& path) = 0;
  // Atomically replaces `to`. Both are in the same directory. A directory takes a name that is
  // free.
  virtual absl::Status rename(const std::string& from, const std::string& to) = 0;
  // Two directories in the same directory atomically get the names of each other. kUnimplemented,
  // with nothing changed, where the file system cannot.
  virtual absl::Status exchange(const std::string& a, const std::string& b) = 0;

  // Makes the directory and all above it that are missing; durable when it returns.
  virtual absl::Status create_dirs(const std::string& path) = 0;
  // The names of the files in a directory, sorted.
  virtual absl::StatusOr<std::vector<std::string>> list(const std::string& dir) = 0;
  virtual absl::Status sync_dir(const std::string& dir) = 0;
  // kFailedPrecondition when somebody else holds it.
  virtual absl::StatusOr<std::unique_ptr<dir_lock>> lock_dir(const std::string& dir) = 0;
};

}  // namespace troupe::storage
