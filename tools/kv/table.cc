#include "tools/kv/table.h"

#include <algorithm>
#include <utility>

#include "tools/kv/table_view.h"

namespace troupe::kv {

table::table() : buckets_(size_t{1} << min_bits, nullptr) {}

table::~table() {
  if (view_ != nullptr) view_->take_over();
  destroy(buckets_);
}

table::entry* table::look_up(std::string_view key, uint64_t hash) const {
  for (entry* e = buckets_[bucket_of(hash)]; e != nullptr; e = e->next)
    if (e->hash == hash && e->key == key) return e;
  return nullptr;
}

std::optional<store::value> table::find(std::string_view key) {
  const entry* e = look_up(key, hash_of(key));
  if (e == nullptr) return std::nullopt;
  return value{e->value.size(), e->value.data()};
}

void table::put(std::string_view key, std::string_view bytes) {
  const uint64_t hash = hash_of(key);
  entry* e = look_up(key, hash);
  if (e == nullptr) {
    insert(key, hash)->value.assign(bytes);
  } else if (view_ != nullptr && view_->needs(*e)) {
    view_->keep(*e, std::exchange(e->value, std::string(bytes)));
  } else {
    e->value.assign(bytes);
  }
}

size_t table::append(std::string_view key, std::string_view bytes) {
  const uint64_t hash = hash_of(key);
  entry* e = look_up(key, hash);
  if (e == nullptr)
    e = insert(key, hash);
  else if (view_ != nullptr && view_->needs(*e))
    view_->keep(*e, e->value);
  return e->value.append(bytes).size();
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

uint64_t table::scan(uint64_t cursor, uint64_t count,
                     absl::FunctionRef<void(std::string_view key)> visit,
                     absl::FunctionRef<bool()> go_on) const {
  std::vector<const entry*> keys;
  uint64_t seen = 0, last = 0;
  const size_t first = cursor < hash_limit ? bucket_of(cursor) : buckets_.size();
  for (size_t at = first; at < buckets_.size(); ++at) {
    keys.clear();
    for (const entry* e = buckets_[at]; e != nullptr; e = e->next)
      if (e->hash >= cursor) keys.push_back(e);
    std::ranges::sort(keys, [](const entry* a, const entry* b) {
      return a->hash != b->hash ? a->hash < b->hash : a->key < b->key;
    });
    for (const entry* e : keys) {
      if (seen > 0 && e->hash != last && (seen >= count || !go_on())) return e->hash;
      visit(e->key);
      ++seen, last = e->hash;
    }
  }
  return 0;
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
