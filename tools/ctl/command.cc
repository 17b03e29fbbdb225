#include "tools/ctl/command.h"

#include <cstdio>

namespace troupe::tools {

exit_code say(exit_code code, absl::string_view why) {
  std::fprintf(stderr, "ctl: %.*s\n", static_cast<int>(why.size()), why.data());
  return code;
}

void print(absl::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace troupe::tools
