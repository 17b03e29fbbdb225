// Assertions about ourselves. They state invariants, stay on in release, and never judge the
// environment: a disk, a peer or a user that misbehaves is answered with an error value.
#pragma once

namespace troupe {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* why);

}  // namespace troupe

// Ends the process when `condition` is false; `why` says which rule would be broken.
#define TROUPE_CHECK(condition, why)                               \
  do {                                                             \
    if (!(condition)) [[unlikely]]                                 \
      ::troupe::check_failed(__FILE__, __LINE__, #condition, why); \
  } while (false)
