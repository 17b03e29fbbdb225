#include "storage/snapshot_store.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "proto/trace.h"
#include "storage/files.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr const char* complete = ".snapshot";
constexpr const char* unfinished = ".part";

// In the order of their names the newest is the last.
std::string name_of(const snapshot_meta& meta) {
  const auto& last = meta.last.last;
  return absl::StrFormat("%020d-%020d-%020d", last.index.value, last.leader.in.value,
                         last.leader.node.value);
}

}  // namespace

absl::StatusOr<std::unique_ptr<snapshot_store>> snapshot_store::open(env& files,
                                                                     const std::string& dir) {
  TROUPE_TRY(files.create_dirs(dir));
  auto opened = std::unique_ptr<snapshot_store>(new snapshot_store(files, dir));
  TROUPE_TRY_LET(const auto names, files.list(dir));
  std::string newest;
  for (const auto& name : names)
    if (absl::EndsWith(name, complete)) newest = name;
  if (!newest.empty()) {
    const auto path = dir + "/" + newest;
    TROUPE_TRY_LET(const auto from, snapshot_reader::open(files, path));
    if (name_of(from->meta()) + complete != newest)
      return absl::DataLossError(absl::StrCat(path, " at offset 0: this is another snapshot"));
    opened->newest_ = {from->meta(), path, from->size()};
    TROUPE_EVENT(info) << "the newest snapshot is " << path << ", of " << from->size() << " bytes";
  }
  TROUPE_TRY(opened->tidy_up());
  return opened;
}

// A name that is not durable yet becomes so here, before anything that it replaces is removed.
absl::Status snapshot_store::tidy_up() {
  TROUPE_TRY(files_.sync_dir(dir_));
  TROUPE_TRY_LET(const auto names, files_.list(dir_));
  for (const auto& name : names) {
    const auto path = dir_ + "/" + name;
    const bool ours = absl::EndsWith(name, complete) || absl::EndsWith(name, unfinished);
    if (ours && (!newest_ || path != newest_->path)) TROUPE_TRY(files_.remove(path));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<snapshot_reader>> snapshot_store::read() const {
  if (!newest_) return absl::NotFoundError(absl::StrCat(dir_, ": there is no snapshot"));
  return snapshot_reader::open(files_, newest_->path);
}

std::string snapshot_store::part_of(const snapshot_meta& meta) const {
  return absl::StrCat(dir_, "/", name_of(meta), unfinished);
}

absl::StatusOr<std::unique_ptr<snapshot_writer>> snapshot_store::begin(const snapshot_meta& meta) {
  TROUPE_TRY(give_up());
  begun_ = meta;
  return snapshot_writer::create(files_, part_of(meta), meta);
}

absl::Status snapshot_store::give_up() {
  if (!begun_) return absl::OkStatus();
  const auto path = part_of(*begun_);
  begun_.reset();
  return remove_if_there(files_, path);
}

absl::Status snapshot_store::keep() {
  if (!begun_) return absl::FailedPreconditionError(absl::StrCat(dir_, ": none was begun"));
  const auto path = absl::StrCat(dir_, "/", name_of(*begun_), complete);
  TROUPE_TRY(files_.rename(part_of(*begun_), path));
  TROUPE_TRY(files_.sync_dir(dir_));
  begun_.reset();
  TROUPE_TRY_LET(const auto kept, snapshot_reader::open(files_, path));
  newest_ = {kept->meta(), path, kept->size()};
  TROUPE_EVENT(info) << "kept the snapshot " << path << ", of " << kept->size() << " bytes";
  return tidy_up();
}

}  // namespace troupe::storage
