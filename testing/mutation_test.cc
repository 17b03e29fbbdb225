// Linked with one source file in which a bug was put back (mutant.bzl): passes when the simulation
// finds it, by a promise that was not kept or, which takes longer, by the harm that was done.
#include <cstdio>
#include <cstring>
#include <string>

#include "testing/runner.h"

namespace {

// The seed that finds it, 0 when none does.
uint64_t caught(const char* how, const troupe::sim::runner_options& o) {
  const auto s = troupe::sim::run_seeds(o);
  std::printf("%s: %s\n", how, troupe::sim::to_string(s).c_str());
  if (s.failed.empty()) {
    std::printf("%s: NOT CAUGHT\n", how);
    return 0;
  }
  std::printf("%s: caught with seed %lu: %s\n", how, s.failed[0].seed, s.failed[0].why.c_str());
  return s.failed[0].seed;
}

}  // namespace

int main(int argc, char** argv) {
  troupe::sim::runner_options o;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--seeds=", 8) == 0) o.seeds = std::stoull(argv[i] + 8);
    if (std::strncmp(argv[i], "--nodes=", 8) == 0) o.each.nodes = std::stoull(argv[i] + 8);
  }
  const auto found = caught("by all invariants", o);
  if (found == 0) return 1;
  // No seed before does harm, or it would have been found.
  o.first = found;
  o.each.harm_only = true;
  return caught("by the harm alone", o) != 0 ? 0 : 1;
}
