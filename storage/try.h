// Early return for what cannot fail quietly.
#pragma once

#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

// Returns the error of `expression` (an absl::Status), if it is one, from the enclosing function.
#define TROUPE_TRY(expression)                                                       \
  do {                                                                               \
    if (absl::Status try_status = (expression); !try_status.ok()) return try_status; \
  } while (false)

// Declares `variable` from the value of `expression` (an absl::StatusOr), or returns its error.
#define TROUPE_TRY_NAME_(a, b) a##b
#define TROUPE_TRY_NAME(a, b) TROUPE_TRY_NAME_(a, b)
#define TROUPE_TRY_LET(variable, expression) \
  TROUPE_TRY_LET_(TROUPE_TRY_NAME(try_result_, __LINE__), variable, expression)
#define TROUPE_TRY_LET_(result, variable, expression) \
  auto result = (expression);                         \
  if (!result.ok()) return result.status();           \
  variable = *std::move(result)
