// One node of a replicated tally, whole: its data is on disk, and the others are reached over TCP.
//
//   tally ID DATA_DIR ID=HOST:PORT...     every node of the cluster, this one among them
//
// Each line on standard input is counted, and on any node "?line" asks how often it was.
#include <iostream>
#include <map>
#include <sstream>

#include "actors/node.h"
#include "actors/remote.h"
#include "caf/actor_system.hpp"
#include "storage/on_disk.h"

using namespace troupe;
using namespace std::chrono_literals;

using counts = std::map<std::string, uint64_t>;

// Lines of "count line". It has a copy, since there are few: a large state is walked piece by piece
// beside `apply`, as tools/kv/table_view.h does.
class tally_snapshot final : public snapshot_source {
 public:
  explicit tally_snapshot(const counts& all) : all_(all) {}

  absl::StatusOr<std::string> next() override {
    std::string piece;
    for (; at_ != all_.end() && piece.size() < 64 << 10; ++at_)
      piece += std::to_string(at_->second) + " " + at_->first + "\n";
    return piece;
  }

 private:
  const counts all_;
  counts::const_iterator at_ = all_.begin();
};

class tally final : public machine {
 public:
  void apply(log_index, frames_view commands, frames& results) override {
    for (auto line : commands) results.add(std::to_string(++counts_[std::string(line)]));
  }
  void query(std::string_view line, frames& results) override {
    const auto it = counts_.find(std::string(line));
    results.add(it == counts_.end() ? "0" : std::to_string(it->second));
  }
  std::unique_ptr<snapshot_source> begin_snapshot() override {
    return std::make_unique<tally_snapshot>(counts_);
  }
  absl::Status restore(snapshot_source& from) override {
    std::stringstream lines;
    for (;;) {
      const auto piece = from.next();
      if (!piece.ok()) return piece.status();
      if (piece->empty()) break;
      lines << *piece;
    }
    counts_.clear();
    std::string line;
    for (uint64_t count; lines >> count && std::getline(lines.ignore(), line);)
      counts_[line] = count;
    return absl::OkStatus();
  }

 private:
  counts counts_;
};

struct config : caf::actor_system_config {
  config() { prepare_remote(*this, core::timing{}); }
};

int fail(const auto& why) {
  std::cerr << why << std::endl;
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 4) return fail("tally ID DATA_DIR ID=HOST:PORT...");
  const node_id id(std::stoull(argv[1]));
  std::map<node_id, std::string> addresses;
  for (int i = 3; i < argc; ++i) {
    const std::string one = argv[i];
    const auto equals = one.find('=');
    addresses[node_id(std::stoull(one.substr(0, equals)))] = one.substr(equals + 1);
  }
  auto disk = storage::open_on_disk(argv[2], id);
  if (!disk.ok()) return fail(disk.status());
  auto snapshots = storage::open_snapshots(argv[2]);
  if (!snapshots.ok()) return fail(snapshots.status());

  config settings;
  caf::actor_system system(settings);
  node_options o;
  o.id = id;
  o.storage = *disk;
  o.snapshots = *snapshots;
  o.compaction.snapshot_after_entries = 100;
  o.machine = std::make_shared<tally>();
  o.resolve = remote_resolver(system, o.timing);
  o.genesis = core::membership::of_majority(addresses);  // the same on each node
  auto started = start_node(system, std::move(o));
  if (!started.ok()) return fail(started.status());
  raft node = *std::move(started);
  if (auto port = publish(node, system, *parse_endpoint(addresses[id])); !port.ok())
    return fail(port.status());

  node.wait(until::leader_known(), 30s).get();
  for (std::string line; std::getline(std::cin, line);) {
    const reply r =
        line.starts_with('?') ? node.read(line.substr(1)).get() : node.write(line).get();
    std::cout << (r.ok() ? r.result : std::string(to_string(r.code))) << std::endl;
  }
  node.shutdown();
}
