#include "tools/ctl/backup.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "storage/posix_env.h"
#include "storage/snapshot_file.h"
#include "tools/ctl/data_dirs.h"

namespace troupe::tools {
namespace {

absl::StatusOr<snapshot_name> receive(session& s, storage::file& to,
                                      const std::function<void(uint64_t, uint64_t)>& progress) {
  backup_request next;
  for (;;) {
    auto piece = s.node.ask<backup_reply>(next, s.chosen.patience);
    if (!piece)
      return absl::UnavailableError(
          "no answer in time, or the snapshot was replaced meanwhile and its node started again; "
          "try again");
    if (piece->bytes.empty()) return piece->of;
    if (auto w = to.write(next.offset, piece->bytes); !w.ok()) return w;
    next = {piece->of, next.offset + piece->bytes.size()};
    progress(next.offset, piece->of.size);
  }
}

absl::Status verify(storage::env& files, const std::string& path, const snapshot_name& name) {
  const auto copy = storage::snapshot_reader::open(files, path);
  if (!copy.ok()) return copy.status();
  if ((*copy)->name() != name)
    return absl::DataLossError(absl::StrCat(path, ": it is not what was sent"));
  return (*copy)->verify();
}

}  // namespace

absl::Status check_backup_file(const std::string& file) {
  std::error_code none;
  if (file.empty()) return absl::InvalidArgumentError("FILE: it is empty");
  if (std::filesystem::exists(file, none))
    return absl::FailedPreconditionError(absl::StrCat(file, ": it is there already"));
  if (is_below_data_dir(file))
    return absl::FailedPreconditionError(
        absl::StrCat(file, ": that is in the data directory of a node; choose another place"));
  return absl::OkStatus();
}

absl::StatusOr<snapshot_name> copy_snapshot(
    session& s, const std::string& file, const std::function<void(uint64_t, uint64_t)>& progress) {
  const auto files = storage::make_posix_env(storage::sync_mode::always);
  std::error_code none;
  const auto part = file + ".part";
  std::filesystem::remove(part, none);  // of an earlier try
  auto to = files->open(part, storage::open_mode::create);
  if (!to.ok()) return to.status();
  auto name = receive(s, **to, progress);
  absl::Status end = name.status();
  if (end.ok()) end = (*to)->sync();
  if (end.ok()) end = verify(*files, part, *name);
  if (end.ok()) end = files->rename(part, file);
  if (end.ok()) {
    const auto dir = std::filesystem::path(file).parent_path().string();
    end = files->sync_dir(dir.empty() ? "." : dir);
  }
  if (end.ok()) return name;
  std::filesystem::remove(part, none);
  return end;
}

}  // namespace troupe::tools
