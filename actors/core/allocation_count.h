// Lets a test hold a hot path to its promise of doing without the heap.
#pragma once

#include <cstdint>

namespace troupe::core {

// How often this thread has called operator new. Linking this in replaces it for the whole test.
uint64_t allocation_count();

}  // namespace troupe::core
