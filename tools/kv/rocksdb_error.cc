#include "tools/kv/rocksdb_error.h"

#include "absl/strings/str_cat.h"

namespace troupe::kv {
namespace {

std::string text_of(const std::string& path, const std::string& what) {
  return absl::StrCat("the machine's database ", path, ": ", what);
}

}  // namespace

absl::Status status_of(const rocksdb::Status& s, const std::string& path) {
  if (s.ok()) return absl::OkStatus();
  auto code = absl::StatusCode::kUnknown;
  if (s.IsCorruption()) code = absl::StatusCode::kDataLoss;
  if (s.IsNoSpace()) code = absl::StatusCode::kResourceExhausted;
  return {code, text_of(path, s.ToString())};
}

void check(const rocksdb::Status& s, const std::string& path) {
  if (s.ok()) return;
  if (s.IsCorruption()) throw_damaged(path, s.ToString());
  throw rocksdb_error(text_of(path, s.ToString()));
}

// Snapshot and log have all that was in it.
void throw_damaged(const std::string& path, const std::string& what) {
  throw rocksdb_damage(
      text_of(path, what) +
      ". It is damaged: start the node again, which makes a new one from its snapshot and its log");
}

}  // namespace troupe::kv
