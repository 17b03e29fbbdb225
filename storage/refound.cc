#include "storage/refound.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

#include "storage/reseal.h"
#include "storage/reseal_snapshot.h"
#include "storage/snapshot_store.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

constexpr char unfinished_record[] = "RECOVERED.new";
constexpr byte_count chunk = MiB(8);

std::string built_at(const std::string& dir) { return dir + ".recovering"; }
std::string log_of(const std::string& dir) { return dir + "/log"; }

std::string parent_of(const std::string& dir) {
  const auto slash = dir.find_last_of('/');
  if (slash == 0) return "/";
  return slash == std::string::npos ? "." : dir.substr(0, slash);
}

absl::StatusOr<bool> exists(env& files, const std::string& dir) {
  const auto names = files.list(dir);
  if (absl::IsNotFound(names.status())) return false;
  TROUPE_TRY(names.status());
  return true;
}

absl::StatusOr<bool> has(env& files, const std::string& dir, const std::string& name) {
  TROUPE_TRY_LET(const auto names, files.list(dir));
  return std::ranges::count(names, name) != 0;
}

absl::Status remove_all_but(env& files, const std::string& dir, const std::string& kept) {
  TROUPE_TRY_LET(const auto names, files.list(dir));
  for (const auto& name : names)
    if (name != kept) TROUPE_TRY(files.remove(dir + "/" + name));
  return files.sync_dir(dir);
}

// What an interrupted try left. The file that tells so goes last.
absl::Status clear(env& files, const std::string& built) {
  TROUPE_TRY_LET(const bool there, exists(files, built));
  if (!there) return absl::OkStatus();
  TROUPE_TRY_LET(const bool left_over, has(files, built, unfinished_record));
  TROUPE_TRY_LET(const auto names, files.list(built));
  if (!left_over && names.empty()) return absl::OkStatus();
  if (!left_over)
    return absl::FailedPreconditionError(
        absl::StrCat(built, ": no earlier try left it; move it away first"));
  for (const auto& below : {log_of(built), snapshots_of(built)}) {
    TROUPE_TRY_LET(const bool made, exists(files, below));
    if (made) TROUPE_TRY(remove_all_but(files, below, ""));
  }
  TROUPE_TRY(remove_all_but(files, built, unfinished_record));
  return remove_all_but(files, built, "");
}

absl::Status write_record(env& files, const std::string& built, const std::string& text) {
  TROUPE_TRY(files.create_dirs(built));
  TROUPE_TRY_LET(const auto to, files.open(built + "/" + unfinished_record, open_mode::create));
  TROUPE_TRY(to->write(0, text));
  TROUPE_TRY(to->sync());
  return files.sync_dir(built);
}

// The log of `built` begins behind this snapshot.
absl::Status begin_with(env& files, snapshot_reader& from, const std::string& built,
                        const refounding& how, durable_storage& to) {
  TROUPE_TRY_LET(const auto snapshots, snapshot_store::open(files, snapshots_of(built)));
  TROUPE_TRY_LET(const auto end, reseal_snapshot(from, *how.first, how.leader, *snapshots));
  return to.reset(end);
}

// The snapshot that a log without its beginning goes on from.
absl::StatusOr<std::unique_ptr<snapshot_reader>> beginning_of(env& files, durable_storage& log,
                                                              const std::string& dir) {
  TROUPE_TRY_LET(const auto snapshots, snapshot_store::open(files, snapshots_of(dir)));
  const auto& newest = snapshots->newest();
  if (!newest || newest->meta.last.last.index < log.purged().last.index)
    return absl::FailedPreconditionError(absl::StrCat("the log begins behind entry ",
                                                      log.purged().last.index.value,
                                                      ", and no snapshot has what was before"));
  return snapshots->read();
}

absl::Status copy_log(durable_storage& from, const refounding& how, durable_storage& to) {
  if (!to.tail().last) TROUPE_TRY(to.append({{how.first}}));
  while (to.tail().last.index < from.tail().last.index) {
    TROUPE_TRY_LET(const auto some, from.read(to.tail().last.index.next(), chunk));
    std::vector<batch_ptr> resealed;
    log_tail end = to.tail();
    for (const auto& b : some) {
      resealed.push_back(reseal(*b, how.leader, end));
      end = resealed.back()->tail();
    }
    TROUPE_TRY(to.append(resealed));
    TROUPE_TRY(to.sync());
  }
  // Behind the first entry: whoever saves a vote before it has joined the log of another node.
  return to.save_vote({how.leader, true});
}

absl::Status build(env& files, durable_storage& old, const std::string& old_dir,
                   const std::string& built, const refounding& how, const log_options& log) {
  TROUPE_TRY(write_record(files, built, how.record));
  TROUPE_TRY_LET(const auto made, durable_storage::open(files, {.dir = built,
                                                                .node = old.owner().node,
                                                                .incarnation = how.incarnation,
                                                                .log = log}));
  if (old.purged().last) {
    TROUPE_TRY_LET(const auto from, beginning_of(files, old, old_dir));
    TROUPE_TRY(begin_with(files, *from, built, how, *made));
  }
  return copy_log(old, how, *made);
}

absl::Status build_with_backup(env& files, const std::string& file, const std::string& built,
                               node_id node, const refounding& how) {
  TROUPE_TRY_LET(const auto from, snapshot_reader::open(files, file));
  TROUPE_TRY(from->verify());
  TROUPE_TRY(write_record(files, built, how.record));
  TROUPE_TRY_LET(
      const auto made,
      durable_storage::open(
          files, {.dir = built, .node = node, .incarnation = how.incarnation, .log = {}}));
  TROUPE_TRY(begin_with(files, *from, built, how, *made));
  return made->save_vote({how.leader, true});
}

// All that is below a directory is durable before it gets another name.
absl::Status sync_names(env& files, const std::string& dir) {
  for (const auto& below : {log_of(dir), snapshots_of(dir)}) {
    TROUPE_TRY_LET(const bool made, exists(files, below));
    if (made) TROUPE_TRY(files.sync_dir(below));
  }
  return files.sync_dir(dir);
}

}  // namespace

std::string put_aside(const std::string& dir) { return dir + ".before-recovery"; }

absl::StatusOr<bool> refounding_interrupted(env& files, const std::string& dir) {
  return has(files, dir, unfinished_record);
}

absl::Status finish_refounding(env& files, const std::string& dir) {
  // Whoever was interrupted may have left a name that is not durable.
  TROUPE_TRY(files.sync_dir(parent_of(dir)));
  TROUPE_TRY_LET(const bool old_is_there, exists(files, built_at(dir)));
  if (old_is_there) {
    TROUPE_TRY(files.rename(built_at(dir), put_aside(dir)));
    TROUPE_TRY(files.sync_dir(parent_of(dir)));
  }
  TROUPE_TRY(files.rename(dir + "/" + unfinished_record, dir + "/" + recovered_file));
  return files.sync_dir(dir);
}

absl::Status refound(env& files, durable_storage& old, const std::string& dir,
                     const refounding& how, const log_options& log) {
  const auto built = built_at(dir);
  TROUPE_TRY_LET(const bool occupied, exists(files, put_aside(dir)));
  if (occupied)
    return absl::FailedPreconditionError(
        absl::StrCat(put_aside(dir), ": it is there from an earlier recovery; move it away first"));
  TROUPE_TRY(clear(files, built));
  if (auto s = build(files, old, dir, built, how, log); !s.ok()) {
    // The disk may be full of it. What is left is cleared by the next try.
    clear(files, built).IgnoreError();
    return s;
  }
  TROUPE_TRY(sync_names(files, built));
  TROUPE_TRY(sync_names(files, dir));
  TROUPE_TRY(files.exchange(dir, built));
  return finish_refounding(files, dir);
}

absl::Status found_with_backup(env& files, const std::string& file, const std::string& dir,
                               node_id node, const refounding& how) {
  const auto built = built_at(dir);
  TROUPE_TRY_LET(const bool occupied, exists(files, dir));
  if (occupied)
    return absl::FailedPreconditionError(
        absl::StrCat(dir, ": it is there already; a backup is restored into a new directory"));
  TROUPE_TRY(clear(files, built));
  if (auto s = build_with_backup(files, file, built, node, how); !s.ok()) {
    clear(files, built).IgnoreError();
    return s;
  }
  TROUPE_TRY(sync_names(files, built));
  TROUPE_TRY(files.rename(built, dir));
  return finish_refounding(files, dir);
}

}  // namespace troupe::storage
