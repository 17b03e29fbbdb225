#include "tools/bench/cluster.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "actors/in_process.h"
#include "actors/node.h"
#include "actors/remote.h"
#include "caf/actor_system.hpp"
#include "storage/memory_storage.h"
#include "storage/on_disk.h"

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

struct system_config : caf::actor_system_config {
  explicit system_config(const cluster_options& o) {
    o.tcp ? prepare_remote(*this, {}) : prepare(*this);
    if (o.threads != 0) set("scheduler.max-threads", o.threads);
  }
};

// An actor system and its config, in the order in which they must live.
struct world {
  explicit world(const cluster_options& o) : config(o), system(config) {}
  system_config config;
  caf::actor_system system;
};

class real_cluster final : public cluster {
 public:
  explicit real_cluster(const cluster_options& options) : options_(options) {}
  ~real_cluster() override {
    for (auto& n : nodes_) n.shutdown();
  }

  raft& leader() override { return nodes_[leader_]; }

  absl::Status run() {
    for (size_t i = 0; i < options_.members; ++i)
      if (auto s = add(node_id(i + 1)); !s.ok()) return s;
    const auto members = core::membership::of_majority(addresses_);
    for (auto& n : nodes_)
      if (const auto e = n.initialize(members).get(); e != raft_errc::none)
        return absl::FailedPreconditionError("cannot initialise: does --dir hold another cluster?");
    return await_leader();
  }

 private:
  absl::StatusOr<std::shared_ptr<storage::log_storage>> make_storage(node_id id) {
    if (options_.disk_dir.empty()) return std::make_shared<storage::memory_storage>();
    return storage::open_on_disk(absl::StrCat(options_.disk_dir, "/node-", id.value), id);
  }

  absl::Status add(node_id id) {
    if (worlds_.empty() || options_.tcp) worlds_.push_back(std::make_unique<world>(options_));
    auto& system = worlds_.back()->system;
    auto storage = make_storage(id);
    if (!storage.ok()) return storage.status();
    node_options o;
    o.id = id;
    o.storage = *storage;
    o.storage_blocks = !options_.disk_dir.empty();
    o.machine = std::make_shared<counter>();
    o.resolve = options_.tcp ? remote_resolver(system, o.timing)
                             : in_process_network::resolver_of(network_);
    auto node = start_node(system, std::move(o));
    if (!node.ok()) return node.status();
    nodes_.push_back(*std::move(node));
    network_->add(nodes_.back());
    addresses_[id] = "in-process";
    if (!options_.tcp) return absl::OkStatus();
    auto port = publish(nodes_.back(), system, {"127.0.0.1", 0});
    if (port.ok()) addresses_[id] = absl::StrCat("127.0.0.1:", *port);
    return port.status();
  }

  absl::Status await_leader() {
    for (int tries = 0; tries < 1000; ++tries) {
      for (leader_ = 0; leader_ < nodes_.size(); ++leader_) {
        const auto s = nodes_[leader_].status().get();
        if (s.ok() && s.value.role == "leader" && s.value.applied) return absl::OkStatus();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return absl::DeadlineExceededError("no leader within 10 s");
  }

  cluster_options options_;
  std::vector<std::unique_ptr<world>> worlds_;
  std::shared_ptr<in_process_network> network_ = std::make_shared<in_process_network>();
  std::map<node_id, std::string> addresses_;
  std::vector<raft> nodes_;
  size_t leader_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<cluster>> cluster::start(const cluster_options& options) {
  auto c = std::make_unique<real_cluster>(options);
  if (auto s = c->run(); !s.ok()) return s;
  return c;
}

}  // namespace troupe::bench
