#include "testing/ledger.h"

#include <cstring>

#include <xxhash.h>

namespace troupe::sim {

std::string encode_command(uint64_t command, size_t padding) {
  std::string bytes(sizeof command + padding, '.');
  std::memcpy(bytes.data(), &command, sizeof command);
  return bytes;
}

uint64_t decode_command(std::string_view bytes) {
  uint64_t command = 0;
  if (bytes.size() >= sizeof command) std::memcpy(&command, bytes.data(), sizeof command);
  return command;
}

std::string encode_entry(const entry& e) {
  std::string bytes(sizeof e, 0);
  std::memcpy(bytes.data(), &e, sizeof e);
  return bytes;
}

entry decode_entry(std::string_view bytes) {
  entry e;
  if (bytes.size() == sizeof e) std::memcpy(&e, bytes.data(), sizeof e);
  return e;
}

void ledger::apply(log_index first, frames_view commands, frames& results) {
  for (const auto bytes : commands) {
    last_ = {last_.position + 1, XXH3_64bits_withSeed(bytes.data(), bytes.size(), last_.state)};
    last_index_ = first;
    if (observer_) observer_(first, decode_command(bytes), last_);
    results.add(encode_entry(last_));
    first = first.next();
  }
}

void ledger::query(std::string_view, frames& results) { results.add(encode_entry(last_)); }

}  // namespace troupe::sim
