#include "tools/kv/rocksdb_store.h"

#include <algorithm>

#include "proto/check.h"
#include "tools/kv/rocksdb_error.h"
#include "tools/kv/rocksdb_records.h"

namespace troupe::kv {
namespace {

// A buffer that has grown beyond it is given back.
constexpr size_t kept_buffer = 1 << 20;
constexpr std::string_view inline_prefix(&inline_mark, 1);

}  // namespace

rocksdb_store::rocksdb_store(rocksdb::DB& database, uint64_t keys)
    : db_(database), writes_(database, data_begin, data_end), keys_(keys) {}

// -- one key --------------------------------------------------------------------------------------

// Its head.
std::optional<std::string_view> rocksdb_store::look_at(std::string_view key) {
  make_head_key(hash_of(key), key, at_);
  size_.reset();
  const auto record = writes_.get(at_);
  if (!record) return std::nullopt;
  const auto head = decode_head(*record);
  if (!head) throw_damaged(db_.GetName(), "a value without a form");
  size_ = head->size;
  return record;
}

// The size of its value.
void rocksdb_store::know(std::string_view key) {
  make_head_key(hash_of(key), key, scratch_);
  if (scratch_ != at_) look_at(key);
}

std::optional<store::value> rocksdb_store::find(std::string_view key) {
  if (loaded_.capacity() > kept_buffer) std::string().swap(loaded_);
  const auto record = look_at(key);
  if (!record) return std::nullopt;
  const auto head = decode_head(*record);
  return value{head->size, head->bytes};
}

std::string_view rocksdb_store::load() {
  loaded_.clear();
  loaded_.reserve(*size_);
  for (uint32_t i = 0; i < chunks_of(*size_); ++i) {
    const auto chunk = writes_.get(chunk_key(i));
    if (!chunk) throw_damaged(db_.GetName(), "a part of a value is missing");
    loaded_ += *chunk;
  }
  if (loaded_.size() != *size_) throw_damaged(db_.GetName(), "a value of another size");
  return loaded_;
}

std::string_view rocksdb_store::chunk_key(uint32_t number) {
  make_chunk_key(at_, number, chunk_key_);
  return chunk_key_;
}

void rocksdb_store::erase_chunks(uint32_t from, uint32_t to) {
  for (; from < to; ++from) writes_.erase(chunk_key(from));
}

void rocksdb_store::put(std::string_view key, std::string_view bytes) {
  know(key);
  const uint32_t old = size_ ? chunks_of(*size_) : 0;
  if (!size_) ++keys_;
  size_ = bytes.size();
  if (bytes.size() <= inline_bytes)
    writes_.put(at_, inline_prefix, bytes);
  else
    set_long(bytes);
  erase_chunks(chunks_of(bytes.size()), old);
}

void rocksdb_store::set_long(std::string_view bytes) {
  for (uint32_t i = 0; i < chunks_of(bytes.size()); ++i)
    writes_.put(chunk_key(i), bytes.substr(i * chunk_bytes, chunk_bytes));
  writes_.put(at_, encode_long_head(bytes.size()));
}

size_t rocksdb_store::append(std::string_view key, std::string_view bytes) {
  know(key);
  const size_t before = size_.value_or(0), after = before + bytes.size();
  if (after <= inline_bytes) {
    if (!size_) ++keys_, writes_.put(at_, inline_prefix);
    writes_.append(at_, bytes);
    size_ = after;
  } else if (before <= inline_bytes) {
    const auto old = size_ ? writes_.get(at_)->substr(1) : std::string_view();
    put(key, std::string(old).append(bytes));
  } else {
    append_chunks(bytes);
  }
  return after;
}

void rocksdb_store::append_chunks(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto some = bytes.substr(0, chunk_bytes - *size_ % chunk_bytes);
    const auto number = static_cast<uint32_t>(*size_ / chunk_bytes);
    if (*size_ % chunk_bytes == 0)
      writes_.put(chunk_key(number), some);
    else
      writes_.append(chunk_key(number), some);
    *size_ += some.size();
    bytes.remove_prefix(some.size());
  }
  writes_.put(at_, encode_long_head(*size_));
}

bool rocksdb_store::erase(std::string_view key) {
  know(key);
  if (!size_) return false;
  writes_.erase(at_);
  erase_chunks(0, chunks_of(*size_));
  size_.reset();
  --keys_;
  return true;
}

// -- all keys -------------------------------------------------------------------------------------

void rocksdb_store::clear() {
  if (keys_ == 0) return;
  writes_.clear();
  keys_ = 0;
  at_.clear();
}

uint64_t rocksdb_store::scan(uint64_t cursor, uint64_t count,
                             absl::FunctionRef<void(std::string_view key)> visit,
                             absl::FunctionRef<bool()> go_on) const {
  TROUPE_CHECK(writes_.empty(), "a scan reads the database alone");
  if (cursor >= hash_limit) return 0;
  std::string first;
  make_head_key(cursor, {}, first);
  const rocksdb::Slice end(heads_end);
  rocksdb::ReadOptions o;
  o.iterate_upper_bound = &end;
  const auto it = std::unique_ptr<rocksdb::Iterator>(db_.NewIterator(o));
  uint64_t seen = 0, last = 0;
  for (it->Seek(first); it->Valid(); it->Next()) {
    const auto [hash, key] = name_of(it->key().ToStringView());
    if (seen > 0 && hash != last && (seen >= count || !go_on())) return hash;
    visit(key);
    ++seen, last = hash;
  }
  check(it->status(), db_.GetName());
  return 0;
}

}  // namespace troupe::kv
