// Reads the command line into Abseil's flags. Abseil's own parser ends the process with exit code 1
// and may print pages; here every mistake is one line and exit code 2.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace troupe::tools {

struct program {
  std::string name;    // begins the line about a mistake
  std::string usage;   // the beginning of --help
  std::string folder;  // whose flags exist, as in "tools/node/"
};

// ", did you mean 'WORD'?" where one of `known` is a slip of the fingers away; else nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

// Sets the flags (--name=value, --name value, --switch, --noswitch) and answers the words that are
// none; behind "--" all are words. --help and --version end the process with exit code 0. Opens
// /dev/null as those of stdin, stdout and stderr that are closed: call it first.
std::vector<std::string> parse_flags(const program& p, int argc, char** argv);

}  // namespace troupe::tools
