#include "testing/nemesis.h"

#include <algorithm>

#include "proto/trace.h"
#include "testing/losses.h"

namespace troupe::sim {
namespace {

constexpr instant never = instant::max();

}  // namespace

nemesis::nemesis(const scenario& s, cluster& c, const judge& seen, network& net, dice& chance,
                 instant now)
    : scenario_(s), cluster_(c), seen_(seen), net_(net), chance_(chance) {
  partition_at_ = after(now, s.partitions);
  crash_at_ = after(now, s.crashes);
  disk_at_ = after(now, s.disk_faults);
  wipe_at_ = after(now, s.wipes);
  rot_at_ = after(now, s.rots);
  restart_at_ = after(now, s.mean_downtime);
}

instant nemesis::after(instant now, duration mean) {
  return mean == duration::zero() ? never : now + chance_.between(mean / 10, 2 * mean);
}

instant nemesis::due() const {
  return std::min({partition_at_, crash_at_, disk_at_, wipe_at_, rot_at_, restart_at_});
}

void nemesis::act(instant now) {
  if (now >= partition_at_) {
    partition();
    partition_at_ = after(now, scenario_.partitions);
  }
  if (now >= crash_at_) {
    crash(now);
    crash_at_ = after(now, scenario_.crashes);
  }
  if (now >= disk_at_) {
    fault_disk();
    disk_at_ = after(now, scenario_.disk_faults);
  }
  if (now >= wipe_at_) {
    wipe_disk();
    wipe_at_ = after(now, scenario_.wipes);
  }
  if (now >= rot_at_) {
    rot();
    rot_at_ = after(now, scenario_.rots);
  }
  if (now >= restart_at_) restart(now);
}

void nemesis::stop() {
  partition_at_ = crash_at_ = disk_at_ = wipe_at_ = rot_at_ = restart_at_ = never;
  net_.heal();
  for (const auto id : cluster_.up()) cluster_.break_disk(id, 0), cluster_.give_room(id);
  if (cluster_.options().fastest == cluster_.options().slowest) return;
  cluster_.set_clocks_right();
  for (const auto id : cluster_.up()) cluster_.kill(id);
}

// -- links ----------------------------------------------------------------------------------------

void nemesis::partition() {
  net_.heal();
  const auto ids = cluster_.ids();
  auto leaders = cluster_.leading();
  // A leader suffers more often than chance would have it.
  const auto victim = !leaders.empty() && chance_.chance(0.5) ? chance_.one_of(leaders)
                                                              : ids[chance_.below(ids.size())];
  const auto kind = chance_.below(7);
  TROUPE_EVENT(debug) << "SIM partition of kind " << kind << " around n" << victim;
  switch (kind) {
    case 0:
      break;  // all is well for a while
    case 1:   // cut off, in one direction or both
    case 2:
    case 3:
      for (const auto id : ids) {
        if (kind != 2) net_.cut(victim, id);
        if (kind != 3) net_.cut(id, victim);
      }
      break;
    case 4:    // two sides
    case 5: {  // and a bridge, which both reach
      std::map<node_id, bool> side;
      for (const auto id : ids) side[id] = chance_.chance(0.5);
      for (const auto a : ids)
        for (const auto b : ids)
          if (side[a] != side[b] && (kind == 4 || (a != victim && b != victim))) net_.cut(a, b);
      break;
    }
    case 6:  // any direction by itself
      for (const auto a : ids)
        for (const auto b : ids)
          if (chance_.chance(0.25)) net_.cut(a, b);
  }
}

// -- processes and disks --------------------------------------------------------------------------

void nemesis::crash(instant) {
  auto up = cluster_.up();
  if (up.empty()) return;
  auto leaders = cluster_.leading();
  const bool all = chance_.chance(0.05);
  const auto victim =
      !leaders.empty() && chance_.chance(0.4) ? chance_.one_of(leaders) : chance_.one_of(up);
  for (const auto id : up) {
    if (!all && id != victim) continue;
    const auto kind = chance_.below(4);
    if (kind == 0)
      cluster_.kill(id);
    else if (kind == 1)
      cluster_.cut_power_soon(id);
    else
      cluster_.cut_power(id);
  }
}

void nemesis::fault_disk() {
  auto up = cluster_.up();
  if (up.empty()) return;
  const auto victim = chance_.one_of(up);
  TROUPE_EVENT(debug) << "SIM the disk of n" << victim << " gets worse, or all have room again";
  if (chance_.chance(0.4))
    cluster_.break_disk(victim, 0.05);
  else if (chance_.chance(0.5))
    cluster_.fill_disk(victim);
  else
    for (const auto id : up) cluster_.give_room(id);
}

void nemesis::wipe_disk() {
  const auto all = cluster_.ids();
  const auto victim = all[chance_.below(all.size())];
  if (can_lose(cluster_, seen_.seen(), victim)) cluster_.wipe(victim);
}

// Not twice before the node looks: two such places can leave nothing that says where the log
// begins.
void nemesis::rot() {
  const auto all = cluster_.ids();
  const auto victim = all[chance_.below(all.size())];
  if (seen_.seen().disks.at(victim).rotten) return;
  const auto kind = chance_.below(3);
  if (kind == 0) rot_somewhere(victim);
  if (kind == 1) rot_an_entry(victim);
  if (kind == 2) rot_the_state(victim);
}

// It may take everything that is on that disk.
void nemesis::rot_somewhere(node_id victim) {
  if (can_lose(cluster_, seen_.seen(), victim)) cluster_.rot(victim);
}

void nemesis::rot_an_entry(node_id victim) {
  const auto& log = seen_.seen().disks.at(victim).log;
  if (log.empty()) return;
  const auto& b = *log[chance_.below(log.size())];
  if (can_spoil(seen_.seen(), victim, b)) cluster_.rot_entry(victim, b.first_index());
}

void nemesis::rot_the_state(node_id victim) {
  if (can_spoil_state(seen_.seen(), victim)) cluster_.rot_snapshot(victim);
}

void nemesis::restart(instant now) {
  for (const auto id : cluster_.down())
    if (chance_.chance(0.6)) {
      if (chance_.chance(0.05)) cluster_.cut_power_soon(id);
      cluster_.start(id);
    }
  restart_at_ = after(now, scenario_.mean_downtime);
}

}  // namespace troupe::sim
