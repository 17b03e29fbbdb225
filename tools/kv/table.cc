#include "tools/kv/table.h"

#include <utility>

#include <xxhash.h>

#include "tools/kv/table_view.h"

namespace troupe::kv {

table::table() : buckets_(size_t{1} << min_bits, nullptr) {}

table::~table() { clear(); }

uint64_t table::hash_of(std::string_view key) { return XXH3_64bits(key.data(), key.size()) >> 16; }

table::entry* table::look_up(std::string_view key, uint64_t hash) const {
  for (entry* e = buckets_[bucket_of(hash)]; e != nullptr; e = e->next)
    if (e->hash == hash && e->key == key) return e;
  return nullptr;
}

const std::string* table::find(std::string_view key) const {
  const entry* e = look_up(key, hash_of(key));
  return e == nullptr ? nullptr : &e->value;
}

void table::put(std::string_view key, std::string_view value) {
  const uint64_t hash = hash_of(key);
  entry* e = look_up(key, hash);
  if (e == nullptr) {
    insert(key, hash)->value.assign(value);
  } else if (view_ != nullptr && view_->needs(*e)) {
    view_->keep(*e, std::exchange(e->value, std::string(value)));
  } else {
    e->value.assign(value);
  }
}

std::string& table::at(std::string_view key) {
  const uint64_t hash = hash_of(key);
  entry* e = look_up(key, hash);
  if (e == nullptr) return insert(key, hash)->value;
  if (view_ != nullptr && view_->needs(*e)) view_->keep(*e, e->value);
  return e->value;
}

table::entry* table::insert(std::string_view key, uint64_t hash) {
  if (size_ == buckets_.size()) resize(bits_ + 1);
  entry*& head = buckets_[bucket_of(hash)];
  head = new entry{head, hash, views_, std::string(key), {}};
  ++size_;
  return head;
}

bool table::erase(std::string_view key) {
  const uint64_t hash = hash_of(key);
  for (entry** link = &buckets_[bucket_of(hash)]; *link != nullptr; link = &(*link)->next) {
    entry* e = *link;
    if (e->hash != hash || e->key != key) continue;
    if (view_ != nullptr && view_->needs(*e)) view_->keep(*e, std::move(e->value));
    *link = e->next;
    delete e;
    --size_;
    // A scan walks empty buckets too.
    if (bits_ > min_bits && size_ < buckets_.size() / 8) resize(bits_ - 1);
    return true;
  }
  return false;
}

void table::clear() {
  if (view_ != nullptr) view_->take_over();
  destroy(buckets_);
  size_ = 0;
  bits_ = min_bits;
  buckets_ = buckets(size_t{1} << min_bits, nullptr);
}

void table::destroy(buckets& all) {
  for (entry* e : all) {
    while (e != nullptr) {
      entry* next = e->next;
      delete e;
      e = next;
    }
  }
  all.clear();
}

void table::resize(int bits) {
  buckets old(size_t{1} << bits, nullptr);
  old.swap(buckets_);
  bits_ = bits;
  for (entry* e : old) {
    while (e != nullptr) {
      entry* next = e->next;
      entry*& head = buckets_[bucket_of(e->hash)];
      e->next = head;
      head = e;
      e = next;
    }
  }
}

}  // namespace troupe::kv
