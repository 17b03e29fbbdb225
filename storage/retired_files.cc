#include "storage/retired_files.h"

#include <algorithm>
#include <functional>

#include "proto/trace.h"
#include "storage/try.h"

namespace troupe::storage {
namespace {

// True when nothing is left of it.
absl::StatusOr<bool> cut(file& from) {
  TROUPE_TRY_LET(const auto size, from.size());
  const auto left = size - std::min(size, retired_files::piece);
  TROUPE_TRY(from.truncate(left));
  return left == 0;
}

}  // namespace

absl::Status retired_files::add(env& files, const std::string& path,
                                std::weak_ptr<const void> readers) {
  auto bytes = files.open(path, open_mode::existing);
  TROUPE_TRY(files.remove(path));
  if (bytes.ok()) files_.push_back({*std::move(bytes), std::move(readers)});
  return absl::OkStatus();
}

bool retired_files::free_some() {
  const auto found = std::ranges::find_if(files_, &retired::unread);
  if (found == files_.end()) return false;
  const auto done = cut(*found->bytes);
  if (!done.ok()) TROUPE_EVENT(warn) << "a removed file is freed in one go: " << done.status();
  // Closing it frees the rest.
  if (!done.ok() || *done) files_.erase(found);
  return true;
}

void retired_files::free_all() { std::erase_if(files_, std::mem_fn(&retired::unread)); }

}  // namespace troupe::storage
