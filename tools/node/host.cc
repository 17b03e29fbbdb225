#include "tools/node/host.h"

#include <sys/resource.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "actors/node.h"
#include "actors/remote.h"
#include "caf/actor_system.hpp"
#include "proto/trace.h"
#include "storage/durable_storage.h"
#include "storage/posix_env.h"
#include "tools/kv/machine.h"
#include "tools/node/gateway.h"

namespace troupe::tools {
namespace {

// The engine and the file system that it must not outlive.
struct disk {
  std::unique_ptr<storage::env> files;
  std::unique_ptr<storage::durable_storage> engine;
};

absl::StatusOr<std::shared_ptr<disk>> open_disk(const node_flags& flags) {
  auto d = std::make_shared<disk>();
  d->files =
      storage::make_posix_env(flags.sync ? storage::sync_mode::always : storage::sync_mode::never);
  storage::durable_options o;
  o.dir = flags.data_dir;
  o.node = flags.id;
  o.incarnation = std::random_device{}() | uint64_t{std::random_device{}()} << 32;
  auto engine = storage::durable_storage::open(*d->files, o);
  if (!engine.ok()) return engine.status();
  d->engine = std::move(*engine);
  return d;
}

// Clients may not take the descriptors that the log and the other nodes need: running out of them
// would look like a failing disk.
size_t client_connections(uint64_t nodes_in_process) {
  constexpr size_t most = 20000;
  constexpr size_t reserve = 256;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return reserve;
  const auto share = limit.rlim_cur / std::max<uint64_t>(1, nodes_in_process);
  return std::min<size_t>(most, share > 2 * reserve ? share - reserve : share / 2);
}

// What a restarted node was told and does not follow.
void warn_of_differences(const node_flags& flags, const status& s) {
  const auto& members = s.members.nodes();
  if (flags.cluster_given && !(s.members == flags.cluster))
    TROUPE_EVENT(warn) << "this node has a membership already; --cluster does not change it";
  const auto mine = members.find(flags.id);
  if (mine != members.end() && parse_endpoint(mine->second.address) != flags.raft_address)
    TROUPE_EVENT(warn) << "the other nodes look for this one at " << mine->second.address
                       << ", not where it listens now";
}

struct system_config : caf::actor_system_config {
  explicit system_config(const core::timing& timing) { prepare_remote(*this, timing); }
};

class real_host final : public host {
 public:
  explicit real_host(const node_flags& flags) : config_(flags.timing), system_(config_) {}

  ~real_host() override {
    stopping_ = true;
    if (node_) node_->shutdown();
  }

  bool leader_known() override {
    const auto s = node_->status().get();
    return s.leader && s.committed;
  }

  absl::Status run(const node_flags& flags, std::shared_ptr<disk> d,
                   std::function<void()> on_failure) {
    node_options o;
    o.id = flags.id;
    o.timing = flags.timing;
    o.storage = std::shared_ptr<storage::log_storage>(d, d->engine.get());
    o.machine = std::make_shared<kv::machine>();
    o.resolve = remote_resolver(system_, flags.timing);
    o.genesis = flags.cluster;
    node_ = start_node(system_, std::move(o));
    warn_of_differences(flags, node_->status().get());
    auto raft_port = publish(*node_, system_, flags.raft_address);
    if (!raft_port.ok()) return raft_port.status();
    gateway_options g;
    g.at = flags.client_address;
    g.max_connections = client_connections(flags.nodes_in_process);
    auto client_port = serve_redis(system_, *node_, g);
    if (!client_port.ok()) return client_port.status();
    caf::actor_cast<caf::abstract_actor*>(node_->server())
        ->attach_functor([this, on_failure](const caf::error&) {
          if (!stopping_) on_failure();
        });
    return absl::OkStatus();
  }

 private:
  system_config config_;
  caf::actor_system system_;
  std::optional<raft> node_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<host>> host::start(const node_flags& flags,
                                                  std::function<void()> on_failure) {
  // The disk first: a foreign data directory must stop the node before it says a word to others.
  auto d = open_disk(flags);
  if (!d.ok()) return d.status();
  auto h = std::make_unique<real_host>(flags);
  if (auto s = h->run(flags, std::move(*d), std::move(on_failure)); !s.ok()) return s;
  return h;
}

}  // namespace troupe::tools
