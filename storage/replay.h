// Running one of many runs alone again. For tests.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "proto/trace.h"

namespace troupe::storage {

// The run that an environment variable names, with its trace. Nothing: all are wanted, and they are
// too many to be traced.
inline std::optional<std::string> replayed(const char* variable) {
  if (const char* which = std::getenv(variable)) return which;
  trace::verbosity = static_cast<int>(trace::level::error) - 1;
  return std::nullopt;
}

}  // namespace troupe::storage
