#include "tools/node/host.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "actors/node.h"
#include "actors/remote.h"
#include "actors/server.h"
#include "caf/actor_system.hpp"
#include "caf/scoped_actor.hpp"
#include "proto/trace.h"
#include "storage/on_disk.h"
#include "tools/kv/machine.h"
#include "tools/kv/rocksdb_machine.h"
#include "tools/kv/snapshot.h"
#include "tools/node/gateway.h"
#include "tools/node/join.h"

namespace troupe::tools {
namespace {

// Clients may not take the descriptors that the log, the machine and the other nodes need: running
// out of them would look like a failing disk.
size_t client_connections(uint64_t nodes_in_process, bool on_rocksdb) {
  constexpr size_t most = 20000;
  const size_t reserve = 256 + (on_rocksdb ? kv::machine_files + 32 : 0);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return reserve;
  const auto share = limit.rlim_cur / std::max<uint64_t>(1, nodes_in_process);
  return std::min<size_t>(most, share > 2 * reserve ? share - reserve : share / 2);
}

// As far as a command line can tell: the cluster learns more of its nodes.
bool same_cluster(const core::membership& a, const core::membership& b) {
  const auto where = [](const auto& node) { return std::pair(node.first, node.second.address); };
  return a.configs() == b.configs() && std::ranges::equal(a.nodes(), b.nodes(), {}, where, where);
}

// What a restarted node was told and does not follow.
void warn_of_differences(const node_flags& flags, const core::membership& members) {
  if (!flags.join.empty() && !members.empty())
    TROUPE_EVENT(warn) << "this node has a membership already; --join does not change it";
  const bool learns = members.contains(flags.id) && !members.is_voter(flags.id);
  if (!flags.join.empty() && flags.voter && learns)
    TROUPE_EVENT(warn) << "this node is a learner; `ctl promote " << flags.id << "` has it vote";
  if (flags.cluster_given && !members.empty() && !same_cluster(members, flags.cluster))
    TROUPE_EVENT(warn) << "this node has a membership already; --cluster does not change it";
}

// Its own log may be from before `ctl set-address`: whoever is heard of has found this node. What a
// leader says is heard in time, where there is one.
void warn_of_address(const raft& node, const node_flags& flags) {
  const auto check = [flags](const metrics& m) {
    const auto mine = m.members.nodes().find(flags.id);
    if (mine != m.members.nodes().end() &&
        parse_endpoint(mine->second.address) != flags.raft_address)
      TROUPE_EVENT(warn) << "the other nodes look for this one at " << mine->second.address
                         << ", not at " << flags.raft_text << "; `ctl set-address` tells them";
  };
  auto last = std::make_shared<metrics>();
  node.when([last](const metrics& m) { return *last = m, static_cast<bool>(m.leader); },
            10 * flags.config.timing.election_timeout_max,
            [last, check, id = flags.id](waited how) {
              if (how == waited::timed_out || last->leader.node == id) check(*last);
            });
}

std::string why_it_ended(const metrics& m, raft_errc code) {
  return m.failure_text.empty() ? std::string(to_string(code)) : m.failure_text;
}

struct system_config : caf::actor_system_config {
  explicit system_config(const core::timing& timing) { prepare_remote(*this, timing); }
};

class real_host final : public host {
 public:
  explicit real_host(const node_flags& flags)
      : flags_(flags), config_(flags.config.timing), system_(config_) {}

  ~real_host() override {
    stopping_ = true;
    if (node_) node_->shutdown();
  }

  bool leader_known() override {
    const auto m = node_->metrics();
    return m.leader && m.committed;
  }

  bool joining() const override { return joining_; }

  bool alone() override {
    const auto m = node_->metrics();
    return m.members.nodes().size() == 1 && m.members.contains(flags_.id);
  }

  void retire() override {
    const duration patience = 2 * flags_.config.timing.election_timeout_max;
    // The other nodes of this process end as well.
    if (flags_.nodes_in_process == 1) hand_over(patience);
    drain(system_, gateway_, patience);
  }

  absl::Status run(std::shared_ptr<storage::log_storage> disk,
                   std::shared_ptr<storage::snapshot_store> snapshots,
                   std::shared_ptr<machine> machine, events on) {
    const auto incarnation = disk->incarnation();
    node_options o{flags_.config};
    o.id = flags_.id;
    o.storage = std::move(disk);
    o.snapshots = std::move(snapshots);
    o.machine = std::move(machine);
    o.resolve = remote_resolver(system_, flags_.config.timing);
    o.genesis = flags_.cluster;
    auto started = start_node(system_, std::move(o));
    if (!started.ok()) return started.status();
    node_ = *std::move(started);
    // Reading its log takes as long as it is; a disk that fails is told at once.
    const auto known = node_->status(duration::max()).get();
    if (!known.ok()) return absl::AbortedError(why_it_ended(node_->metrics(), known.code));
    const auto& s = known.value;
    warn_of_differences(flags_, s.members);
    warn_of_address(*node_, flags_);
    auto raft_port = publish(*node_, system_, flags_.listen_address);
    if (!raft_port.ok()) return raft_port.status();
    gateway_options g;
    g.at = flags_.client_address;
    g.max_connections = client_connections(flags_.nodes_in_process, flags_.on_rocksdb);
    g.machine = flags_.on_rocksdb ? "rocksdb" : "memory";
    auto gateway = serve_redis(system_, *node_, g);
    if (!gateway.ok()) return gateway.status();
    gateway_ = std::move(*gateway);
    caf::actor_cast<caf::abstract_actor*>(node_->server())
        ->attach_functor([this, failed = std::move(on.failed)](const caf::error&) {
          if (!stopping_) failed();
        });
    joining_ = !flags_.join.empty() && s.members.empty();
    if (joining_) begin_to_join(incarnation, std::move(on.joined));
    return absl::OkStatus();
  }

 private:
  void begin_to_join(uint64_t incarnation, std::function<void()> joined) {
    const auto connect = remote_resolver(system_, flags_.config.timing);
    system_.spawn(join_behavior,
                  join_options{flags_.id, flags_.raft_text, incarnation, flags_.voter,
                               node_->server(), connect(node_->server(), node_id{}, flags_.join),
                               flags_.join, std::move(joined)});
  }

  void hand_over(duration patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    if (!transferred(patience)) return;
    // The new leader may need this node's vote: it is here until it is elected.
    while (!led_by_another() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  // Only this node itself is asked: had another one come to lead, it would not be asked to go.
  bool transferred(duration patience) {
    bool done = false;
    caf::scoped_actor self{system_};
    self->request(node_->server(), patience,
                  admin_request{request_id(flags_.id.value << 48), transfer{}, patience,
                                server::max_hops})
        .receive([&](const admin_reply& reply) { done = reply.code == raft_errc::none; },
                 [](const caf::error&) {});
    return done;
  }

  bool led_by_another() {
    const auto leader = node_->current_leader();
    return leader && leader != flags_.id;
  }

  const node_flags flags_;
  system_config config_;
  caf::actor_system system_;
  std::optional<raft> node_;
  caf::actor gateway_;
  bool joining_ = false;
  std::atomic<bool> stopping_ = false;
};

// What neither a copy nor the other nodes can make good, as a vote that is damaged twice.
absl::Status with_way_forward(const absl::Status& why, node_id id) {
  if (!absl::IsDataLoss(why)) return why;
  return absl::DataLossError(absl::StrCat(
      why.message(), ". What this node promised is not known any more: `ctl remove ", id.value,
      "` at another node, empty the directory, and start it with --join. Where no other node has "
      "the "
      "data, restore the directory from a copy"));
}

absl::StatusOr<std::shared_ptr<machine>> open_machine(const node_flags& flags,
                                                      const storage::log_storage& log) {
  if (!flags.on_rocksdb) return std::make_shared<kv::machine>();
  kv::rocksdb_machine_options o;
  o.dir = flags.data_dir + "/machine";
  o.incarnation = log.incarnation();
  auto opened = kv::rocksdb_machine::open(std::move(o));
  if (!opened.ok()) return opened.status();
  // What is synced was committed by a quorum and comes again; what never was may come as something
  // else.
  if (!flags.sync && (*opened)->applied() > log.tail().last.index) {
    TROUPE_EVENT(warn) << "the log has lost what the machine had applied, which begins anew";
    if (auto s = (*opened)->start_anew(); !s.ok()) return s;
  }
  return *std::move(opened);
}

// Before a word is said to others. What is damaged is met, and mended, later.
absl::Status check_machine(const node_flags& flags, storage::snapshot_store& snapshots) {
  if (flags.on_rocksdb || !snapshots.newest()) return absl::OkStatus();
  const auto from = snapshots.read();
  const auto first = from.ok() ? (*from)->next() : from.status();
  return first.ok() ? kv::check_for_memory(*first) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<host>> host::start(const node_flags& flags, events on) {
  // The disk first: a foreign data directory must stop the node before it says a word to others.
  const auto sync = flags.sync ? storage::sync_mode::always : storage::sync_mode::never;
  auto disk = storage::open_on_disk(flags.data_dir, flags.id, sync);
  if (!disk.ok()) return with_way_forward(disk.status(), flags.id);
  auto snapshots = storage::open_snapshots(flags.data_dir, sync);
  if (!snapshots.ok()) return snapshots.status();
  if (auto s = check_machine(flags, **snapshots); !s.ok()) return s;
  auto machine = open_machine(flags, **disk);
  if (!machine.ok()) return machine.status();
  auto h = std::make_unique<real_host>(flags);
  if (auto s = h->run(std::move(*disk), std::move(*snapshots), std::move(*machine), std::move(on));
      !s.ok())
    return s;
  return h;
}

}  // namespace troupe::tools
