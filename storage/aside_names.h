// How files are named that are set aside because of damage, beside the segments of a log:
//
//   <segment>.lost            a whole segment
//   <segment>-<offset>.lost   what stood in it from there on
//   sent.lost                 batches that other nodes sent
//
// A second one of the same is `.2.lost` and so on: each may be the last copy of something, so none
// is overwritten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::storage {

// What a file holds, and where that stood.
struct aside_origin {
  uint64_t sequence = 0;  // of the segment; 0: others sent it
  uint64_t offset = 0;    // in that

  bool operator==(const aside_origin&) const = default;
};

// A name that is not among `taken`, of a directory.
std::string aside_name(const aside_origin& origin, const std::vector<std::string>& taken);
// Nothing for a file that was not set aside.
std::optional<aside_origin> parse_aside_name(const std::string& name);

}  // namespace troupe::storage
