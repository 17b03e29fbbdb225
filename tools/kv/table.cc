#include "tools/kv/table.h"

#include <xxhash.h>

namespace troupe::kv {

table::table() : buckets_(size_t{1} << min_bits, nullptr) {}

table::~table() { clear(); }

uint64_t table::hash_of(std::string_view key) { return XXH3_64bits(key.data(), key.size()) >> 16; }

std::string* table::find(std::string_view key, uint64_t hash) {
  for (entry* e = buckets_[bucket_of(hash)]; e != nullptr; e = e->next)
    if (e->hash == hash && e->key == key) return &e->value;
  return nullptr;
}

std::string& table::at(std::string_view key) {
  const uint64_t hash = hash_of(key);
  if (std::string* value = find(key, hash)) return *value;
  if (size_ == buckets_.size()) resize(bits_ + 1);
  entry*& head = buckets_[bucket_of(hash)];
  head = new entry{head, hash, std::string(key), {}};
  ++size_;
  return head->value;
}

bool table::erase(std::string_view key) {
  const uint64_t hash = hash_of(key);
  for (entry** link = &buckets_[bucket_of(hash)]; *link != nullptr; link = &(*link)->next) {
    entry* e = *link;
    if (e->hash != hash || e->key != key) continue;
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
  for (entry* e : buckets_) {
    while (e != nullptr) {
      entry* next = e->next;
      delete e;
      e = next;
    }
  }
  size_ = 0;
  bits_ = min_bits;
  buckets_ = std::vector<entry*>(size_t{1} << min_bits, nullptr);
}

void table::resize(int bits) {
  std::vector<entry*> old(size_t{1} << bits, nullptr);
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
