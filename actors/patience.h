// How long somebody waits, made safe to add to a time.
#pragma once

#include <algorithm>

#include "proto/ids.h"

namespace troupe {

// A caller may say duration::max(). Nobody waits longer than a year.
constexpr duration bounded(duration patience) {
  return std::clamp<duration>(patience, duration::zero(), std::chrono::hours(24 * 365));
}

}  // namespace troupe
