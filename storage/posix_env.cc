#include "storage/posix_env.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

namespace troupe::storage {
namespace {

absl::Status error(const std::string& doing, const std::string& path, int code) {
  return absl::ErrnoToStatus(code, absl::StrCat(doing, " ", path));
}

// Repeats a system call for as long as a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Never 0, 1 or 2: where a program was started without them, what it prints would go into the file.
int above_standard(int fd) {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int why = errno;
  ::close(fd);
  errno = why;
  return higher;
}

// Owns a file descriptor.
class descriptor {
 public:
  explicit descriptor(int fd) : fd_(above_standard(fd)) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class posix_file final : public file {
 public:
  posix_file(std::string path, descriptor fd, sync_mode mode)
      : file(std::move(path)), fd_(std::move(fd)), mode_(mode) {}

  absl::Status write(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto n = uninterrupted([&] {
        return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (n < 0) return error(absl::StrCat("write at ", offset, " of"), path(), errno);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> read(uint64_t offset, uint64_t length) override {
    std::string bytes(length, '\0');
    size_t have = 0;
    while (have < length) {
      const auto n = uninterrupted([&] {
        return ::pread(fd_.get(), bytes.data() + have, length - have,
                       static_cast<off_t>(offset + have));
      });
      if (n < 0) return error(absl::StrCat("read at ", offset + have, " of"), path(), errno);
      if (n == 0) break;
      have += static_cast<size_t>(n);
    }
    bytes.resize(have);
    return bytes;
  }

  // The kernel drops nothing but whole folios in the range, which are up to 2 MiB.
  void uncache(uint64_t offset, uint64_t length) override {
    constexpr uint64_t folio = 2 << 20;
    const uint64_t begin = offset / folio * folio;
    const uint64_t end = (offset + length + folio - 1) / folio * folio;
    ::posix_fadvise(fd_.get(), static_cast<off_t>(begin), static_cast<off_t>(end - begin),
                    POSIX_FADV_DONTNEED);
  }

  absl::StatusOr<uint64_t> size() override {
    struct stat facts;
    if (::fstat(fd_.get(), &facts) < 0) return error("stat", path(), errno);
    return static_cast<uint64_t>(facts.st_size);
  }

  absl::Status truncate(uint64_t size) override {
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) < 0)
      return error(absl::StrCat("truncate to ", size, " of"), path(), errno);
    size_changed_ = true;
    return absl::OkStatus();
  }

  absl::Status allocate(uint64_t size) override {
    const auto done = uninterrupted(
        [&] { return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)); });
    if (done < 0 && errno != EOPNOTSUPP && errno != ENOSYS)
      return error(absl::StrCat("allocate ", size, " bytes for"), path(), errno);
    return absl::OkStatus();
  }

  absl::Status sync() override {
    if (mode_ == sync_mode::never) return absl::OkStatus();
    // fdatasync promises only the metadata that is needed to read what was written; a cut is not
    // that.
    const bool all = std::exchange(size_changed_, false);
    if (uninterrupted([&] { return all ? ::fsync(fd_.get()) : ::fdatasync(fd_.get()); }) < 0)
      return error("sync", path(), errno);
    return absl::OkStatus();
  }

 private:
  const descriptor fd_;
  const sync_mode mode_;
  bool size_changed_ = false;
};

// flock on the directory itself: needs no file, and ends with the process.
class posix_lock final : public dir_lock {
 public:
  explicit posix_lock(descriptor fd) : fd_(std::move(fd)) {}

 private:
  const descriptor fd_;
};

class posix_env final : public env {
 public:
  explicit posix_env(sync_mode mode) : mode_(mode) {}

  absl::StatusOr<std::unique_ptr<file>> open(const std::string& path, open_mode mode) override {
    const int flags = mode == open_mode::reading  ? O_RDONLY
                      : mode == open_mode::create ? O_RDWR | O_CREAT | O_EXCL
                                                  : O_RDWR;
    descriptor fd(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }));
    if (fd.get() < 0) return error(mode == open_mode::create ? "create" : "open", path, errno);
    return std::make_unique<posix_file>(path, std::move(fd), mode_);
  }

  absl::Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) < 0) return error("remove", path, errno);
    return absl::OkStatus();
  }

  absl::Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0)
      return error(absl::StrCat("rename to ", to, " of"), from, errno);
    return absl::OkStatus();
  }

  absl::Status exchange(const std::string& a, const std::string& b) override {
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0)
      return absl::OkStatus();
    const int code = errno;
    const auto doing = absl::StrCat("exchange with ", b, " of");
    if (code == EINVAL || code == ENOSYS || code == EOPNOTSUPP)
      return absl::UnimplementedError(
          absl::StrCat(doing, " ", a, ": this file system has no such operation"));
    return error(doing, a, code);
  }

  absl::Status create_dirs(const std::string& path) override {
    struct stat facts;
    if (::stat(path.c_str(), &facts) == 0) {
      if (S_ISDIR(facts.st_mode)) return absl::OkStatus();
      return error("create directory", path, ENOTDIR);
    }
    if (errno != ENOENT) return error("create directory", path, errno);
    const auto slash = path.find_last_of('/');
    const std::string parent = slash == 0                   ? "/"
                               : slash == std::string::npos ? "."
                                                            : path.substr(0, slash);
    if (auto made = create_dirs(parent); !made.ok()) return made;
    // Only the owner may read what clients stored.
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
      return error("create directory", path, errno);
    return sync_dir(parent);
  }

  absl::StatusOr<std::vector<std::string>> list(const std::string& dir) override {
    DIR* stream = ::opendir(dir.c_str());
    if (stream == nullptr) return error("list directory", dir, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      if (entry->d_type != DT_DIR) names.emplace_back(entry->d_name);
      errno = 0;
    }
    const int code = errno;
    ::closedir(stream);
    if (code != 0) return error("list directory", dir, code);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status sync_dir(const std::string& dir) override {
    if (mode_ == sync_mode::never) return absl::OkStatus();
    descriptor fd(open_dir(dir));
    if (fd.get() < 0) return error("open directory", dir, errno);
    if (uninterrupted([&] { return ::fsync(fd.get()); }) < 0)
      return error("sync directory", dir, errno);
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<dir_lock>> lock_dir(const std::string& dir) override {
    descriptor fd(open_dir(dir));
    if (fd.get() < 0) return error("open directory", dir, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0)
      return std::make_unique<posix_lock>(std::move(fd));
    if (errno == EWOULDBLOCK)
      return absl::FailedPreconditionError(
          absl::StrCat("directory ", dir, " is in use by another process"));
    return error("lock directory", dir, errno);
  }

 private:
  static int open_dir(const std::string& dir) {
    return uninterrupted([&] { return ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  }

  const sync_mode mode_;
};

}  // namespace

std::unique_ptr<env> make_posix_env(sync_mode mode) { return std::make_unique<posix_env>(mode); }

}  // namespace troupe::storage
