#include "testing/simulation.h"

#include <algorithm>
#include <sstream>

#include "caf/send.hpp"
#include "proto/trace.h"
#include "testing/admin.h"
#include "testing/client.h"
#include "testing/losses.h"
#include "testing/nemesis.h"

namespace troupe::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Far more than any seed needs.
constexpr uint64_t most_steps = 20'000'000;
// When nothing goes wrong any more, all nodes agree within this time.
constexpr auto time_to_settle = seconds(60);
// After that, nobody deposes the leader; long enough for every node to stand for election.
constexpr auto quiet_time = seconds(2);
// Until then all that operators asked for has arrived and was done or given up.
constexpr auto orders_last = seconds(4);

scenario choose(dice& chance, const simulation_options& o) {
  auto s = choose_scenario(chance, o.nodes);
  s.cluster.machines_on_disk = o.machines_on_disk;
  return s;
}

class simulation {
 public:
  simulation(uint64_t seed, const simulation_options& o)
      : chance_(seed),
        scenario_(choose(chance_, o)),
        judge_(scenario_.cluster.mode, members_of(scenario_.cluster.nodes), o.harm_only),
        truth_([this](const std::string& what) { judge_.complain(what); }),
        scheduler_(chance_),
        net_(chance_, judge_),
        cluster_(scheduler_, net_, judge_, truth_, chance_, scenario_.cluster),
        nemesis_(scenario_, cluster_, judge_, net_, chance_, scheduler_.now()) {
    TROUPE_EVENT(debug) << "SIM " << describe(scenario_);
    scheduler_.set_impatience(scenario_.impatience);
    net_.set_weather(scenario_.weather_);
  }

  report run() {
    for (const auto id : cluster_.ids()) cluster_.start(id);
    start_clients();
    start_operators();
    suffer();
    if (good()) settle();
    return conclude();
  }

 private:
  bool good() const { return judge_.failure().empty(); }

  std::map<node_id, peer_actor> links_of(uint64_t from) {
    std::map<node_id, peer_actor> links;
    for (const auto id : cluster_.ids())
      links.emplace(id, cluster_.link(endpoint{node_id(from), 0}, id));
    return links;
  }

  void start_clients() {
    for (uint64_t number = 1; number <= scenario_.clients; ++number) {
      client_options o;
      o.number = number;
      o.chance = &chance_;
      o.truth = &truth_;
      o.stopped = &stopped_;
      o.most_open = scenario_.most_open;
      o.think_max = scenario_.think_max;
      o.padding_max = scenario_.padding_max;
      o.reads = scenario_.reads;
      o.links = links_of(100 + number);
      clients_.push_back(scheduler_.system().spawn(client, std::move(o)));
    }
  }

  void start_operators() {
    for (uint64_t number = 1; number <= scenario_.operators; ++number) {
      admin_options o;
      o.chance = &chance_;
      o.links = links_of(200 + number);
      o.believes = [this] { return look(); };
      o.heard = [this](const order& wanted, const admin_reply& r) { check_answer(wanted, r); };
      o.calm = &calm_;
      o.think = scenario_.order_every;
      clients_.push_back(scheduler_.system().spawn(admin, std::move(o)));
    }
  }

  // What operators believe: what the newest leader says.
  outlook look() const {
    outlook o{scenario_.cluster.mode, cluster_.ids(), judge_.seen().members, {}, {}, {}};
    for (const auto id : cluster_.leading()) {
      const auto* leading = cluster_.leadership_of(id);
      if (leading == nullptr || leading->elected().leader < o.leader) continue;
      o.leader = leading->elected().leader;
      o.members = leading->members();
      o.members_at = leading->members_at();
    }
    o.lost = lost_members(judge_.seen(), o.members);
    return o;
  }

  // What an operator is told is done makes sense and is committed.
  void check_answer(const order& wanted, const admin_reply& r) {
    if (r.code != raft_errc::none) return;
    if (wanted.senseless) judge_.complain("an operator is told it is done: " + describe(wanted));
    if (judge_.seen().committed.size() < r.at.index.value)
      judge_.complain("an operator is told it is done, and it is not committed: " +
                      describe(wanted));
    if (std::holds_alternative<change_members>(wanted.command)) ++changes_;
    if (std::holds_alternative<transfer>(wanted.command)) ++transfers_;
  }

  // Runs until `limit`, or until `enough`; false when the limit came first.
  template <class Enough>
  bool run_until(instant limit, Enough enough) {
    while (good() && scheduler_.now() < limit) {
      step(std::min(limit, nemesis_.due()));
      if (enough()) return true;
      if (scheduler_.steps() > most_steps) judge_.complain("it does not come to an end");
    }
    return false;
  }

  void step(instant limit) {
    cluster_.observe(scheduler_.step(limit));
    if (!scenario_.cluster.genesis && scheduler_.now() >= initialize_at_) initialize_some();
    if (scheduler_.now() < nemesis_.due()) return;
    // Not at the moment when everybody waits for time to pass, but some messages later.
    if (patience_ == 0) patience_ = 1 + chance_.below(60);
    if (--patience_ == 0) nemesis_.act(scheduler_.now());
  }

  // Idempotent, so it is asked for on any node at any time, unless it lost its disk. Said on its
  // own machine: what takes its time on the way could arrive after the disk was lost.
  void initialize_some() {
    initialize_at_ = scheduler_.now() + chance_.between(milliseconds(20), milliseconds(400));
    const auto ids = cluster_.ids();
    const auto id = ids[chance_.below(ids.size())];
    const auto server = net_.current(id).server;
    if (server && !cluster_.lost_disk(id))
      caf::anon_send(server, initialize{first_members(scenario_.cluster)});
  }

  void suffer() {
    run_until(scheduler_.now() + scenario_.trouble, [] { return false; });
  }

  // Everything works again: there is one leader, it serves, all members get to the same state, and
  // then nothing changes any more.
  void settle() {
    TROUPE_EVENT(debug) << "SIM all is well again";
    nemesis_.stop();
    calm_ = true;
    const auto calm_since = scheduler_.now();
    net_.set_weather({});
    scheduler_.set_impatience(0);
    restart_at_ = scheduler_.now();
    const auto before = truth_.count();
    const auto limit = scheduler_.now() + time_to_settle;
    const bool works = run_until(limit, [&] {
      restart_all();
      return served_since(before) && cluster_.down().empty() && cluster_.leading().size() == 1;
    });
    if (!works) return give_up("no leader serves although all is well");
    stopped_ = true;
    const auto no_orders = scenario_.operators == 0 ? scheduler_.now() : calm_since + orders_last;
    const auto quiet = [&] { return truth_.open() == 0 && scheduler_.now() >= no_orders; };
    if (!run_until(limit, [&] { return quiet() && agreed(); }))
      return give_up("the nodes do not come to the same state");
    const auto leader = look().leader;
    run_until(scheduler_.now() + quiet_time, [] { return false; });
    if (good() && (look().leader != leader || !agreed()))
      complain("the leader is deposed although nothing is wrong");
  }

  // Writes, and reads in every mode.
  bool served_since(const oracle::totals& before) const {
    const auto& count = truth_.count();
    const auto reads = [](const oracle::totals& t, read_mode mode) {
      const auto it = t.ok_reads_by.find(mode);
      return it == t.ok_reads_by.end() ? 0 : it->second;
    };
    return count.ok_writes > before.ok_writes &&
           std::ranges::all_of(scenario_.reads, [&](read_mode mode) {
             return reads(count, mode) > reads(before, mode);
           });
  }

  // Only now is it known what all disks hold: some of what was not flushed may have survived.
  void give_up(const std::string& why) {
    given_up_ = good() && !can_recover(cluster_, judge_.seen());
    if (!given_up_) complain(why);
  }

  void complain(const std::string& what) {
    std::ostringstream text;
    text << what << ": " << look().members << ", ";
    for (const auto id : cluster_.up())
      text << "n" << id << " has applied " << cluster_.machine_of(id).last().position << ", ";
    judge_.complain(text.str() + std::to_string(truth_.applied()) + " anywhere, " +
                    std::to_string(cluster_.leading().size()) + " leaders, " +
                    std::to_string(cluster_.down().size()) + " down, " +
                    std::to_string(truth_.open()) + " open requests");
  }

  // Nodes that went down after the trouble ended, by a fault that was planned before, as well.
  void restart_all() {
    if (scheduler_.now() < restart_at_) return;
    restart_at_ = scheduler_.now() + milliseconds(50);
    for (const auto id : cluster_.down()) cluster_.start(id);
  }

  // One leader, and every member has all, its membership too.
  bool agreed() {
    restart_all();
    if (!cluster_.down().empty() || cluster_.leading().size() != 1) return false;
    const auto* leading = cluster_.leadership_of(cluster_.leading().front());
    if (leading == nullptr || !leading->settled() || !leading->active(scheduler_.now()))
      return false;
    const auto& members = leading->members();
    return !members.joint() && members.is_voter(leading->elected().leader.node) &&
           std::ranges::all_of(members.nodes(), [&](const auto& member) {
             const auto id = member.first;
             return cluster_.machine_of(id).last() == truth_.last() &&
                    cluster_.members_at(id) == members;
           });
  }

  report conclude() {
    for (auto& c : clients_) caf::anon_send_exit(c, caf::exit_reason::kill);
    clients_.clear();
    const auto& count = truth_.count();
    report r;
    r.failure = judge_.failure();
    r.scenario = describe(scenario_);
    r.trace = scheduler_.trace_hash();
    r.steps = scheduler_.steps();
    r.virtual_ms = static_cast<uint64_t>(scheduler_.now().time_since_epoch() / milliseconds(1));
    r.operations = count.begun;
    r.ok_writes = count.ok_writes;
    r.ok_reads = count.ok_reads;
    r.refused = count.refused;
    r.unknown = count.unknown;
    r.committed = judge_.seen().committed.size();
    r.elections = judge_.elections();
    r.crashes = judge_.crashes();
    r.changes = changes_;
    r.transfers = transfers_;
    r.wipes = judge_.seen().lost.size();
    r.rots = judge_.rots();
    r.installs = judge_.installs();
    r.regained = judge_.regained();
    r.given_up = given_up_ ? 1 : 0;
    return r;
  }

  dice chance_;
  scenario scenario_;
  judge judge_;
  oracle truth_;
  scheduler scheduler_;
  network net_;
  std::vector<caf::actor> clients_;
  bool stopped_ = false;
  bool calm_ = false;
  bool given_up_ = false;
  uint64_t changes_ = 0, transfers_ = 0;
  uint64_t patience_ = 0;
  instant initialize_at_, restart_at_;
  cluster cluster_;  // ends the actors, so it goes first
  nemesis nemesis_;
};

}  // namespace

report simulate(uint64_t seed, const simulation_options& o) { return simulation(seed, o).run(); }

}  // namespace troupe::sim
