// A store in memory: a hash table whose buckets are in the order of its keys' hashes, which is the
// order of a scan. A bucket is the top bits of a hash.
//
// What it held at one moment can be read while it goes on (table_view.h).
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/kv/store.h"

namespace troupe::kv {

class table_view;

class table final : public store {
 public:
  struct entry {
    entry* next;
    uint64_t hash : 48;
    uint64_t view : 16;  // the last one that needs it no more; 0: none
    std::string key;
    std::string value;
  };

  table();
  ~table() override;
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  std::optional<value> find(std::string_view key) override;
  void put(std::string_view key, std::string_view bytes) override;
  size_t append(std::string_view key, std::string_view bytes) override;
  bool erase(std::string_view key) override;
  void clear() override;
  uint64_t size() const override { return size_; }
  uint64_t scan(uint64_t cursor, uint64_t count,
                absl::FunctionRef<void(std::string_view key)> visit,
                absl::FunctionRef<bool()> go_on) const override;

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
