// The real file system.
//
// Stateless apart from its option, so one may serve many threads and many data directories.
// Interrupted calls are resumed and short writes completed.
#pragma once

#include <memory>

#include "storage/env.h"

namespace troupe::storage {

enum class sync_mode {
  always,  // sync means fdatasync (fsync after a truncation), sync_dir means fsync
  never,   // both do nothing: for benchmarks; a power cut loses or damages data
};

std::unique_ptr<env> make_posix_env(sync_mode mode = sync_mode::always);

}  // namespace troupe::storage
