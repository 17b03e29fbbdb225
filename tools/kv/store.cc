#include "tools/kv/store.h"

#include <xxhash.h>

namespace troupe::kv {

uint64_t store::hash_of(std::string_view key) { return XXH3_64bits(key.data(), key.size()) >> 16; }

}  // namespace troupe::kv
