// For tests of a session: actions as text, and a budget of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/resp/session.h"

namespace troupe::resp {

// A run as text: its kind, then the number of its commands.
inline std::string shape(const action& a) {
  static constexpr char names[] = {'P', 'R', 'A'};
  return names[static_cast<int>(a.what)] + std::to_string(a.commands.size());
}

inline std::string shapes(const std::vector<action>& actions) {
  std::string text;
  for (const action& a : actions) text += (text.empty() ? "" : " ") + shape(a);
  return text;
}

// A session whose budget is its own.
struct own_budget {
  budget all{SIZE_MAX};
};
class lone_session : own_budget, public session {
 public:
  explicit lone_session(uint64_t id, session_limits limits = {})
      : session(id, limits, all, [] {}) {}
};

inline frames replies(uint32_t count, std::string_view reply) {
  frames all;
  for (uint32_t i = 0; i < count; ++i) all.add(reply);
  return all;
}

}  // namespace troupe::resp
