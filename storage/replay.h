// Running one of many runs alone again. For tests.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "proto/trace.h"

namespace troupe::storage {

// For runs that are too many to be traced.
inline void trace_nothing() { trace::verbosity = static_cast<int>(trace::level::error) - 1; }

// The run that an environment variable names, with its trace. Nothing: all are wanted.
inline std::optional<std::string> replayed(const char* variable) {
  if (const char* which = std::getenv(variable)) return which;
  trace_nothing();
  return std::nullopt;
}

}  // namespace troupe::storage
