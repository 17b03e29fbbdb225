// Which engine wrote a data directory: no other one may begin anew in it, and forget what its node
// has promised.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "storage/env.h"

namespace troupe::storage {

enum class engine { files, rocksdb };

// Where RocksDB has its files, below the data directory.
inline constexpr char rocksdb_dir_name[] = "rocksdb";

// kFailedPrecondition when the other engine than `mine` has written to `dir`.
absl::Status check_engine(env& files, const std::string& dir, engine mine);

}  // namespace troupe::storage
