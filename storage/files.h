// What several do with files of an env.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/env.h"

namespace troupe::storage {

// All of it.
absl::StatusOr<std::string> read_file(env& files, const std::string& path);
// That there is none is no error.
absl::Status remove_if_there(env& files, const std::string& path);

}  // namespace troupe::storage
