#include "tools/bench/cluster.h"

#include <thread>

#include "storage/memory_storage.h"

namespace troupe::bench {
namespace {

// Counts and forgets, like the machine of openraft's benchmark.
class counter : public machine {
 public:
  void apply(log_index, frames_view commands, frames& results) override {
    for (uint32_t i = 0; i < commands.size(); ++i) results.add({});
    applied_ += commands.size();
  }
  void query(std::string_view, frames& results) override { results.add(std::to_string(applied_)); }

 private:
  uint64_t applied_ = 0;
};

}  // namespace

cluster::cluster(caf::actor_system& system, size_t members) {
  std::map<node_id, std::string> addresses;
  for (uint64_t id = 1; id <= members; ++id) {
    node_options o;
    o.id = node_id(id);
    o.storage = std::make_shared<storage::memory_storage>();
    o.storage_blocks = false;
    o.machine = std::make_shared<counter>();
    o.resolve = in_process_network::resolver_of(network_);
    nodes_.push_back(start_node(system, std::move(o)));
    network_->add(nodes_.back());
    addresses[node_id(id)] = "in-process";
  }
  for (auto& n : nodes_) n.initialize(core::membership::of_majority(addresses)).get();
  await_leader();
}

void cluster::await_leader() {
  for (;;) {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const auto s = nodes_[i].status().get();
      if (s.role == "leader" && s.applied) {
        leader_ = i;
        return;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

cluster::~cluster() {
  for (auto& n : nodes_) n.shutdown();
}

}  // namespace troupe::bench
