#include "actors/compression.h"

#include <zstd.h>

#include "proto/check.h"

namespace troupe {

std::string compress(std::string_view bytes, int level) {
  std::string out(ZSTD_compressBound(bytes.size()), 0);
  const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  TROUPE_CHECK(!ZSTD_isError(size), "there is room for any bytes");
  out.resize(size);
  return out;
}

absl::StatusOr<std::string> decompress(std::string_view bytes, size_t length) {
  std::string out(length, 0);
  const size_t size = ZSTD_decompress(out.data(), length, bytes.data(), bytes.size());
  if (size != length) return absl::DataLossError("it is not what was compressed");
  return out;
}

}  // namespace troupe
