// A hash table whose buckets are in the order of its keys' hashes, so that a scan's cursor is a
// point in hash space.
//
// A bucket is the top bits of a 48-bit hash. One page of a scan covers all keys whose hash lies
// between its cursor and the next, whatever grows, shrinks or moves in between: a key that is
// present throughout is returned exactly once. Cursors hold on every node, as the hash is the same
// everywhere, and stay below 2^48, which clients that keep numbers as doubles read exactly.
//
// What it held at one moment can be read while it goes on (table_view.h).
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::kv {

class table_view;

class table {
 public:
  struct entry {
    entry* next;
    uint64_t hash : 48;
    uint64_t view : 16;  // the last one that needs it no more; 0: none
    std::string key;
    std::string value;
  };
  static constexpr uint64_t hash_limit = uint64_t{1} << 48;

  table();
  ~table();
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  // The value, or null. Valid until the next call that changes the table.
  const std::string* find(std::string_view key) const;
  // Inserts or replaces. `value` may be a part of the old one.
  void put(std::string_view key, std::string_view value);
  // The value to be changed, inserted empty when there was none. Valid until the next call.
  std::string& at(std::string_view key);
  // False when there was none.
  bool erase(std::string_view key);
  void clear();
  size_t size() const { return size_; }

  // Visits whole buckets from `cursor` (0 at first) until `count` entries were seen, `go_on()` says
  // no, or many empty buckets went by. Answers the next cursor; 0: all was seen.
  template <class Visit, class GoOn>
  uint64_t scan(uint64_t cursor, uint64_t count, Visit&& visit, GoOn&& go_on) const {
    if (cursor >= hash_limit) return 0;
    size_t bucket = bucket_of(cursor);
    uint64_t seen = 0;
    // Bounds one page's work in a sparse table.
    uint64_t patience = count * 10;
    do {
      for (const entry* e = buckets_[bucket]; e != nullptr; e = e->next) {
        if (e->hash < cursor) continue;
        ++seen;
        visit(e->key, e->value);
      }
      ++bucket;
    } while (bucket < buckets_.size() && seen < count && --patience != 0 && go_on());
    return bucket == buckets_.size() ? 0 : uint64_t{bucket} << (48 - bits_);
  }

  // The top 48 bits of XXH3, whose output is fixed for ever.
  static uint64_t hash_of(std::string_view key);

 private:
  friend class table_view;
  using buckets = std::vector<entry*>;
  static constexpr int min_bits = 4;

  size_t bucket_of(uint64_t hash) const { return hash >> (48 - bits_); }
  entry* look_up(std::string_view key, uint64_t hash) const;
  entry* insert(std::string_view key, uint64_t hash);
  void resize(int bits);
  static void destroy(buckets& all);

  table_view* view_ = nullptr;
  uint16_t views_ = 0;  // the number of the newest one
  int bits_ = min_bits;
  size_t size_ = 0;
  buckets buckets_;
};

}  // namespace troupe::kv
