#include "actors/machine.h"

namespace troupe {

absl::Status machine::restore(snapshot_source&) {
  return absl::UnimplementedError("this machine has no snapshots");
}

}  // namespace troupe
