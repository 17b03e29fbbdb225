#include "tools/kv/rocksdb_files.h"

#include <algorithm>

#include "tools/kv/rocksdb_error.h"

namespace troupe::kv {

absl::StatusOr<bool> exists(rocksdb::FileSystem& files, const std::string& path) {
  const auto found = files.FileExists(path, {}, nullptr);
  if (found.IsNotFound() || found.IsPathNotFound()) return false;
  if (!found.ok()) return status_of(found, path);
  return true;
}

absl::Status make_dir(rocksdb::FileSystem& files, const std::string& dir) {
  return status_of(files.CreateDirIfMissing(dir, {}, nullptr), dir);
}

absl::StatusOr<std::vector<std::string>> list(rocksdb::FileSystem& files, const std::string& dir) {
  std::vector<std::string> names;
  if (auto s = files.GetChildren(dir, {}, &names, nullptr); !s.ok()) return status_of(s, dir);
  std::erase(names, ".");
  std::erase(names, "..");
  std::ranges::sort(names);
  return names;
}

absl::Status remove_tree(rocksdb::FileSystem& files, const std::string& dir) {
  const auto there = exists(files, dir);
  if (!there.ok() || !*there) return there.status();
  const auto names = list(files, dir);
  if (!names.ok()) return names.status();
  for (const auto& name : *names) {
    const auto path = dir + "/" + name;
    bool is_dir = false;
    if (auto s = files.IsDirectory(path, {}, &is_dir, nullptr); !s.ok()) return status_of(s, path);
    const auto removed =
        is_dir ? remove_tree(files, path) : status_of(files.DeleteFile(path, {}, nullptr), path);
    if (!removed.ok()) return removed;
  }
  return status_of(files.DeleteDir(dir, {}, nullptr), dir);
}

absl::Status rename(rocksdb::FileSystem& files, const std::string& from, const std::string& to) {
  return status_of(files.RenameFile(from, to, {}, nullptr), from);
}

absl::Status sync_dir(rocksdb::FileSystem& files, const std::string& dir) {
  std::unique_ptr<rocksdb::FSDirectory> opened;
  if (auto s = files.NewDirectory(dir, {}, &opened, nullptr); !s.ok()) return status_of(s, dir);
  return status_of(opened->Fsync({}, nullptr), dir);
}

}  // namespace troupe::kv
