// All chance of a simulation. One seed gives one sequence, on every machine.
#pragma once

#include <cstdint>
#include <random>

#include "proto/ids.h"

namespace troupe::sim {

class dice {
 public:
  explicit dice(uint64_t seed) : random_(seed) {}

  uint64_t any() { return random_(); }
  // 0 … n-1; 0 for n = 0.
  uint64_t below(uint64_t n) { return n == 0 ? 0 : random_() % n; }
  uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
  bool chance(double p) { return static_cast<double>(random_() >> 11) * 0x1p-53 < p; }
  duration between(duration least, duration most) {
    return duration(least.count() +
                    static_cast<int64_t>(below(static_cast<uint64_t>((most - least).count()) + 1)));
  }
  double uniform(double least, double most) {
    return least == most
               ? least
               : least + (most - least) * (static_cast<double>(random_() >> 11) * 0x1p-53);
  }
  template <class Container>
  auto& one_of(Container& from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace troupe::sim
