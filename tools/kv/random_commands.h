// Random commands of clients of the key-value machine, the same for the same seed. For tests.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tools/kv/command.h"

namespace troupe::kv {

class random_commands {
 public:
  // Over so many keys; some values are longer than `long_value`, up to twice that.
  random_commands(uint64_t seed, uint64_t keys, size_t long_value)
      : random_(seed), keys_(keys), long_value_(long_value) {}

  std::string write() {
    auto bytes = plain_write();
    if (pick(4) != 0) return bytes;
    // The next sequence of a session, or one that was there before.
    const auto id = "client " + std::to_string(pick(50));
    auto& last = sequences_[id];
    if (pick(5) != 0) ++last;
    put_in_session(id, std::max<uint64_t>(1, last), bytes);
    return bytes;
  }
  std::string question() {
    const auto k = key(), other = key();
    switch (pick(5)) {
      case 0:
        return encoded(op::get, {k});
      case 1:
        return encoded(op::mget, {k, other, k});
      case 2:
        return encoded(op::strlen, {k});
      case 3:
        return encoded(op::dbsize, {});
      default:
        return encoded(op::exists, {k, other});
    }
  }
  uint64_t pick(uint64_t below) { return random_() % below; }

 private:
  using args = std::vector<std::string_view>;

  static std::string encoded(op what, const args& a, uint8_t flags = 0) {
    std::string bytes;
    encode(what, flags, a, bytes);
    return bytes;
  }
  std::string key() { return "key " + std::to_string(pick(keys_)); }
  std::string value() {
    if (pick(3) == 0) return std::to_string(pick(3));
    const size_t size = pick(20) == 0 ? long_value_ + pick(long_value_) : pick(300);
    return std::string(size, static_cast<char>('a' + pick(26)));
  }
  std::string plain_write() {
    const auto k = key(), other = key(), v = value();
    const auto by = encode_number(static_cast<int64_t>(pick(7)) - 3);
    switch (pick(500) == 0 ? 99 : pick(10)) {
      case 99:
        return encoded(op::flush_all, {});
      case 0:
        return encoded(op::del, {k, other, k});
      case 1:
        return encoded(op::incr_by, {k, by});
      case 2:
      case 3:
        return encoded(op::append, {k, v});
      case 4:
        return encoded(op::mset, {k, v, other, v, k, "twice"});
      case 5:
        return encoded(op::getset, {k, v});
      case 6:
        return pick(2) == 0 ? encoded(op::cas, {k, v, "new"}) : encoded(op::cas_absent, {k, v});
      case 7:
        return pick(3) == 0 ? encoded(op::open_session, {}) : encoded(op::del, {k});
      default:
        return encoded(op::set, {k, v}, static_cast<uint8_t>(pick(8)));
    }
  }

  std::mt19937_64 random_;
  const uint64_t keys_;
  const size_t long_value_;
  std::map<std::string, uint64_t> sequences_;
};

}  // namespace troupe::kv
