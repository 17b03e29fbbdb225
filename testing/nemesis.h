// What makes things go wrong, at times of its own choice.
#pragma once

#include "testing/scenario.h"

namespace troupe::sim {

class nemesis {
 public:
  nemesis(const scenario& s, cluster& c, const judge& seen, network& net, dice& chance,
          instant now);

  // When it wants to act next.
  instant due() const;
  void act(instant now);
  // All links, disks and clocks work again; what is down stays down.
  void stop();

 private:
  instant after(instant now, duration mean);
  void partition();
  void crash(instant now);
  void fault_disk();
  void wipe_disk();
  void rot();
  void rot_somewhere(node_id victim);
  void rot_an_entry(node_id victim);
  void rot_the_state(node_id victim);
  void restart(instant now);

  const scenario& scenario_;
  cluster& cluster_;
  const judge& seen_;
  network& net_;
  dice& chance_;
  instant partition_at_, crash_at_, disk_at_, wipe_at_, rot_at_, restart_at_;
};

}  // namespace troupe::sim
