// Tells people, from time to time, how far something is that takes long.
#pragma once

#include <algorithm>
#include <string>

#include "actors/snapshot_progress.h"
#include "proto/ids.h"
#include "proto/trace.h"

namespace troupe {

class progress_log {
 public:
  // `what`: as in "sends n3 a snapshot".
  progress_log(std::string what, instant now) : what_(std::move(what)), told_at_(now) {}

  void note(const snapshot_progress& p, instant now) {
    const std::chrono::duration<double> since = now - told_at_;
    if (since < every) return;
    const auto mib = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
    const auto rate = mib(p.bytes - std::min(p.bytes, told_)) / since.count();
    told_ = p.bytes, told_at_ = now;
    if (p.size == 0)
      TROUPE_EVENT(info) << what_ << ": " << mib(p.bytes) << " MiB, " << rate << " MiB/s";
    else
      TROUPE_EVENT(info) << what_ << ": " << std::min<uint64_t>(100, 100 * p.bytes / p.size)
                         << " % of " << mib(p.size) << " MiB, " << rate << " MiB/s";
  }

 private:
  static constexpr std::chrono::seconds every{5};

  std::string what_;
  uint64_t told_ = 0;
  instant told_at_;
};

}  // namespace troupe
