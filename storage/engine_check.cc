#include "storage/engine_check.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

#include "storage/identity.h"

namespace troupe::storage {

absl::Status check_engine(env& files, const std::string& dir, engine mine) {
  const auto holds_any = [&](const std::string& of, auto&& wanted) {
    const auto names = files.list(of);
    return names.ok() && std::ranges::any_of(*names, wanted);
  };
  if (mine == engine::files &&
      holds_any(absl::StrCat(dir, "/", rocksdb_dir_name), [](const auto&) { return true; }))
    return absl::FailedPreconditionError(
        absl::StrCat("data directory ", dir, " was written by the engine on RocksDB"));
  if (mine == engine::rocksdb && holds_any(dir, [](const auto& name) {
        return name == identity_file || name == unfinished_identity_file;
      }))
    return absl::FailedPreconditionError(
        absl::StrCat("data directory ", dir, " was written by the engine on files"));
  return absl::OkStatus();
}

}  // namespace troupe::storage
