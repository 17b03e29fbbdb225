// Quorum trees as people write them: in flags, at the command line, in logs and in status.
//
//   majority(1,2,3)                              more than half of the weight elects and commits
//   2 of (1,2,3)                                 the weight that elects and commits
//   read 3 write 2 of (1,2,3,4)                  the weight that elects, the weight that commits
//   read 3 write 3 of (1*2,2,3,4)                voter 1 weighs 2, the others 1
//   2 of {east: majority(1,2,3), west: majority(4,5,6)*2, 7}
//
//   group  = rule list
//   rule   = "majority" | number "of" | "read" number "write" number "of"
//   list   = "(" child { "," child } ")"
//          | "{" [ name ":" ] child { "," [ name ":" ] child } "}"
//   child  = ( number | group ) [ "*" number ]           a number alone is a voter's node id
//   number = digit { digit }                             decimal, below 2^64
//   name   = letter { letter | digit | "_" | "-" | "." } ASCII, at most quorum::max_name bytes
//
// White space between these tokens means nothing. Names are labels: they are kept, and nothing
// depends on them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "actors/core/quorum.h"

namespace troupe::core {

// The tree, well-formed (quorum::check_form); whether its quorums meet is for quorum::check to say,
// because that depends on the vote mode. Otherwise kInvalidArgument: what was expected, what was
// found, and at which column (bytes from 1).
absl::StatusOr<quorum> parse_quorum(std::string_view text);

// The canonical text: the first rule of the grammar that fits, braces only around names, a space
// after commas only in lists with a group or a name. parse_quorum(print(q)) == q when q is
// well-formed; any other tree is printed as far as it goes.
std::string print(const quorum& q);

// True for what the grammar calls a name.
bool is_quorum_name(absl::string_view name);

}  // namespace troupe::core
