// What a seed means: how the cluster is set up, how bad its surroundings are, and what goes wrong
// when.
#pragma once

#include <functional>
#include <string>

#include "testing/cluster.h"

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
  duration partitions{0}, crashes{0}, disk_faults{0};
  duration mean_downtime = std::chrono::milliseconds(400);
};

// `nodes`: 3 or 5, or 0 to let the seed choose.
scenario choose_scenario(dice& chance, size_t nodes);
std::string describe(const scenario& s);

// What makes things go wrong, at times of its own choice.
class nemesis {
 public:
  nemesis(const scenario& s, cluster& c, network& net, dice& chance, instant now);

  // When it wants to act next.
  instant due() const;
  void act(instant now);
  // All links and disks work again; what is down stays down.
  void stop();

 private:
  instant after(instant now, duration mean);
  void partition();
  void crash(instant now);
  void fault_disk();
  void restart(instant now);

  const scenario& scenario_;
  cluster& cluster_;
  network& net_;
  dice& chance_;
  instant partition_at_, crash_at_, disk_at_, restart_at_;
};

}  // namespace troupe::sim
