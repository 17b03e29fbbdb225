// A damaged log made usable again: all from the first damage on is set aside, and what it was is
// written down, so that the node keeps its promises until it has that again (Protocol-Aware
// Recovery, FAST 2018, has the why: neither a node that goes on as if it had promised nothing nor
// one that ends is what a cluster needs).
//
// Safe to be interrupted anywhere and begun again. Nothing is deleted or overwritten: what is
// behind the damage is kept until the log is whole (aside_names.h; salvage.h makes use of it).
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "storage/env.h"
#include "storage/identity.h"
#include "storage/log_storage.h"

namespace troupe::storage {

// What is known of a log elsewhere.
struct known_of_log {
  log_id durable;  // it was up to here, at least
  log_id covered;  // the newest snapshot ends here; empty: there is none
};

// What would be lost if the log in `log_dir` were cut at its first damage. Changes nothing.
//
// kDataLoss where that cannot be told, because no segment is left, or, without a snapshot that says
// what the log went on from, because what is before the oldest one is not known, or a damaged
// header may have made the older ones void; then only a person can decide.
absl::StatusOr<lost_entries> find_damage(env& files, const std::string& log_dir,
                                         const identity& owner, const known_of_log& known);

// Sets aside all from the first damage on. Durable when it returns; the log can be opened then.
// Precondition: what find_damage tells is written down, durably.
absl::Status cut_damage(env& files, const std::string& log_dir, const identity& owner,
                        const known_of_log& known);

}  // namespace troupe::storage
