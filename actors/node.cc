#include "actors/node.h"

#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "actors/log_store.h"
#include "actors/snapshot_sink.h"
#include "actors/state_machine.h"
#include "caf/actor_system.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {
namespace {

template <class... Args>
auto spawn_over_disk(caf::actor_system& system, bool blocks, Args... args) {
  return blocks ? system.spawn<caf::detached>(args...) : system.spawn(args...);
}

}  // namespace

void prepare(caf::actor_system_config& config) {
  // The names are part of the wire format.
  config.add_message_type<core::vote_request>("troupe.vote_request")
      .add_message_type<core::vote_reply>("troupe.vote_reply")
      .add_message_type<core::append_request>("troupe.append_request")
      .add_message_type<core::append_reply>("troupe.append_reply")
      .add_message_type<core::snapshot_request>("troupe.snapshot_request")
      .add_message_type<core::snapshot_reply>("troupe.snapshot_reply")
      .add_message_type<backup_request>("troupe.backup_request")
      .add_message_type<backup_reply>("troupe.backup_reply")
      .add_message_type<propose>("troupe.propose")
      .add_message_type<read>("troupe.read")
      .add_message_type<outcome>("troupe.outcome")
      .add_message_type<core::transfer_request>("troupe.transfer_request")
      .add_message_type<core::transfer_reply>("troupe.transfer_reply")
      .add_message_type<admin_request>("troupe.admin_request")
      .add_message_type<admin_reply>("troupe.admin_reply")
      .add_message_type<committed>("troupe.committed")
      .add_message_type<initialize>("troupe.initialize")
      .add_message_type<done>("troupe.done")
      .add_message_type<hash_log>("troupe.hash_log")
      .add_message_type<log_hash>("troupe.log_hash")
      .add_message_type<status_request>("troupe.status_request")
      .add_message_type<status>("troupe.status")
      .add_message_type<fetch_request>("troupe.fetch_request")
      .add_message_type<fetch_reply>("troupe.fetch_reply");
  // CAF starts at least four threads, wherever it runs; more than cores only wake each other.
  config.set("scheduler.max-threads", size_t{std::max(1u, std::thread::hardware_concurrency())});
  // Without a bound, an actor that always has mail starves the others and their timers.
  config.set("scheduler.max-throughput", size_t{100});
  // A message from a foreign thread wakes an idle worker in 10 instead of 60 µs.
  config.set("work-stealing.moderate-poll-attempts", size_t{0});
}

absl::Status check(const node_options& o) {
  const auto bad = [](absl::string_view name, absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", why));
  };
  if (!o.id) return bad("id", "must be at least 1");
  if (!o.storage) return bad("storage", "is missing");
  if (!o.machine) return bad("machine", "is missing");
  if (!o.resolve) return bad("resolve", "is missing");
  if (!o.genesis.empty()) {
    if (auto s = o.genesis.check(o.mode); !s.ok()) return bad("genesis", s.message());
    if (!o.genesis.contains(o.id)) return bad("genesis", "does not have this node");
  }
  return check(static_cast<const node_config&>(o));
}

absl::StatusOr<raft> start_node(caf::actor_system& system, node_options options) {
  if (auto s = check(options); !s.ok()) return s;
  auto board = std::make_shared<observed>(options.id);
  const bool blocks = options.storage_blocks;
  const auto beginning = find_beginning(*options.storage, options.snapshots.get());
  if (!beginning.ok()) return beginning.status();
  auto store =
      spawn_over_disk(system, blocks, log_store, options.storage, *beginning, board, options.scrub);
  snapshot_sink_actor sink;
  if (options.snapshots)
    sink = spawn_over_disk(system, blocks, snapshot_sink, options.snapshots, board, options.scrub);
  state_machine_options m;
  m.hosted = options.machine;
  m.log = store;
  m.sink = sink;
  m.beginning = *beginning;
  m.storage_blocks = blocks;
  m.compaction = options.compaction;
  m.board = board;
  auto machine = spawn_over_disk(system, options.machine->blocks(), state_machine_behavior, m);
  server_options s;
  s.id = options.id;
  s.timing = options.timing;
  s.mode = options.mode;
  s.limits = options.limits;
  s.store = store;
  s.sink = sink;
  s.storage_blocks = blocks;
  s.compaction = options.compaction;
  s.machine = machine;
  s.resolve = std::move(options.resolve);
  s.seed = options.seed != 0 ? options.seed : std::random_device{}();
  s.genesis = std::move(options.genesis);
  s.elections = options.elections;
  s.heartbeats = options.heartbeats;
  s.leader_restore = options.leader_restore;
  s.board = board;
  auto server = system.spawn(server_behavior, std::move(s));
  auto inputs = std::make_shared<intakes>();
  std::vector<caf::actor> company{caf::actor_cast<caf::actor>(server),
                                  caf::actor_cast<caf::actor>(machine),
                                  caf::actor_cast<caf::actor>(store)};
  if (sink) company.push_back(caf::actor_cast<caf::actor>(sink));
  auto edge = system.spawn(edge_behavior, edge_options{inputs, server, options.id, board, company});
  auto herald = system.spawn(herald_behavior, board, company);
  return raft({&system, options.id, options, server, store, machine, edge, herald, inputs, board});
}

}  // namespace troupe
