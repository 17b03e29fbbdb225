#include "storage/durable_storage.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "proto/trace.h"
#include "storage/append_check.h"
#include "storage/files.h"
#include "storage/log_repair.h"
#include "storage/promise_file.h"
#include "storage/segment_format.h"
#include "storage/snapshot_store.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

std::string log_dir_of(const std::string& dir) { return dir + "/log"; }

absl::StatusOr<std::vector<std::string>> segments_in(env& files, const std::string& log_dir) {
  auto names = files.list(log_dir);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  if (names.ok())
    std::erase_if(*names, [](const auto& name) { return !parse_segment_name(name).has_value(); });
  return names;
}

// Makes room for a new set-up: nothing in a directory whose set-up was never finished counts.
// Without the sign of an unfinished set-up, a vote or a log without an identity is a loss.
absl::Status clear_unfinished(env& files, const std::string& dir) {
  TROUPE_TRY_LET(const auto names, files.list(dir));
  const auto present = [&](const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const std::string log_dir = log_dir_of(dir);
  TROUPE_TRY_LET(const auto segments, segments_in(files, log_dir));
  if (!present(unfinished_identity_file)) {
    if (!present(vote_file_name) && segments.empty()) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("data directory ", dir,
                                            " has a vote or a log but no identity: it is missing"));
  }
  TROUPE_EVENT(info) << "the first start in " << dir << " was interrupted: starting over";
  if (present(vote_file_name)) TROUPE_TRY(files.remove(dir + "/" + vote_file_name));
  for (const auto& name : segments) TROUPE_TRY(files.remove(log_dir + "/" + name));
  return segments.empty() ? absl::OkStatus() : files.sync_dir(log_dir);
}

}  // namespace

durable_storage::durable_storage(env& files, std::string dir, std::unique_ptr<dir_lock> lock,
                                 const identity& owner)
    : files_(files),
      dir_(std::move(dir)),
      lock_(std::move(lock)),
      owner_(owner),
      salvage_(files, log_dir_of(dir_), owner) {}

absl::StatusOr<std::unique_ptr<durable_storage>> durable_storage::open(
    env& files, const durable_options& options) {
  TROUPE_SPAN(info, "storage.open", "dir=" << options.dir);
  TROUPE_TRY(files.create_dirs(options.dir));
  TROUPE_TRY_LET(auto lock, files.lock_dir(options.dir));
  TROUPE_TRY_LET(const auto owner, read_identity(files, options.dir));
  if (!owner.has_value()) return set_up(files, options, std::move(lock));
  if (owner->node != options.node)
    return absl::FailedPreconditionError(absl::StrCat("data directory ", options.dir,
                                                      " belongs to node ", owner->node.value,
                                                      ", not to node ", options.node.value));
  // A process that ended while it set up the directory may have left a name that is not durable.
  TROUPE_TRY(files.sync_dir(options.dir));
  auto opened = std::unique_ptr<durable_storage>(
      new durable_storage(files, options.dir, std::move(lock), *owner));
  // Opening the vote writes, and a damaged log must leave all as it is, unless it may be cut: not
  // before it is known that the vote is good.
  if (!options.cut_damage) TROUPE_TRY(opened->open_log(options));
  TROUPE_TRY_LET(opened->vote_, vote_file::open(files, options.dir, *owner));
  if (options.cut_damage) TROUPE_TRY(opened->open_log(options));
  TROUPE_EVENT(info) << "opened with vote " << opened->saved_vote();
  return opened;
}

absl::StatusOr<std::unique_ptr<durable_storage>> durable_storage::set_up(
    env& files, const durable_options& options, std::unique_ptr<dir_lock> lock) {
  const identity owner{options.node, options.incarnation};
  TROUPE_TRY(clear_unfinished(files, options.dir));
  TROUPE_TRY(begin_identity(files, options.dir, owner));
  auto made = std::unique_ptr<durable_storage>(
      new durable_storage(files, options.dir, std::move(lock), owner));
  TROUPE_TRY_LET(made->vote_, vote_file::create(files, options.dir, owner));
  TROUPE_TRY(files.create_dirs(log_dir_of(options.dir)));
  TROUPE_TRY_LET(made->log_,
                 segmented_log::create(files, log_dir_of(options.dir), owner, options.log));
  TROUPE_TRY(files.sync_dir(options.dir));
  TROUPE_TRY(finish_identity(files, options.dir));
  TROUPE_EVENT(info) << "set up for node " << owner.node;
  return made;
}

absl::Status durable_storage::open_log(const durable_options& options) {
  const auto log_dir = log_dir_of(dir_);
  TROUPE_TRY_LET(lost_, read_promise(files_, dir_, owner_));
  TROUPE_TRY_LET(auto known, read_log_note(files_, dir_, owner_));
  first_ = known.first;
  // Until the log is whole, the note may be from before the damage.
  if (lost_ && known.end <= lost_->last) known.end = {};
  auto log = segmented_log::open(files_, log_dir, owner_, options.log, known.end);
  if (absl::IsDataLoss(log.status()) && options.cut_damage) {
    TROUPE_TRY(cut(known));
    log = segmented_log::open(files_, log_dir, owner_, options.log, {});
  }
  TROUPE_TRY_LET(log_, std::move(log));
  // Their removal may have been interrupted.
  return lost_ ? forget_promise() : salvage_.clear();
}

// The promise first: until it is durable, the damage is what tells of it.
absl::Status durable_storage::cut(const log_note& known) {
  TROUPE_TRY_LET(const auto covered, newest_by_name(files_, snapshots_of(dir_)));
  const known_of_log elsewhere{known.end, covered};
  TROUPE_TRY_LET(auto lost, find_damage(files_, log_dir_of(dir_), owner_, elsewhere));
  if (lost_) lost.last = std::max(lost.last, lost_->last);
  if (lost_ && lost.first == 0) lost.first = lost_->first;
  if (lost.first == 0) lost.first = known.first;
  // Nothing that could be read tells how far it went.
  if (!lost.last) return absl::DataLossError(lost.where);
  TROUPE_EVENT(warn)
      << lost.where
      << ": from there on the log is set aside, until the node has again what it held up to "
      << lost.last;
  // On a full disk this is the room for it; opening makes a new reserve where there is some.
  TROUPE_TRY(
      remove_if_there(files_, absl::StrCat(log_dir_of(dir_), "/", std::string(reserve_name))));
  TROUPE_TRY(write_promise(files_, dir_, owner_, lost));
  lost_ = std::move(lost);
  return cut_damage(files_, log_dir_of(dir_), owner_, elsewhere);
}

absl::Status durable_storage::forget_promise() {
  if (!lost_ || log_->tail().last < lost_->last) return absl::OkStatus();
  TROUPE_EVENT(info) << "the log in " << dir_
                     << " is as long again as it was before it was damaged";
  TROUPE_TRY(remove_promise(files_, dir_));
  TROUPE_TRY(files_.sync_dir(dir_));
  lost_.reset();
  return salvage_.clear();
}

absl::StatusOr<std::optional<missing_batches>> durable_storage::restore() {
  TROUPE_TRY(failure_);
  std::vector<batch_ptr> piece;
  // What was seen and cannot be read any more is missing, too.
  for (int tries = 0; tries < 2 && piece.empty(); ++tries) {
    if (!lost_ || !has_room()) return std::nullopt;
    auto way = salvage_.find_way(tail().last.index, {lost_->last});
    TROUPE_TRY(outcome_of(way.status()));
    if (const auto* missing = std::get_if<missing_batches>(&*way)) return *missing;
    const auto& runs = std::get<std::vector<batch_run>>(*way);
    if (runs.empty()) return std::nullopt;
    piece = salvage_.read(runs.front());
  }
  TROUPE_TRY(put_back(std::move(piece)));
  return std::nullopt;
}

// As much as continues the log. It is no more than what is in reserve.
absl::Status durable_storage::put_back(std::vector<batch_ptr> piece) {
  std::erase_if(piece, [&](const auto& b) { return b->last_index() <= tail().last.index; });
  if (piece.empty() || !check_follows(tail(), piece).ok()) return absl::OkStatus();
  TROUPE_EVENT(info) << "puts back " << piece.size() << " batches up to " << piece.back()->last()
                     << " in " << dir_;
  TROUPE_TRY(outcome_of(log_->append(piece)));
  return sync();
}

absl::Status durable_storage::keep_aside(std::span<const batch_ptr> batches) {
  TROUPE_TRY(failure_);
  if (!lost_ || batches.empty()) return absl::OkStatus();
  return outcome_of(salvage_.add(batches));
}

absl::Status durable_storage::outcome_of(absl::Status write) {
  if (!write.ok() && failure_.ok()) {
    TROUPE_EVENT(error) << "nothing is written any more: " << write.message();
    failure_ = write;
  }
  return write;
}

absl::Status durable_storage::save_vote(const vote& v) {
  TROUPE_TRY(sync());
  return outcome_of(vote_->save(v, joined() || (!log_->tail().last && !lost_)));
}

absl::Status durable_storage::append(std::span<const batch_ptr> batches) {
  TROUPE_TRY(failure_);
  TROUPE_TRY(check_follows(log_->tail(), batches));
  return outcome_of(log_->append(batches));
}

absl::Status durable_storage::sync() {
  TROUPE_TRY(failure_);
  TROUPE_TRY(outcome_of(log_->sync()));
  if (log_->began_with() != 0) first_ = log_->began_with();
  TROUPE_TRY(outcome_of(vote_->note({log_->tail().last, first_})));
  return outcome_of(forget_promise());
}

absl::Status durable_storage::truncate_after(log_index last) {
  TROUPE_TRY(failure_);
  TROUPE_TRY_LET(const bool possible, log_->may_end_at(last));
  if (!possible)
    return absl::InvalidArgumentError(
        absl::StrCat("truncate after ", last.value, ": not the end of a batch in the log"));
  if (last != log_->tail().last.index) TROUPE_TRY(outcome_of(vote_->forget_note()));
  return outcome_of(log_->truncate_after(last));
}

absl::Status durable_storage::purge(log_index last) {
  TROUPE_TRY(failure_);
  return outcome_of(log_->purge(last));
}

absl::Status durable_storage::reset(const log_tail& to) {
  TROUPE_TRY(failure_);
  TROUPE_TRY(outcome_of(vote_->forget_note()));
  TROUPE_TRY(outcome_of(log_->reset(to)));
  return outcome_of(forget_promise());
}

absl::StatusOr<bool> durable_storage::scrub(byte_count most) {
  TROUPE_TRY(failure_);
  auto all_seen = log_->scrub(most);
  TROUPE_TRY(outcome_of(all_seen.status()));
  if (!*all_seen) return false;
  TROUPE_TRY(outcome_of(vote_->scrub()));
  TROUPE_TRY_LET(const auto owner, read_identity(files_, dir_));
  if (owner == owner_) return true;
  return outcome_of(
      absl::DataLossError(absl::StrCat(dir_, "/", identity_file, ": it is missing or changed")));
}

absl::Status durable_storage::make_room() {
  TROUPE_TRY(failure_);
  return outcome_of(log_->make_room());
}

absl::StatusOr<std::vector<batch_ptr>> durable_storage::read(log_index from, byte_count most) {
  return log_->read(from, most);
}

absl::StatusOr<std::vector<batch_ptr>> durable_storage::find(const missing_batches& wanted,
                                                             byte_count most) {
  TROUPE_TRY_LET(auto found, log_storage::find(wanted, most));
  return found.empty() && lost_ ? salvage_.find(wanted, most) : std::move(found);
}

}  // namespace troupe::storage
