#include "actors/node_config.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace troupe {
namespace {

absl::Status bad(absl::string_view name, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", why));
}

absl::Status check_timing(const core::timing& t) {
  if (t.heartbeat_interval < std::chrono::milliseconds(1))
    return bad("heartbeat_interval", "must be at least 1ms");
  // A follower that waits no longer than a heartbeat takes elects somebody else for ever, and the
  // random part is drawn from between the two timeouts.
  if (t.election_timeout_min <= t.heartbeat_interval ||
      t.election_timeout_max <= t.election_timeout_min) {
    const auto text = [](duration d) { return absl::FormatDuration(absl::FromChrono(d)); };
    return bad("heartbeat_interval",
               absl::StrCat("must be less than election_timeout_min, and that less than "
                            "election_timeout_max; they are ",
                            text(t.heartbeat_interval), ", ", text(t.election_timeout_min), " and ",
                            text(t.election_timeout_max)));
  }
  if (t.election_timeout_max > std::chrono::minutes(10))
    return bad("election_timeout_max", "must be at most 10m");
  return absl::OkStatus();
}

// With nothing at all allowed nothing ever goes on.
absl::Status check_limits(const leader_limits& l) {
  if (l.batch.value == 0 || l.batch > MiB(64)) return bad("batch", "must be from 1 B to 64 MiB");
  const std::pair<absl::string_view, uint64_t> counts[] = {{"under_way", l.under_way.value},
                                                           {"rounds", l.rounds},
                                                           {"window", l.replication.window.value},
                                                           {"request", l.replication.request.value},
                                                           {"requests", l.replication.requests}};
  for (const auto& [name, count] : counts)
    if (count == 0) return bad(name, "must be at least 1");
  // Written so that it refuses what is no number, too.
  if (!(l.clock_drift >= 1 && l.clock_drift <= 10))
    return bad("clock_drift", "must be from 1 to 10");
  return absl::OkStatus();
}

}  // namespace

absl::Status check(const node_config& config) {
  if (auto s = check_timing(config.timing); !s.ok()) return s;
  if (config.compaction.compression > 19) return bad("compression", "must be from 0 to 19");
  if (config.scrub > MiB(1024)) return bad("scrub", "must be at most 1 GiB");
  return check_limits(config.limits);
}

}  // namespace troupe
