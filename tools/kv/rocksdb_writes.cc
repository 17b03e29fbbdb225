#include "tools/kv/rocksdb_writes.h"

#include "tools/kv/rocksdb_error.h"

namespace troupe::kv {
namespace {

// More records than these are erased as a range. RocksDB looks at each range where it reads, so
// there should not be many of them for little.
constexpr int few = 1000;
// Beside the bytes of key and record.
constexpr size_t overhead = 100;

}  // namespace

std::optional<std::string_view> rocksdb_writes::get(std::string_view key) {
  if (const auto it = changes_.find(key); it != changes_.end()) {
    if (!it->second) return std::nullopt;
    return *it->second;
  }
  if (cleared_) return std::nullopt;
  found_.Reset();
  const auto s = db_.Get({}, db_.DefaultColumnFamily(), key, &found_);
  if (s.IsNotFound()) return std::nullopt;
  check(s, db_.GetName());
  return found_.ToStringView();
}

rocksdb_writes::change& rocksdb_writes::at(std::string_view key) {
  const auto [it, added] = changes_.try_emplace(key);
  if (added) bytes_ += key.size() + overhead;
  return it->second;
}

void rocksdb_writes::put(std::string_view key, std::string_view prefix, std::string_view rest) {
  change& c = at(key);
  if (!c) c.emplace();
  bytes_ += prefix.size() + rest.size();
  bytes_ -= c->size();
  c->assign(prefix).append(rest);
}

void rocksdb_writes::append(std::string_view key, std::string_view bytes) {
  if (const auto it = changes_.find(key); it == changes_.end() || !it->second) {
    if (const auto old = get(key)) put(key, *old);
  }
  change& c = at(key);
  if (!c) c.emplace();
  bytes_ += bytes.size();
  c->append(bytes);
}

void rocksdb_writes::erase(std::string_view key) {
  change& c = at(key);
  if (c) bytes_ -= c->size();
  c.reset();
}

void rocksdb_writes::clear() {
  changes_.clear();
  bytes_ = 0;
  if (!cleared_) cleared_ = !erase_few();
}

// False when there are more.
bool rocksdb_writes::erase_few() {
  const rocksdb::Slice end(end_);
  rocksdb::ReadOptions o;
  o.iterate_upper_bound = &end;
  // It does not walk through all that was erased before and is not cleared away yet.
  o.max_skippable_internal_keys = few;
  const auto it = std::unique_ptr<rocksdb::Iterator>(db_.NewIterator(o));
  int count = 0;
  for (it->Seek(begin_); it->Valid() && count <= few; it->Next(), ++count)
    erase(it->key().ToStringView());
  if (it->status().ok() && count <= few) return true;
  if (!it->status().IsIncomplete()) check(it->status(), db_.GetName());
  changes_.clear();
  bytes_ = 0;
  return false;
}

void rocksdb_writes::move_to(rocksdb::WriteBatch& batch) {
  if (cleared_) check(batch.DeleteRange(begin_, end_), db_.GetName());
  for (const auto& [key, record] : changes_) {
    if (record)
      check(batch.Put(key, *record), db_.GetName());
    else if (!cleared_)
      check(batch.Delete(key), db_.GetName());
  }
  changes_.clear();
  cleared_ = false;
  bytes_ = 0;
}

}  // namespace troupe::kv
