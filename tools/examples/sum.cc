// A replicated sum, whole: a state machine, three nodes in this process, writes and a read.
#include <iostream>

#include "actors/in_process.h"
#include "actors/node.h"
#include "caf/actor_system.hpp"
#include "storage/memory_storage.h"

using namespace troupe;
using namespace std::chrono_literals;

// Every node adds the same numbers in the same order. What clients send may be anything.
class sum final : public machine {
 public:
  void apply(log_index, frames_view commands, frames& results) override {
    for (auto number : commands)
      results.add(std::to_string(total_ += std::atoll(std::string(number).c_str())));
  }
  void query(std::string_view, frames& results) override { results.add(std::to_string(total_)); }

 private:
  int64_t total_ = 0;
};

struct config : caf::actor_system_config {
  config() { prepare(*this); }
};

int main() {
  config settings;
  caf::actor_system system(settings);
  const auto network = std::make_shared<in_process_network>();
  std::vector<raft> nodes;
  for (uint64_t id : {1, 2, 3}) {
    node_options o;
    o.id = node_id(id);
    o.machine = std::make_shared<sum>();
    o.storage = std::make_shared<storage::memory_storage>();  // open_on_disk: on disk
    o.storage_blocks = false;
    o.resolve = in_process_network::resolver_of(network);  // remote_resolver: over TCP
    auto node = start_node(system, std::move(o));
    if (!node.ok()) return std::cerr << node.status() << std::endl, 1;
    nodes.push_back(*node);
    network->add(nodes.back());
  }
  const auto members = core::membership::of_majority(
      {{node_id(1), "one"}, {node_id(2), "two"}, {node_id(3), "three"}});
  for (auto& node : nodes) node.initialize(members).get();
  for (auto& node : nodes) node.wait(until::leader_known(), 10s).get();

  const reply first = nodes[0].write("40").get();
  const reply second = nodes[1].write("2").get();
  const reply seen = nodes[2].read("").get();  // linearizable: sees both
  if (!first.ok() || !second.ok() || !seen.ok()) return 1;
  std::cout << "40 is at " << first.index << ", the sum is " << seen.result << std::endl;
}
