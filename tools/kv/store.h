// Keys and their values, as the commands see them: where they are kept is for others to say.
//
// The order of a scan is a part of what it is, so that a SCAN has the same answer wherever the same
// keys are, and a cursor from one node goes on at another.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace troupe::kv {

class store {
 public:
  // What a key has. Bytes that are null are still on a disk: read() gets them. Both are valid until
  // the next call.
  struct value {
    size_t size = 0;
    const char* bytes = nullptr;
  };
  // 48 bits: clients that keep numbers as doubles read a cursor exactly.
  static constexpr uint64_t hash_limit = uint64_t{1} << 48;

  virtual ~store() = default;

  virtual std::optional<value> find(std::string_view key) = 0;
  // All of what find() answered last.
  std::string_view read(const value& v) {
    return v.bytes != nullptr ? std::string_view(v.bytes, v.size) : load();
  }
  // Inserts or replaces. `bytes` is no part of what was found.
  virtual void put(std::string_view key, std::string_view bytes) = 0;
  // At the end of the value, which is empty when there was none. Answers its new size.
  virtual size_t append(std::string_view key, std::string_view bytes) = 0;
  // False when there was none.
  virtual bool erase(std::string_view key) = 0;
  virtual void clear() = 0;
  // The number of keys.
  virtual uint64_t size() const = 0;

  // Visits keys in the order of their hashes, those of one hash in the order of their bytes, from
  // the hash `cursor` (0 at first) until `count` were seen or `go_on()` says no; keys of one hash
  // are never apart. Answers the next cursor; 0: all was seen. So a key that is there throughout is
  // visited exactly once, whatever changes between two calls.
  virtual uint64_t scan(uint64_t cursor, uint64_t count,
                        absl::FunctionRef<void(std::string_view key)> visit,
                        absl::FunctionRef<bool()> go_on) const = 0;

  // The top 48 bits of XXH3, whose output is fixed for ever.
  static uint64_t hash_of(std::string_view key);

 private:
  virtual std::string_view load() { return {}; }
};

}  // namespace troupe::kv
