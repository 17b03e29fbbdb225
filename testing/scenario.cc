#include "testing/scenario.h"

#include <algorithm>
#include <sstream>

#include "proto/trace.h"

namespace troupe::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr instant never = instant::max();

template <class T>
T any_of(dice& chance, std::initializer_list<T> values) {
  return values.begin()[chance.below(values.size())];
}

// Elections follow one another quickly, so more of them meet each other and the faults.
constexpr core::timing hasty{milliseconds(40), milliseconds(80), milliseconds(12)};

leader_limits choose_limits(dice& chance) {
  leader_limits l;
  l.batch = any_of(chance, {byte_count(300), KiB(1), MiB(1)});
  l.under_way = any_of(chance, {KiB(2), MiB(1), MiB(256)});
  l.rounds = any_of<size_t>(chance, {1, 2, 8});
  l.replication.request = any_of(chance, {byte_count(1), KiB(1), MiB(1)});
  l.replication.window = any_of(chance, {KiB(1), KiB(8), MiB(8)});
  l.replication.requests = any_of<size_t>(chance, {1, 2, 16});
  return l;
}

weather choose_weather(dice& chance) {
  weather w;
  w.loss = any_of(chance, {0.0, 0.005, 0.03, 0.1});
  w.duplication = any_of(chance, {0.0, 0.02, 0.2});
  w.long_delay = any_of(chance, {0.0, 0.01, 0.05, 0.15});
  w.unreachable = any_of(chance, {0.0, 0.5});
  w.recode = 0.1;
  w.delay_max = any_of<duration>(chance, {microseconds(200), milliseconds(2), milliseconds(15)});
  w.long_delay_max =
      any_of<duration>(chance, {milliseconds(60), milliseconds(300), milliseconds(1500)});
  return w;
}

// Leaders that come and go before what they wrote gets far, with logs that part and meet again:
// what figure 8 of the paper is about.
void make_restless(dice& chance, scenario& s) {
  s.cluster.timing = hasty;
  s.cluster.limits.batch = byte_count(300);
  s.cluster.limits.rounds = 8;
  s.cluster.limits.replication.request = byte_count(1);
  s.cluster.limits.replication.requests = any_of<size_t>(chance, {1, 2});
  s.weather_.delay_max = any_of<duration>(chance, {milliseconds(2), milliseconds(15)});
  s.think_max = milliseconds(10);
  s.trouble = milliseconds(8000);
  s.partitions = any_of<duration>(chance, {milliseconds(50), milliseconds(100)});
  s.crashes = any_of<duration>(chance, {duration(0), milliseconds(300)});
  s.mean_downtime = milliseconds(50);
}

}  // namespace

scenario choose_scenario(dice& chance, size_t nodes) {
  scenario s;
  s.cluster.nodes = nodes != 0 ? nodes : any_of<size_t>(chance, {3, 3, 5});
  s.cluster.mode = chance.chance(0.6) ? core::vote_mode::advanced : core::vote_mode::standard;
  if (chance.chance(0.6)) s.cluster.timing = hasty;
  s.cluster.limits = choose_limits(chance);
  s.cluster.genesis = chance.chance(0.5);
  s.cluster.segment_size = any_of(chance, {KiB(2), KiB(16), KiB(256)});
  s.weather_ = choose_weather(chance);
  s.impatience = any_of(chance, {0.0, 0.002, 0.02});
  s.clients = chance.between(2, 5);
  s.most_open = chance.between(1, 4);
  s.think_max = any_of<duration>(chance, {milliseconds(10), milliseconds(40)});
  s.padding_max = any_of<size_t>(chance, {10, 300});
  s.trouble = chance.between(milliseconds(2000), milliseconds(8000));
  s.partitions = any_of<duration>(
      chance, {duration(0), milliseconds(80), milliseconds(250), milliseconds(900)});
  s.crashes = any_of<duration>(
      chance, {duration(0), milliseconds(100), milliseconds(300), milliseconds(1200)});
  s.disk_faults = any_of<duration>(chance, {duration(0), duration(0), milliseconds(900)});
  s.mean_downtime = any_of<duration>(chance, {milliseconds(50), milliseconds(600)});
  if (chance.chance(0.25)) make_restless(chance, s);
  return s;
}

std::string describe(const scenario& s) {
  const auto ms = [](duration d) { return std::chrono::duration_cast<milliseconds>(d).count(); };
  std::ostringstream out;
  out << s.cluster.nodes << " nodes, "
      << (s.cluster.mode == core::vote_mode::advanced ? "advanced" : "standard") << " votes, loss "
      << s.weather_.loss << ", duplication " << s.weather_.duplication << ", long delay "
      << s.weather_.long_delay << " up to " << ms(s.weather_.long_delay_max) << " ms, request "
      << s.cluster.limits.replication.request << " B, partitions " << ms(s.partitions)
      << ", crashes " << ms(s.crashes) << ", disk faults " << ms(s.disk_faults) << ", for "
      << ms(s.trouble) << " ms";
  return out.str();
}

nemesis::nemesis(const scenario& s, cluster& c, network& net, dice& chance, instant now)
    : scenario_(s), cluster_(c), net_(net), chance_(chance) {
  partition_at_ = after(now, s.partitions);
  crash_at_ = after(now, s.crashes);
  disk_at_ = after(now, s.disk_faults);
  restart_at_ = after(now, s.mean_downtime);
}

instant nemesis::after(instant now, duration mean) {
  return mean == duration::zero() ? never : now + chance_.between(mean / 10, 2 * mean);
}

instant nemesis::due() const { return std::min({partition_at_, crash_at_, disk_at_, restart_at_}); }

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
  if (now >= restart_at_) restart(now);
}

void nemesis::stop() {
  partition_at_ = crash_at_ = disk_at_ = restart_at_ = never;
  net_.heal();
  for (const auto id : cluster_.up()) cluster_.break_disk(id, 0);
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
  TROUPE_EVENT(debug) << "SIM the disk of n" << victim << " gets worse";
  if (chance_.chance(0.5))
    cluster_.break_disk(victim, 0.05);
  else
    cluster_.fill_disk(victim);
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
