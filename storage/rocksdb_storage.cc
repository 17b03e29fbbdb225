#include "storage/rocksdb_storage.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>
#include <rocksdb/convenience.h>
#include <rocksdb/file_system.h>
#include <rocksdb/write_batch.h>

#include "proto/trace.h"
#include "storage/append_check.h"
#include "storage/try.h"

namespace troupe::storage {

std::string mark_name(const std::string& family) { return family + ".mark"; }

rocksdb_storage::rocksdb_storage(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family,
                                 const rocksdb_options& options)
    : db_(db), family_(family), options_(options), path_(db.GetName()), recent_(options.cache) {}

absl::StatusOr<std::unique_ptr<rocksdb_storage>> rocksdb_storage::open(
    rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family, const rocksdb_options& options) {
  TROUPE_SPAN(info, "storage.open", "database=" << db.GetName());
  const auto used = db.GetDBOptions();
  if (used.wal_recovery_mode != rocksdb::WALRecoveryMode::kPointInTimeRecovery ||
      !used.paranoid_checks || used.unordered_write)
    return absl::InvalidArgumentError(
        absl::StrCat("database ", db.GetName(),
                     ": a log needs point-in-time recovery, paranoid checks and ordered writes"));
  auto opened = std::unique_ptr<rocksdb_storage>(new rocksdb_storage(db, family, options));
  std::string state;
  const auto found = db.Get({}, &family, state_key, &state);
  if (found.IsNotFound()) {
    TROUPE_TRY(opened->set_up());
  } else {
    TROUPE_TRY(status_of(found, db.GetName()));
    TROUPE_TRY(opened->recover(state));
  }
  TROUPE_EVENT(info) << "opened with vote " << opened->saved_vote();
  return opened;
}

absl::Status rocksdb_storage::set_up() {
  const std::string mark = absl::StrCat(path_, "/", mark_name(family_.GetName()));
  auto& files = *db_.GetFileSystem();
  // A set-up that was interrupted leaves a mark with the number 0, or a torn one.
  const auto old = sync_mark::open(files, mark);
  const bool lost = old.ok() && (*old)->number() > 0;
  const auto it = std::unique_ptr<rocksdb::Iterator>(db_.NewIterator({}, &family_));
  it->SeekToFirst();
  TROUPE_TRY(status_of(it->status(), path_));
  if (lost || it->Valid())
    return absl::DataLossError(
        absl::StrCat("database ", path_, ": the state of its node is missing"));
  TROUPE_TRY_LET(mark_, sync_mark::create(files, mark, options_.incarnation));
  state_.owner = {options_.node, options_.incarnation};
  TROUPE_TRY(write_state(state_));
  return sync();
}

absl::Status rocksdb_storage::recover(const std::string& state) {
  auto decoded = decode_state(state);
  if (!decoded.ok()) return here(decoded.status());
  state_ = *decoded;
  if (state_.owner.node != options_.node)
    return absl::FailedPreconditionError(absl::StrCat("database ", path_, " belongs to node ",
                                                      state_.owner.node.value, ", not to node ",
                                                      options_.node.value));
  auto mark =
      sync_mark::open(*db_.GetFileSystem(), absl::StrCat(path_, "/", mark_name(family_.GetName())));
  if (absl::IsNotFound(mark.status())) return absl::DataLossError(mark.status().message());
  TROUPE_TRY(mark.status());
  mark_ = *std::move(mark);
  tail_ = purged();
  number_ = state_.number;
  const auto whole = scan(tail_.last.index.next(), [&](const batch_record& r) {
    runs_.add(r.batch->first_index(), r.batch->leader());
    recent_.add(r.batch);
    tail_ = r.batch->tail();
    number_ = std::max(number_, r.number);
    return true;
  });
  if (!whole.ok() && !absl::IsFailedPrecondition(whole)) return whole;
  const bool shorter = tail_.last.index < mark_->tail() && state_.shortened <= mark_->number();
  if (mark_->incarnation() != incarnation() || number_ < mark_->number() || shorter)
    return absl::DataLossError(absl::StrCat(
        "database ", path_, ": it ends with write ", number_, " and entry ", tail_.last.index.value,
        ", and write ", mark_->number(), " and entry ", mark_->tail().value, " were durable"));
  if (!whole.ok()) TROUPE_TRY(cut_off(whole));
  // What was recovered from a write-ahead log that a mere crash of the process left was never
  // synced.
  TROUPE_TRY(status_of(db_.Flush(rocksdb::FlushOptions(), &family_), path_));
  return mark_->move_to(number_, tail_.last.index);
}

absl::Status rocksdb_storage::cut_off(const absl::Status& why) {
  TROUPE_EVENT(warn) << "cut off what was never durable: " << why.message();
  rocksdb::WriteBatch changes;
  changes.DeleteRange(&family_, batch_key(tail_.last.index.next()), end_of_batches());
  TROUPE_TRY(write_state(state_, std::move(changes)));
  return sync();
}

absl::Status rocksdb_storage::scan(log_index from,
                                   absl::FunctionRef<bool(const batch_record&)> visit) const {
  const std::string first = batch_key({}), end = end_of_batches();
  const rocksdb::Slice lower(first), upper(end);
  rocksdb::ReadOptions o;
  o.fill_cache = false;
  o.iterate_lower_bound = &lower;
  o.iterate_upper_bound = &upper;
  const auto it = std::unique_ptr<rocksdb::Iterator>(db_.NewIterator(o, &family_));
  const auto missing = [&] {
    return here(absl::DataLossError(absl::StrCat("the batch of ", from.value, " is missing")));
  };
  std::optional<log_tail> before;
  if (from == purged().last.index.next()) before = purged();
  it->SeekForPrev(batch_key(from));
  if (!it->Valid() && it->status().ok()) it->SeekToFirst();
  const bool any = it->Valid();
  for (; it->Valid(); it->Next()) {
    const auto record = decode_batch(it->key().ToStringView(), it->value().ToStringView());
    if (!record.ok()) return here(record.status());
    const auto& b = record->batch;
    if (before) {
      if (auto follows = check_follows(*before, {&b, 1}); !follows.ok()) return here(follows);
    } else if (b->first_index() > from || b->last_index() < from) {
      return missing();
    }
    before = b->tail();
    if (!visit(*record)) return absl::OkStatus();
  }
  TROUPE_TRY(status_of(it->status(), path_));
  return any || from > tail_.last.index ? absl::OkStatus() : missing();
}

absl::StatusOr<log_tail> rocksdb_storage::end_before(log_index last) const {
  if (last >= tail_.last.index) return tail_;
  for (auto index = last; index > purged().last.index;) {
    batch_ptr found;
    TROUPE_TRY(scan(index, [&](const batch_record& r) {
      found = r.batch;
      return false;
    }));
    if (found->last_index() <= last) return found->tail();
    index = found->first_index() - 1;
  }
  return purged();
}

absl::Status rocksdb_storage::here(const absl::Status& what) const {
  return absl::Status(what.code(), absl::StrCat("database ", path_, ": ", what.message()));
}

absl::Status rocksdb_storage::write(rocksdb::WriteBatch& changes) {
  TROUPE_TRY(outcome_of(db_.Write(rocksdb::WriteOptions(), &changes)));
  ++number_;
  dirty_ = true;
  return absl::OkStatus();
}

absl::Status rocksdb_storage::write_state(const state_record& next, rocksdb::WriteBatch changes) {
  state_record numbered = next;
  numbered.number = number_ + 1;
  changes.Put(&family_, state_key, encode(numbered));
  TROUPE_TRY(write(changes));
  state_ = numbered;
  return absl::OkStatus();
}

absl::Status rocksdb_storage::outcome_of(absl::Status write) {
  if (!write.ok() && failure_.ok()) {
    TROUPE_EVENT(error) << "writing failed, nothing is written any more: " << write.message();
    failure_ = write;
  }
  return write;
}

absl::Status rocksdb_storage::outcome_of(const rocksdb::Status& write) {
  return outcome_of(status_of(write, path_));
}

absl::Status rocksdb_storage::save_vote(const vote& v) {
  TROUPE_TRY(failure_);
  state_record next = state_;
  next.voted = v;
  next.joined = joined() || !tail_.last;
  TROUPE_TRY(write_state(next));
  return sync();
}

absl::Status rocksdb_storage::append(std::span<const batch_ptr> batches) {
  TROUPE_TRY(failure_);
  TROUPE_TRY(check_follows(tail_, batches));
  if (batches.empty()) return absl::OkStatus();
  rocksdb::WriteBatch changes;
  const std::string number = encode_number(number_ + 1);
  for (const auto& b : batches) {
    const std::string first = batch_key(b->first_index());
    const rocksdb::Slice key(first), value[] = {number, b->bytes()};
    changes.Put(&family_, rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(value, 2));
  }
  TROUPE_TRY(write(changes));
  for (const auto& b : batches) {
    runs_.add(b->first_index(), b->leader());
    recent_.add(b);
  }
  tail_ = batches.back()->tail();
  return absl::OkStatus();
}

absl::Status rocksdb_storage::sync() {
  TROUPE_TRY(failure_);
  if (!dirty_) return absl::OkStatus();
  const bool durably = options_.sync == sync_mode::always;
  TROUPE_TRY(outcome_of(db_.FlushWAL(durably)));
  dirty_ = false;
  return durably ? outcome_of(mark_->move_to(number_, tail_.last.index)) : absl::OkStatus();
}

absl::Status rocksdb_storage::truncate_after(log_index last) {
  TROUPE_TRY(failure_);
  TROUPE_TRY_LET(const auto end, end_before(last));
  if (end.last.index != last)
    return absl::InvalidArgumentError(
        absl::StrCat("truncate after ", last.value, ": not the end of a batch in the log"));
  if (end == tail_) return absl::OkStatus();
  rocksdb::WriteBatch changes;
  changes.DeleteRange(&family_, batch_key(last.next()), batch_key(tail_.last.index.next()));
  state_record next = state_;
  next.shortened = number_ + 1;
  TROUPE_TRY(write_state(next, std::move(changes)));
  tail_ = end;
  runs_.truncate_after(last);
  recent_.clear();
  // Before anything is written over it: recovery counts on that.
  return sync();
}

absl::Status rocksdb_storage::purge(log_index last) {
  TROUPE_TRY(failure_);
  TROUPE_TRY_LET(const auto end, end_before(last));
  if (end == purged()) return absl::OkStatus();
  const std::string from = batch_key({}), to = batch_key(end.last.index.next());
  rocksdb::WriteBatch changes;
  changes.DeleteRange(&family_, batch_key(purged().last.index.next()), to);
  state_record next = state_;
  next.purged = end;
  TROUPE_TRY(write_state(next, std::move(changes)));
  runs_.purge(end.last.index);
  if (end == tail_) runs_.clear();
  // Files that hold nothing else go at once, and that is durable at once: so must be the purge. The
  // rest is given back when files are merged.
  TROUPE_TRY(sync());
  const rocksdb::Slice begin(from), stop(to);
  return outcome_of(rocksdb::DeleteFilesInRange(&db_, &family_, &begin, &stop, false));
}

absl::Status rocksdb_storage::reset(const log_tail& to) {
  TROUPE_TRY(failure_);
  rocksdb::WriteBatch changes;
  changes.DeleteRange(&family_, batch_key({}), end_of_batches());
  state_record next = state_;
  next.purged = to;
  next.shortened = number_ + 1;
  TROUPE_TRY(write_state(next, std::move(changes)));
  tail_ = to;
  runs_.clear();
  recent_.clear();
  return sync();
}

bool rocksdb_storage::has_room() const {
  uint64_t free = 0;
  const auto known = db_.GetFileSystem()->GetFreeSpace(path_, {}, &free, nullptr);
  return !known.ok() || free >= options_.reserve.value;
}

absl::StatusOr<std::vector<batch_ptr>> rocksdb_storage::read(log_index from, byte_count most) {
  if (from <= purged().last.index || from > tail_.last.index)
    return absl::OutOfRangeError(absl::StrCat("entry ", from.value, " is not in the log: it holds ",
                                              purged().last.index.next().value, " to ",
                                              tail_.last.index.value));
  std::vector<batch_ptr> found;
  byte_count taken;
  const auto take = [&](const batch_ptr& b) {
    taken += b->size().value;
    if (!found.empty() && taken > most) return false;
    found.push_back(b);
    return true;
  };
  if (from >= recent_.first()) {
    for (auto at = recent_.find(from); at != recent_.end() && take(*at); ++at) continue;
    return found;
  }
  const auto read = scan(from, [&](const batch_record& r) { return take(r.batch); });
  if (absl::IsFailedPrecondition(read)) return absl::DataLossError(read.message());
  TROUPE_TRY(read);
  return found;
}

}  // namespace troupe::storage
