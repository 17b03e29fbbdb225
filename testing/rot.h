// Damage to the files of a node that is down.
#pragma once

#include <string>

#include "proto/ids.h"
#include "storage/env.h"
#include "testing/dice.h"

namespace troupe::sim {

// Changes one byte in the segments of `log_dir`, of which a mark or a later segment shows that it
// was durable once, of a header or a batch: what is behind the last mark cannot be told from a torn
// write (FORMAT.md).
// False where there is no such byte.
bool flip_durable_byte(storage::env& files, const std::string& log_dir, dice& chance);

// The same, of the batch that holds this entry.
bool flip_byte_of_entry(storage::env& files, const std::string& log_dir, log_index entry,
                        dice& chance);
// The same, of the header of the oldest segment.
bool flip_byte_of_header(storage::env& files, const std::string& log_dir, dice& chance);

// Any byte of the newest snapshot in `snapshots_dir`. False when there is none.
bool flip_byte_of_snapshot(storage::env& files, const std::string& snapshots_dir, dice& chance);
// All of it is gone.
bool remove_snapshot(storage::env& files, const std::string& snapshots_dir);

}  // namespace troupe::sim
