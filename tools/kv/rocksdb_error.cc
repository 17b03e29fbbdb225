#include "tools/kv/rocksdb_error.h"

#include "absl/strings/str_cat.h"

namespace troupe::kv {
namespace {

// Snapshot and log have all that was in it.
absl::Status damaged(const std::string& path, const std::string& what) {
  return absl::DataLossError(absl::StrCat("the machine's database ", path, " is damaged: ", what,
                                          ". Remove that directory and start the node again: it "
                                          "makes a new one from its snapshot and its log"));
}

}  // namespace

absl::Status status_of(const rocksdb::Status& s, const std::string& path) {
  if (s.ok()) return absl::OkStatus();
  if (s.IsCorruption()) return damaged(path, s.ToString());
  const auto code =
      s.IsNoSpace() ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnknown;
  return {code, absl::StrCat("the machine's database ", path, ": ", s.ToString())};
}

void check(const rocksdb::Status& s, const std::string& path) {
  if (!s.ok()) throw rocksdb_error(std::string(status_of(s, path).message()));
}

void throw_damaged(const std::string& path, const std::string& what) {
  throw rocksdb_error(std::string(damaged(path, what).message()));
}

}  // namespace troupe::kv
