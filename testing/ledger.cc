#include "testing/ledger.h"

#include <algorithm>
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
    applied_ = first;
    first = first.next();
  }
  note();
}

void ledger::skip(log_index last) {
  applied_ = last;
  note();
}

void ledger::keep(const state& left) {
  keeps_ = true;
  applied_ = left.applied;
  last_ = left.last;
  last_index_ = left.last_index;
  if (last_index_ && restored_) restored_(last_index_, last_);
  note();
}

void ledger::note() {
  constexpr size_t remembered = 100;
  if (!keeps_) return;
  past_.push_back({applied_, last_, last_index_});
  if (past_.size() > remembered) past_.pop_front();
}

namespace {

// In pieces, of which the last may be short.
class ledger_state final : public snapshot_source {
 public:
  explicit ledger_state(std::string bytes) : bytes_(std::move(bytes)) {}

  absl::StatusOr<std::string> next() override {
    const auto piece = bytes_.substr(0, 5000);
    bytes_.erase(0, piece.size());
    return piece;
  }

 private:
  std::string bytes_;
};

}  // namespace

std::unique_ptr<snapshot_source> ledger::begin_snapshot() {
  auto bytes = encode_entry(last_);
  bytes.append(reinterpret_cast<const char*>(&last_index_.value), sizeof last_index_.value);
  if (last_.state % 8 == 0) bytes.append(last_.state % 100'000, '.');
  bytes.resize(std::max(bytes.size(), least_), '.');
  return std::make_unique<ledger_state>(std::move(bytes));
}

absl::Status ledger::restore(snapshot_source& from) {
  std::string bytes;
  for (;;) {
    auto piece = from.next();
    if (!piece.ok()) return piece.status();
    if (piece->empty()) break;
    bytes += *piece;
  }
  if (bytes.size() < sizeof(entry) + sizeof(uint64_t)) return absl::DataLossError("it is no list");
  last_ = decode_entry(std::string_view(bytes).substr(0, sizeof(entry)));
  std::memcpy(&last_index_.value, bytes.data() + sizeof(entry), sizeof last_index_.value);
  applied_ = from.last();
  past_.clear();  // what a snapshot has put there is durable
  note();
  if (restored_) restored_(last_index_, last_);
  return absl::OkStatus();
}

void ledger::query(std::string_view, frames& results) { results.add(encode_entry(last_)); }

}  // namespace troupe::sim
