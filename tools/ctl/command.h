// What the commands of ctl have in common, and where each group of them is found.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "caf/fwd.hpp"
#include "tools/ctl/remote_node.h"

namespace troupe::tools {

enum exit_code { done = 0, refused = 1, usage = 2, unknown = 3 };

using words = std::span<const std::string>;

// The flags that some command reads.
struct choices {
  duration patience;  // for the connection, and then for the answer
  bool json = false;
  read_mode mode = read_mode::linearizable;  // of get
  bool wait = false;                         // add-learner: until it is caught up
  bool retain = false;                       // voters that are removed become learners
  std::optional<log_id> if_membership;       // only while this membership is in force
  bool yes = false;                          // recover: it does not ask
};

struct session {
  caf::actor_system* system;
  remote_node node;
  choices chosen;
};

using action = std::function<exit_code(session&)>;

struct command {
  static constexpr size_t any = 64;

  const char* name;
  const char* arguments;  // as in the usage text
  size_t least, most;     // arguments
  // What to do, before any node is asked. kInvalidArgument is wrong use; any other error is
  // refused.
  absl::StatusOr<action> (*parse)(words);
};

// About files of this machine; no node is asked.
struct offline_command {
  const char* name;
  const char* arguments;
  size_t count;  // of them
  exit_code (*run)(words args, const choices& chosen);
};

// The parser of a command without arguments.
template <exit_code (*run)(session&)>
absl::StatusOr<action> just(words) {
  return run;
}

std::span<const command> status_commands();
std::span<const command> member_commands();
std::span<const command> leader_commands();
std::span<const command> snapshot_commands();
std::span<const command> kv_commands();
std::span<const offline_command> offline_commands();

// One line on stderr. Answers `code`.
exit_code say(exit_code code, absl::string_view why);
// On stdout, as it is.
void print(absl::string_view text);

}  // namespace troupe::tools
