// What ctl prints: a node's status for people, and the results of commands.
#pragma once

#include <string>

#include "actors/messages.h"

namespace troupe::tools {

std::string status_text(const status& s);
// One line for each node, and one with what decides among them. Who lacks how much is in it when
// `s` is the leader's.
std::string members_text(const status& s);

// A RESP2 reply of the key-value machine, taken apart.
struct result {
  enum class kind { text, number, nil, error };
  kind what = kind::error;
  std::string text;
  int64_t number = 0;
};
result parse_result(std::string_view reply);

std::string result_text(const result& r);
std::string result_json(const result& r);

}  // namespace troupe::tools
