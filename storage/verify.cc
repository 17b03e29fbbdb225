#include "storage/verify.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

#include "storage/try.h"

namespace troupe::storage {

absl::StatusOr<std::unique_ptr<durable_storage>> open_for_verification(env& files,
                                                                       const std::string& dir) {
  const auto names = files.list(dir);
  if (!names.ok() && !absl::IsNotFound(names.status())) return names.status();
  if (!names.ok() || names->empty())
    return absl::NotFoundError(absl::StrCat(dir, ": no node has kept anything there"));
  TROUPE_TRY_LET(const auto owner, read_identity(files, dir));
  if (!owner && std::ranges::count(*names, vote_file_name) != 0)
    return absl::DataLossError(absl::StrCat(dir, "/", identity_file, ": it is missing"));
  if (!owner)
    return absl::NotFoundError(absl::StrCat(dir, ": it is not the data directory of a node"));
  durable_options options;
  options.dir = dir;
  options.node = owner->node;
  return durable_storage::open(files, options);
}

}  // namespace troupe::storage
