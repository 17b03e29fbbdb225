#include "storage/rocksdb_on_env.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

namespace troupe::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus from_absl(const absl::Status& s) {
  if (s.ok()) return IOStatus::OK();
  const std::string text(s.message());
  if (absl::IsNotFound(s)) return IOStatus::PathNotFound(text);
  if (absl::IsResourceExhausted(s)) return IOStatus::NoSpace(text);
  return IOStatus::IOError(text);
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// RocksDB writes "dir/" as well.
std::string dir_name(const std::string& path) {
  return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

// The disk, and the lock that lets RocksDB's threads share it.
struct shared_disk {
  memory_env& files;
  std::mutex lock;
};

// One open file, in all the forms that RocksDB knows.
class open_file {
 public:
  open_file(shared_disk& disk, std::unique_ptr<file> to) : disk_(disk), file_(std::move(to)) {}

  IOStatus write(uint64_t offset, const Slice& bytes) {
    const std::lock_guard hold(disk_.lock);
    return from_absl(file_->write(offset, bytes.ToStringView()));
  }
  IOStatus read(uint64_t offset, size_t length, Slice* result, char* room) const {
    const std::lock_guard hold(disk_.lock);
    const auto bytes = file_->read(offset, length);
    if (!bytes.ok()) return from_absl(bytes.status());
    std::memcpy(room, bytes->data(), bytes->size());
    *result = Slice(room, bytes->size());
    return IOStatus::OK();
  }
  IOStatus truncate(uint64_t size) {
    const std::lock_guard hold(disk_.lock);
    return from_absl(file_->truncate(size));
  }
  IOStatus sync() {
    const std::lock_guard hold(disk_.lock);
    if (auto s = file_->sync(); !s.ok()) return from_absl(s);
    return from_absl(disk_.files.sync_dir(parent_of(file_->path())));
  }
  uint64_t size() const {
    const std::lock_guard hold(disk_.lock);
    return file_->size().value_or(0);
  }

 private:
  shared_disk& disk_;
  std::unique_ptr<file> file_;
};

class sequential final : public rocksdb::FSSequentialFile {
 public:
  explicit sequential(open_file f) : file_(std::move(f)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* room, IODebugContext*) override {
    auto s = file_.read(at_, n, result, room);
    if (s.ok()) at_ += result->size();
    return s;
  }
  IOStatus Skip(uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

 private:
  const open_file file_;
  uint64_t at_ = 0;
};

class random_access final : public rocksdb::FSRandomAccessFile {
 public:
  explicit random_access(open_file f) : file_(std::move(f)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* room,
                IODebugContext*) const override {
    return file_.read(offset, n, result, room);
  }

 private:
  const open_file file_;
};

class writable final : public rocksdb::FSWritableFile {
 public:
  explicit writable(open_file f) : file_(std::move(f)), size_(file_.size()) {}
  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& bytes, const IOOptions&, IODebugContext*) override {
    auto s = file_.write(size_, bytes);
    if (s.ok()) size_ += bytes.size();
    return s;
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    if (size != size_) {
      if (auto s = file_.truncate(size); !s.ok()) return s;
    }
    size_ = size;
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return file_.sync(); }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  open_file file_;
  uint64_t size_;
};

class random_write final : public rocksdb::FSRandomRWFile {
 public:
  explicit random_write(open_file f) : file_(std::move(f)) {}
  IOStatus Write(uint64_t offset, const Slice& bytes, const IOOptions&, IODebugContext*) override {
    return file_.write(offset, bytes);
  }
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* room,
                IODebugContext*) const override {
    return file_.read(offset, n, result, room);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return file_.sync(); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  open_file file_;
};

class directory final : public rocksdb::FSDirectory {
 public:
  directory(shared_disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    return from_absl(disk_.files.sync_dir(path_));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  shared_disk& disk_;
  const std::string path_;
};

struct held_lock final : rocksdb::FileLock {
  explicit held_lock(std::unique_ptr<dir_lock> l) : lock(std::move(l)) {}
  const std::unique_ptr<dir_lock> lock;
};

class file_system final : public rocksdb::FileSystem {
 public:
  file_system(memory_env& files, const uint64_t* capacity) : disk_{files, {}}, capacity_(capacity) {
    files.keep_files_in_order();
  }
  const char* Name() const override { return "troupe_env"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext*) override {
    return open_as<sequential>(path, open_mode::existing, result);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext*) override {
    return open_as<random_access>(path, open_mode::existing, result);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext*) override {
    {
      const std::lock_guard hold(disk_.lock);
      if (auto s = disk_.files.remove(path); !s.ok() && !absl::IsNotFound(s)) return from_absl(s);
    }
    return open_as<writable>(path, open_mode::create, result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext*) override {
    return open_as<writable>(path, open_mode::existing, result);
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                           IODebugContext*) override {
    return open_as<random_write>(path, open_mode::existing, result);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) override {
    *result = std::make_unique<directory>(disk_, dir_name(path));
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    const auto s = disk_.files.open(path, open_mode::existing).status();
    // Of archived logs there are none; RocksDB 7.8 aborts where it hears anything else than that.
    const bool archive = path.ends_with("/archive");
    return absl::IsNotFound(s) || (archive && !s.ok()) ? IOStatus::NotFound(path) : from_absl(s);
  }
  IOStatus GetChildren(const std::string& dir, const IOOptions&, std::vector<std::string>* result,
                       IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    auto names = disk_.files.list(dir_name(dir));
    if (names.ok()) *result = *std::move(names);
    return from_absl(names.status());
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    return from_absl(disk_.files.remove(path));
  }
  IOStatus CreateDir(const std::string& dir, const IOOptions&, IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    return from_absl(disk_.files.create_dirs(dir_name(dir)));
  }
  IOStatus CreateDirIfMissing(const std::string& dir, const IOOptions& o,
                              IODebugContext* debug) override {
    return CreateDir(dir, o, debug);
  }
  IOStatus DeleteDir(const std::string& dir, const IOOptions&, IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    const auto names = disk_.files.list(dir_name(dir));
    if (!names.ok()) return from_absl(names.status());
    if (!names->empty()) return IOStatus::IOError(dir + ": it is not empty");
    // A journal has it behind the names that were in it.
    if (auto s = disk_.files.sync_dir(dir_name(dir)); !s.ok()) return from_absl(s);
    return from_absl(disk_.files.remove(dir_name(dir)));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                       IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    const auto found = disk_.files.open(path, open_mode::existing);
    if (!found.ok()) return from_absl(found.status());
    *size = (*found)->size().value_or(0);
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t* time,
                                   IODebugContext*) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    return from_absl(disk_.files.rename(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** result,
                    IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    auto lock = disk_.files.lock_dir(parent_of(path));
    if (lock.ok()) *result = new held_lock(*std::move(lock));
    return from_absl(lock.status());
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* result,
                           IODebugContext*) override {
    *result = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is,
                       IODebugContext*) override {
    const std::lock_guard hold(disk_.lock);
    *is = disk_.files.list(dir_name(path)).ok();
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string&, const IOOptions&, uint64_t* free,
                        IODebugContext*) override {
    if (capacity_ == nullptr) return IOStatus::NotSupported();
    const std::lock_guard hold(disk_.lock);
    *free = *capacity_ - std::min(*capacity_, disk_.files.used());
    return IOStatus::OK();
  }

 private:
  template <class Form, class Base>
  IOStatus open_as(const std::string& path, open_mode mode, std::unique_ptr<Base>* result) {
    std::unique_lock hold(disk_.lock);
    auto opened = disk_.files.open(path, mode);
    hold.unlock();
    if (!opened.ok()) return from_absl(opened.status());
    *result = std::make_unique<Form>(open_file(disk_, *std::move(opened)));
    return IOStatus::OK();
  }

  shared_disk disk_;
  const uint64_t* const capacity_;
};

// After an error in the background RocksDB sleeps a second, in case it goes away; here none does.
class sleepless final : public rocksdb::SystemClockWrapper {
 public:
  sleepless() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "sleepless"; }
  void SleepForMicroseconds(int) override {}
};

class whole_env final : public rocksdb::EnvWrapper {
 public:
  explicit whole_env(const std::shared_ptr<file_system>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    file_system_ = files;
    system_clock_ = std::make_shared<sleepless>();
  }
  const char* Name() const override { return "troupe_env"; }
};

}  // namespace

std::unique_ptr<rocksdb::Env> make_rocksdb_env(memory_env& files, const uint64_t* capacity) {
  return std::make_unique<whole_env>(std::make_shared<file_system>(files, capacity));
}

}  // namespace troupe::storage
