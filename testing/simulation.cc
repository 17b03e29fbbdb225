#include "testing/simulation.h"

#include <algorithm>

#include "caf/send.hpp"
#include "proto/trace.h"
#include "testing/client.h"
#include "testing/scenario.h"

namespace troupe::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Far more than any seed needs.
constexpr uint64_t most_steps = 20'000'000;
// When nothing goes wrong any more, all nodes agree within this time.
constexpr auto time_to_settle = seconds(60);

class simulation {
 public:
  simulation(uint64_t seed, const simulation_options& o)
      : chance_(seed),
        scenario_(choose_scenario(chance_, o.nodes)),
        judge_(scenario_.cluster.mode, members_of(scenario_.cluster.nodes), o.harm_only),
        truth_([this](const std::string& what) { judge_.complain(what); }),
        scheduler_(chance_),
        net_(chance_, judge_),
        cluster_(scheduler_, net_, judge_, truth_, chance_, scenario_.cluster),
        nemesis_(scenario_, cluster_, net_, chance_, scheduler_.now()) {
    TROUPE_EVENT(debug) << "SIM " << describe(scenario_);
    scheduler_.set_impatience(scenario_.impatience);
    net_.set_weather(scenario_.weather_);
  }

  report run() {
    for (const auto id : cluster_.ids()) cluster_.start(id);
    start_clients();
    suffer();
    if (good()) settle();
    return conclude();
  }

 private:
  bool good() const { return judge_.failure().empty(); }

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
      const endpoint me{node_id(100 + number), 0};
      for (const auto id : cluster_.ids()) o.links.emplace(id, cluster_.link(me, id));
      if (admin_links_.empty()) admin_links_ = o.links;
      clients_.push_back(scheduler_.system().spawn(client, std::move(o)));
    }
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

  // Idempotent, so it is asked for on any node at any time.
  void initialize_some() {
    initialize_at_ = scheduler_.now() + chance_.between(milliseconds(20), milliseconds(400));
    const auto ids = cluster_.ids();
    caf::anon_send(admin_links_.at(ids[chance_.below(ids.size())]),
                   initialize{members_of(scenario_.cluster.nodes)});
  }

  void suffer() {
    run_until(scheduler_.now() + scenario_.trouble, [] { return false; });
  }

  // Everything works again: there is one leader, it commits, and all nodes get to the same state.
  void settle() {
    TROUPE_EVENT(debug) << "SIM all is well again";
    nemesis_.stop();
    net_.set_weather({});
    scheduler_.set_impatience(0);
    restart_at_ = scheduler_.now();
    const auto before = truth_.count().ok_writes;
    const auto limit = scheduler_.now() + time_to_settle;
    const bool works = run_until(limit, [&] {
      restart_all();
      return truth_.count().ok_writes > before && cluster_.down().empty() &&
             cluster_.leading().size() == 1;
    });
    if (!works) return complain("no leader commits although all is well");
    stopped_ = true;
    if (!run_until(limit, [&] { return truth_.open() == 0 && agreed(); }))
      complain("the nodes do not come to the same state");
  }

  void complain(const std::string& what) {
    std::string text = what + ": ";
    for (const auto id : cluster_.up())
      text += "n" + std::to_string(id.value) + " has applied " +
              std::to_string(cluster_.machine_of(id).last().position) + ", ";
    judge_.complain(text + std::to_string(truth_.applied()) + " anywhere, " +
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

  bool agreed() {
    restart_all();
    const auto ids = cluster_.up();
    return ids.size() == scenario_.cluster.nodes && cluster_.leading().size() == 1 &&
           std::ranges::all_of(
               ids, [&](node_id id) { return cluster_.machine_of(id).last() == truth_.last(); });
  }

  report conclude() {
    for (auto& c : clients_) caf::anon_send_exit(c, caf::exit_reason::kill);
    clients_.clear();
    admin_links_.clear();
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
    return r;
  }

  dice chance_;
  scenario scenario_;
  judge judge_;
  oracle truth_;
  scheduler scheduler_;
  network net_;
  std::map<node_id, peer_actor> admin_links_;
  std::vector<caf::actor> clients_;
  bool stopped_ = false;
  uint64_t patience_ = 0;
  instant initialize_at_, restart_at_;
  cluster cluster_;  // ends the actors, so it goes first
  nemesis nemesis_;
};

}  // namespace

report simulate(uint64_t seed, const simulation_options& o) { return simulation(seed, o).run(); }

}  // namespace troupe::sim
