#include "storage/files.h"

#include "storage/try.h"

namespace troupe::storage {

absl::StatusOr<std::string> read_file(env& files, const std::string& path) {
  TROUPE_TRY_LET(auto from, files.open(path, open_mode::existing));
  TROUPE_TRY_LET(const auto size, from->size());
  return from->read(0, size);
}

absl::Status remove_if_there(env& files, const std::string& path) {
  auto gone = files.remove(path);
  return absl::IsNotFound(gone) ? absl::OkStatus() : gone;
}

}  // namespace troupe::storage
