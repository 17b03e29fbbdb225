// Runs seeds of the simulation by hand.
//
//   simulate --seeds=1000 --first=1 --nodes=3     many, nodes 0 (the default): the seed chooses
//   simulate --seed=42 --verbose                  one, with everything that happens
//   --machines_on_disk                            they keep their state over restarts
#include <cstdio>
#include <cstring>
#include <string>

#include "proto/trace.h"
#include "testing/runner.h"

namespace {

bool number(const char* arg, const char* name, uint64_t& to) {
  const size_t length = std::strlen(name);
  if (std::strncmp(arg, name, length) != 0) return false;
  to = std::stoull(arg + length);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  troupe::sim::runner_options o;
  o.stop_at_failure = false;
  for (int i = 1; i < argc; ++i) {
    if (number(argv[i], "--seeds=", o.seeds) || number(argv[i], "--first=", o.first) ||
        number(argv[i], "--nodes=", o.each.nodes))
      continue;
    if (number(argv[i], "--seed=", o.first)) {
      o.seeds = 1;
    } else if (std::strcmp(argv[i], "--machines_on_disk") == 0) {
      o.each.machines_on_disk = true;
    } else if (std::strcmp(argv[i], "--verbose") == 0) {
      o.verbose = true;
    } else {
      std::fprintf(stderr,
                   "usage: %s [--seeds=N] [--first=N] [--seed=N] [--nodes=0|3|5] "
                   "[--machines_on_disk] [--verbose]\n",
                   argv[0]);
      return 2;
    }
  }
  if (o.verbose)
    troupe::trace::verbosity =
        static_cast<int>(o.seeds == 1 ? troupe::trace::level::trace : troupe::trace::level::error);
  const auto s = troupe::sim::run_seeds(o);
  std::printf("%s\n", troupe::sim::to_string(s).c_str());
  return s.failed.empty() ? 0 : 1;
}
