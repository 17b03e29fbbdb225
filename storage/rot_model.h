// What each byte of a data directory is, and what has to come of it when it rots: FORMAT.md's
// verdicts as a second opinion, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/memory_env.h"

namespace troupe::storage {

enum class verdict {
  refused,     // damage, with file and offset
  harmless,    // nothing that counts: all is as without it
  mended,      // all is as without it, and opening says which copy it mended
  cut,         // the log ends before this batch: nothing shows that it was ever durable
  older_vote,  // the only slot with the newest vote: the one before is taken for it, and mended
  unfinished,  // a reset that has not returned: the old log or the new one
};

// Bytes [begin, end) of a file that are one thing.
struct part {
  std::string kind;
  std::string path;
  uint64_t begin;
  uint64_t end;
  verdict due;
  // The offset that an error names.
  uint64_t told_at;
};

// The parts of `dir`, which opens as it is.
std::vector<part> parts_of(memory_env& files, const std::string& dir);

// All of a file.
std::string content_of(memory_env& files, const std::string& path);
void flip_bit(memory_env& files, const std::string& path, uint64_t offset, int bit = 0);

}  // namespace troupe::storage
