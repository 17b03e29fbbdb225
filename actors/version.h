// The version that STATUS and --version tell.
#pragma once

namespace troupe {

inline constexpr const char* version = "0.1.0";

}  // namespace troupe
