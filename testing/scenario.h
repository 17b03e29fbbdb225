// What a seed means: how the cluster is set up, how bad its surroundings are, and what goes wrong
// how often.
#pragma once

#include <string>
#include <vector>

#include "testing/cluster.h"
#include "testing/orders.h"

namespace troupe::sim {

struct scenario {
  cluster_options cluster;
  weather weather_;
  double impatience = 0;
  size_t clients = 3;
  size_t most_open = 2;
  duration think_max = std::chrono::milliseconds(30);
  size_t padding_max = 100;
  duration trouble = std::chrono::seconds(5);  // how long things go wrong
  // The mean time between two events of a kind; zero: none.
  duration partitions{0}, crashes{0}, disk_faults{0}, wipes{0}, rots{0};
  size_t operators = 0;
  duration order_every{0};  // the mean time between two orders of one
  std::vector<read_mode> reads{read_mode::linearizable, read_mode::linearizable,
                               read_mode::follower, read_mode::stale};
  duration mean_downtime = std::chrono::milliseconds(400);
};

// `nodes`: 3 or 5 to have so many, who stay; 0 to let the seed choose, and change the membership.
scenario choose_scenario(dice& chance, size_t nodes);
std::string describe(const scenario& s);

}  // namespace troupe::sim
