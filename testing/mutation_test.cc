// Linked with one source file in which a bug was put back (mutant.bzl): passes when the simulation
// finds it, by a promise that was not kept or, which takes longer, by the harm that was done.
#include <cstdio>
#include <cstring>
#include <string>

#include "testing/runner.h"

namespace {

bool caught(const char* how, const troupe::sim::runner_options& o) {
  const auto s = troupe::sim::run_seeds(o);
  std::printf("%s: %s\n", how, troupe::sim::to_string(s).c_str());
  if (s.failed.empty())
    std::printf("%s: NOT CAUGHT\n", how);
  else
    std::printf("%s: caught with seed %lu: %s\n", how, s.failed[0].seed, s.failed[0].why.c_str());
  return !s.failed.empty();
}

}  // namespace

int main(int argc, char** argv) {
  troupe::sim::runner_options o;
  for (int i = 1; i < argc; ++i)
    if (std::strncmp(argv[i], "--seeds=", 8) == 0) o.seeds = std::stoull(argv[i] + 8);
  const bool promises = caught("by all invariants", o);
  o.each.harm_only = true;
  return caught("by the harm alone", o) && promises ? 0 : 1;
}
