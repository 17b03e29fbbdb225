// The bytes of snapshots: put together, and taken apart over the bounds of pieces. Numbers are
// little endian.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "actors/machine.h"

namespace troupe::kv {

// A piece ends when it has so many bytes.
inline constexpr size_t piece_bytes = 64 << 10;

template <class Number>
void put_number(std::string& out, Number n) {
  out.append(reinterpret_cast<const char*>(&n), sizeof n);
}

// Takes what was put. After an error all that it gives is 0 or empty. One thread at a time.
class taker {
 public:
  explicit taker(snapshot_source& from) : from_(from) {}

  const absl::Status& status() const { return status_; }
  // Valid until the next call.
  std::string_view bytes(size_t count);
  template <class Number>
  Number number() {
    Number n = 0;
    const auto from = bytes(sizeof n);
    if (!from.empty()) std::memcpy(&n, from.data(), sizeof n);
    return n;
  }
  // Nothing may follow.
  void expect_end();
  // kDataLoss, unless there is an error already.
  void fail(const std::string& why);
  // Where the log is that it came with: snapshot_source::last.
  log_index last() const { return from_.last(); }

 private:
  void more();

  snapshot_source& from_;
  absl::Status status_;
  std::string bytes_;
  size_t at_ = 0;
};

}  // namespace troupe::kv
