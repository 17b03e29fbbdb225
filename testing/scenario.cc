#include "testing/scenario.h"

#include <algorithm>
#include <sstream>

namespace troupe::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

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

// Clocks of different rates, up to what leases are made for, or far beyond: then nobody trusts one.
void choose_clocks(dice& chance, scenario& s) {
  struct rates {
    double slowest, fastest;
  };
  const auto chosen = any_of<rates>(chance, {{1, 1}, {1, 1}, {0.8, 1.25}, {0.5, 2}, {0.1, 10}});
  s.cluster.slowest = chosen.slowest;
  s.cluster.fastest = chosen.fastest;
  const double drift = chosen.fastest / chosen.slowest;
  if (drift > 4) return;
  s.cluster.limits.clock_drift = drift;
  for (int i = 0; i < 2; ++i) s.reads.push_back(read_mode::lease);
}

// Logs that hardly remember anything, so that whoever was away for a moment needs a snapshot.
void choose_compaction(dice& chance, scenario& s) {
  auto& c = s.cluster.compaction;
  c.snapshot_after_entries = any_of<uint64_t>(chance, {1, 5, 30});
  c.keep_entries = any_of<uint64_t>(chance, {0, 0, 0, 3});
  c.compression = any_of<uint32_t>(chance, {0, 0, 1});
  c.send_rate = any_of(chance, {byte_count(0), byte_count(0), byte_count(500'000)});
}

// Up to eight nodes, of which one to seven vote at a time.
void choose_members(dice& chance, scenario& s) {
  auto& c = s.cluster;
  c.nodes = chance.between(1, 8);
  c.voters = chance.between(1, std::min<size_t>(c.nodes, 5));
  const auto first = first_members(c).voters();
  auto quorum = any_quorum(chance, {first.begin(), first.end()});
  if (chance.chance(0.3) && quorum.check(c.mode).ok()) c.quorum = std::move(quorum);
  c.genesis_again = false;
  c.limits.caught_up_within = any_of<uint64_t>(chance, {0, 10, 5000});
  s.operators = any_of<size_t>(chance, {0, 1, 1, 2});
  s.order_every =
      any_of<duration>(chance, {milliseconds(50), milliseconds(150), milliseconds(600)});
  if (s.operators != 0)
    s.wipes = any_of<duration>(chance, {duration(0), milliseconds(300), milliseconds(1000)});
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
  choose_clocks(chance, s);
  if (nodes == 0 && chance.chance(0.8)) choose_members(chance, s);
  s.rots = any_of<duration>(chance, {duration(0), milliseconds(300), milliseconds(1000)});
  if (chance.chance(0.45)) choose_compaction(chance, s);
  return s;
}

std::string describe(const scenario& s) {
  const auto ms = [](duration d) { return std::chrono::duration_cast<milliseconds>(d).count(); };
  std::ostringstream out;
  out << s.cluster.nodes << " nodes, " << first_members(s.cluster) << " at first, " << s.operators
      << " operators, " << (s.cluster.mode == core::vote_mode::advanced ? "advanced" : "standard")
      << " votes, loss " << s.weather_.loss << ", duplication " << s.weather_.duplication
      << ", long delay " << s.weather_.long_delay << " up to " << ms(s.weather_.long_delay_max)
      << " ms, request " << s.cluster.limits.replication.request << " B, partitions "
      << ms(s.partitions) << ", crashes " << ms(s.crashes) << ", disk faults " << ms(s.disk_faults)
      << ", wipes " << ms(s.wipes) << ", rots " << ms(s.rots) << ", snapshots after "
      << s.cluster.compaction.snapshot_after_entries << ", clocks " << s.cluster.slowest << " to "
      << s.cluster.fastest << ", for " << ms(s.trouble) << " ms";
  return out.str();
}

}  // namespace troupe::sim
