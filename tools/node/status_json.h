// STATUS as one JSON object; users' scripts rely on the names.
#pragma once

#include <string>

#include "actors/messages.h"

namespace troupe::tools {

// `machine`: where the node keeps the state, where that is known.
std::string status_json(const status& s, const std::string& machine = {});
// Only who takes part, and on the leader how many entries each of the others lacks.
std::string members_json(const status& s);

}  // namespace troupe::tools
