#include "storage/verify.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

#include "storage/files.h"
#include "storage/segment_scan.h"
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

// Marks are those of its owner; where nobody knows it, batches are found without them.
absl::Status visit_intact(env& files, const std::string& dir,
                          absl::FunctionRef<void(const batch_ptr&)> visit) {
  const auto owner = read_identity(files, dir);
  const auto log_dir = dir + "/log";
  TROUPE_TRY_LET(const auto names, files.list(log_dir));
  for (const auto& name : names) {
    const auto sequence = parse_segment_name(name);
    if (!sequence) continue;
    TROUPE_TRY_LET(const auto content, read_file(files, log_dir + "/" + name));
    segment_header segment;
    segment.sequence = *sequence;
    if (owner.ok() && *owner) segment.incarnation = (*owner)->incarnation;
    visit_readable(content, segment, segment_header::block_size,
                   [&](uint64_t, const batch_ptr& b) { visit(b); });
  }
  return absl::OkStatus();
}

}  // namespace troupe::storage
