#include "tools/kv/rocksdb_state.h"

#include "rocksdb/write_batch.h"
#include "tools/kv/rocksdb_error.h"

namespace troupe::kv {
namespace {

absl::Status no_state(const std::string& path, const char* what) {
  return absl::DataLossError("the database " + path + " is not the state of a machine: " + what);
}

// Nothing stands in a new one.
absl::StatusOr<state_header> read_header(rocksdb::DB& db) {
  std::string record;
  const auto found = db.Get({}, header_key, &record);
  if (found.ok()) {
    const auto header = decode_header(record);
    if (!header) return no_state(db.GetName(), "its header is of another version, or damaged");
    return *header;
  }
  if (!found.IsNotFound()) return status_of(found, db.GetName());
  const auto it = std::unique_ptr<rocksdb::Iterator>(db.NewIterator({}));
  it->SeekToFirst();
  if (it->Valid()) return no_state(db.GetName(), "its header is missing");
  if (!it->status().ok()) return status_of(it->status(), db.GetName());
  return state_header();
}

}  // namespace

rocksdb_state::rocksdb_state(std::unique_ptr<rocksdb::DB> db, const state_header& header)
    : db_(std::move(db)),
      header_(header),
      data_(*db_, header.keys),
      known_({}, [this](std::string_view id) { forgotten_.emplace_back(id); }) {}

absl::StatusOr<std::unique_ptr<rocksdb_state>> rocksdb_state::open(const rocksdb::Options& options,
                                                                   const std::string& path) {
  rocksdb::DB* raw = nullptr;
  const auto opened = rocksdb::DB::Open(options, path, &raw);
  auto db = std::unique_ptr<rocksdb::DB>(raw);
  // What another version of RocksDB wrote, and what is no database of ours.
  const bool no_database =
      opened.IsInvalidArgument() || opened.IsNotSupported() || opened.IsPathNotFound();
  if (no_database) return absl::DataLossError("the database " + path + ": " + opened.ToString());
  if (!opened.ok()) return status_of(opened, path);
  auto header = read_header(*db);
  if (!header.ok()) return header.status();
  auto state = std::unique_ptr<rocksdb_state>(new rocksdb_state(std::move(db), *header));
  if (auto s = state->load_sessions(); !s.ok()) return s;
  return state;
}

absl::Status rocksdb_state::load_sessions() {
  const rocksdb::Slice end(sessions_end);
  rocksdb::ReadOptions o;
  o.iterate_upper_bound = &end;
  const auto it = std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(o));
  std::vector<sessions::entry> all;
  for (it->Seek(sessions_begin); it->Valid(); it->Next()) {
    auto e = decode_session(it->key().ToStringView(), it->value().ToStringView());
    if (!e) return no_state(db_->GetName(), "a session is damaged");
    all.push_back(*std::move(e));
  }
  if (!it->status().ok()) return status_of(it->status(), db_->GetName());
  known_.restore(std::move(all), header_.given);
  written_uses_ = known_.uses();
  return absl::OkStatus();
}

void rocksdb_state::commit(log_index applied) {
  rocksdb::WriteBatch batch;
  data_.move_to(batch);
  for (const auto& id : std::exchange(forgotten_, {}))
    check(batch.Delete(session_key(id)), db_->GetName());
  const auto& all = known_.entries();
  for (auto e = all.rbegin(); e != all.rend() && e->used > written_uses_; ++e)
    check(batch.Put(session_key(e->id), encode(*e)), db_->GetName());
  written_uses_ = known_.uses();
  header_ = {header_.incarnation, applied, data_.size(), known_.given()};
  check(batch.Put(header_key, encode(header_)), db_->GetName());
  rocksdb::WriteOptions no_wal;
  no_wal.disableWAL = true;
  check(db_->Write(no_wal, &batch), db_->GetName());
}

absl::Status rocksdb_state::flush() {
  return status_of(db_->Flush(rocksdb::FlushOptions()), db_->GetName());
}

}  // namespace troupe::kv
