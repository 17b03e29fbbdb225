#include "actors/core/member_change.h"

namespace troupe::core {}  // namespace troupe::core
