#include "tools/ctl/data_dirs.h"

#include <filesystem>

#include "storage/identity.h"
#include "storage/vote_file.h"

namespace troupe::tools {

bool is_below_data_dir(const std::string& path) {
  std::error_code none;
  auto dir = std::filesystem::weakly_canonical(path, none);
  while (dir.has_relative_path()) {
    dir = dir.parent_path();
    if (std::filesystem::exists(dir / storage::identity_file, none) &&
        std::filesystem::exists(dir / storage::vote_file_name, none))
      return true;
  }
  return false;
}

}  // namespace troupe::tools
