// zstd for pieces of bytes, each by itself.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace troupe {

// `level`: 1 (fast) to 19 (small).
std::string compress(std::string_view bytes, int level);
// What became `bytes`, which was so long. kDataLoss when it is not that.
absl::StatusOr<std::string> decompress(std::string_view bytes, size_t length);

}  // namespace troupe
