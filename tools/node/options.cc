#include "tools/node/options.h"

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "actors/core/quorum_text.h"
#include "tools/flags/flags.h"

ABSL_FLAG(uint64_t, id, 1, "this node's id, from 1");
ABSL_FLAG(
    std::string, raft_address, "",
    "host:port for the other nodes (127.0.0.1:7101; with --cluster, this node's entry there)");
ABSL_FLAG(std::string, listen_address, "",
          "host:port to listen on for the other nodes, where they reach --raft_address by another "
          "way, as into a container (the same)");
ABSL_FLAG(std::string, client_address, "127.0.0.1:6371", "host:port for Redis clients");
ABSL_FLAG(std::string, data_dir, "",
          "where everything durable lives ($HOME/.local/share/troupe/node-ID)");
ABSL_FLAG(
    std::string, cluster, "",
    "the first membership, 1=host:port,2=host:port,… (raft addresses), the same on each node");
ABSL_FLAG(std::string, quorum, "",
          "who elects and who commits in that first membership, e.g. 'read 3 write 2 of "
          "(1,2,3,4)'; else a majority of all");
ABSL_FLAG(std::string, join, "",
          "raft address of any member of a running cluster: an empty node joins it, to vote");
ABSL_FLAG(bool, voter, true, "with --join: vote; else stay a learner, which only has the data");
ABSL_FLAG(uint64_t, local_cluster, 0,
          "this many nodes in this one process, ids and ports counted up: to try things out");
ABSL_FLAG(std::string, machine, "memory",
          "where the state is: memory; or rocksdb, in the data directory, for one that is larger");
ABSL_FLAG(
    std::string, sync, "always",
    "always: acknowledge after fdatasync; never: for benchmarks only, a power cut loses data");
ABSL_FLAG(absl::Duration, election_timeout_min, absl::Milliseconds(150),
          "least random part of an election timeout");
ABSL_FLAG(absl::Duration, election_timeout_max, absl::Milliseconds(300),
          "greatest random part, and the leader's lease");
ABSL_FLAG(absl::Duration, heartbeat_interval, absl::Milliseconds(50),
          "a heartbeat is sent after so long without anything else");
ABSL_FLAG(double, clock_drift, 1.1,
          "reads under the lease are linearizable while no clock of the cluster runs more than "
          "this many times as fast as another");
ABSL_FLAG(uint64_t, caught_up_within, 5000,
          "who lacks no more entries of the log than this may become a voter or the leader");
ABSL_FLAG(uint64_t, batch, troupe::MiB(1).value,
          "bytes: the leader closes a batch of commands when it reaches this");
ABSL_FLAG(uint64_t, under_way, troupe::MiB(256).value,
          "bytes that the leader takes before they are applied; beyond it clients hear BUSY");
ABSL_FLAG(uint64_t, window, troupe::MiB(8).value,
          "bytes on their way to one follower, however fast the path is");
ABSL_FLAG(uint64_t, snapshot_after_entries, troupe::core::compaction().snapshot_after_entries,
          "a snapshot is made when the log has grown by so many entries; 0: not for that");
ABSL_FLAG(uint64_t, snapshot_after_bytes, troupe::core::compaction().snapshot_after_bytes.value,
          "or by so many bytes, and by as many as the last snapshot has; 0: not for that");
ABSL_FLAG(uint64_t, keep_entries, troupe::core::compaction().keep_entries,
          "so many entries before a snapshot stay in the log");
ABSL_FLAG(uint64_t, snapshot_rate, troupe::core::compaction().snapshot_rate.value,
          "bytes a second that a snapshot is written with; 0: as fast as the disk");
ABSL_FLAG(uint64_t, send_rate, troupe::core::compaction().send_rate.value,
          "bytes a second that one is sent with to each follower; 0: as fast as the path");
ABSL_FLAG(uint32_t, compression, 0, "zstd's level for snapshots that are sent, 1 to 19; 0: none");
ABSL_FLAG(bool, elections, true, "stand for election without being told");
ABSL_FLAG(bool, heartbeats, true, "send heartbeats while it leads");
ABSL_FLAG(bool, leader_restore, true,
          "the only member leads on after a restart, without an election");
ABSL_FLAG(uint64_t, scrub, troupe::MiB(1).value,
          "bytes of the log on the disk that are checked in a second, for ever; 0: none");
ABSL_FLAG(std::string, log_level, "info", "error, warn, info, debug or trace");

namespace troupe::tools {
namespace {

absl::Status bad(const std::string& flag, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", why));
}

absl::StatusOr<endpoint> read_endpoint(const std::string& flag, const std::string& text) {
  if (auto at = parse_endpoint(text); at && at->port != 0) return *at;
  return bad(flag, absl::StrCat("'", text, "' is not host:port"));
}

// One that the other nodes are told.
absl::StatusOr<endpoint> read_public_endpoint(const std::string& flag, const std::string& text) {
  auto at = read_endpoint(flag, text);
  if (at.ok() && is_wildcard(*at))
    return bad(flag, absl::StrCat(text,
                                  " leads every other host to itself: give the address at "
                                  "which they reach this one, and to listen on all, "
                                  "--listen_address=",
                                  text));
  return at;
}

// Flags have the names of the fields; what they may be is for check() to say.
absl::StatusOr<node_config> read_config() {
  node_config c;
  c.timing.election_timeout_min =
      absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_election_timeout_min));
  c.timing.election_timeout_max =
      absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_election_timeout_max));
  c.timing.heartbeat_interval = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_heartbeat_interval));
  c.limits.batch = byte_count(absl::GetFlag(FLAGS_batch));
  c.limits.under_way = byte_count(absl::GetFlag(FLAGS_under_way));
  c.limits.replication.window = byte_count(absl::GetFlag(FLAGS_window));
  c.limits.caught_up_within = absl::GetFlag(FLAGS_caught_up_within);
  c.limits.clock_drift = absl::GetFlag(FLAGS_clock_drift);
  c.elections = absl::GetFlag(FLAGS_elections);
  c.heartbeats = absl::GetFlag(FLAGS_heartbeats);
  c.leader_restore = absl::GetFlag(FLAGS_leader_restore);
  c.compaction.snapshot_after_entries = absl::GetFlag(FLAGS_snapshot_after_entries);
  c.compaction.snapshot_after_bytes = byte_count(absl::GetFlag(FLAGS_snapshot_after_bytes));
  c.compaction.keep_entries = absl::GetFlag(FLAGS_keep_entries);
  c.compaction.snapshot_rate = byte_count(absl::GetFlag(FLAGS_snapshot_rate));
  c.compaction.send_rate = byte_count(absl::GetFlag(FLAGS_send_rate));
  c.compaction.compression = absl::GetFlag(FLAGS_compression);
  c.scrub = byte_count(absl::GetFlag(FLAGS_scrub));
  if (const auto s = check(c); !s.ok())
    return absl::InvalidArgumentError(absl::StrCat("--", s.message()));
  return c;
}

absl::StatusOr<std::map<node_id, std::string>> read_cluster(const std::string& text) {
  std::map<node_id, std::string> members;
  for (const auto& entry : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(absl::StripAsciiWhitespace(entry), absl::MaxSplits('=', 1));
    uint64_t id = 0;
    if (!absl::SimpleAtoi(parts.first, &id) || id == 0 ||
        !read_endpoint("cluster", parts.second).ok())
      return bad("cluster", absl::StrCat("'", entry, "' is not ID=host:port"));
    if (auto at = read_public_endpoint("cluster", parts.second); !at.ok()) return at.status();
    for (const auto& [other, address] : members)
      if (address == parts.second)
        return bad("cluster",
                   absl::StrCat("nodes ", other.value, " and ", id, " have the same address"));
    if (!members.emplace(node_id(id), parts.second).second)
      return bad("cluster", absl::StrCat("node ", id, " stands twice"));
  }
  return members;
}

// The first membership: a majority of `members`, unless --quorum says otherwise.
absl::StatusOr<core::membership> first_membership(const std::map<node_id, std::string>& members) {
  const auto text = absl::GetFlag(FLAGS_quorum);
  if (text.empty()) return core::membership::of_majority(members);
  auto quorum = core::parse_quorum(text);
  if (!quorum.ok()) return bad("quorum", std::string(quorum.status().message()));
  core::membership first({std::move(*quorum)}, members);
  if (const auto sound = first.check(core::vote_mode::advanced); !sound.ok())
    return bad("quorum", std::string(sound.message()));
  return first;
}

// Which of the three ways into a cluster the flags name, if they do not contradict each other.
absl::Status check_way_in() {
  const bool cluster = !absl::GetFlag(FLAGS_cluster).empty();
  const bool several = absl::GetFlag(FLAGS_local_cluster) != 0;
  const auto join = absl::GetFlag(FLAGS_join);
  if (several && cluster) return bad("local_cluster", "goes without --cluster");
  if (!absl::GetFlag(FLAGS_quorum).empty() && !cluster)
    return bad("quorum", "belongs to --cluster, which names the nodes");
  if (join.empty()) {
    if (!absl::GetFlag(FLAGS_voter)) return bad("voter", "belongs to --join");
    return absl::OkStatus();
  }
  if (cluster) return bad("join", "goes without --cluster, which begins a new cluster");
  if (several) return bad("join", "goes without --local_cluster, which begins a new cluster");
  return read_endpoint("join", join).status();
}

absl::StatusOr<std::string> default_data_dir(node_id id) {
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    return bad("data_dir", "must be given where $HOME is not set");
  return absl::StrCat(home, "/.local/share/troupe/node-", id.value);
}

std::string text_of(const endpoint& e) {
  return absl::StrCat(e.host.find(':') == std::string::npos ? e.host : "[" + e.host + "]", ":",
                      e.port);
}

// Where the others find this node: as told, else as the cluster says, else the default.
absl::StatusOr<endpoint> raft_address(node_id id, const std::map<node_id, std::string>& members) {
  auto text = absl::GetFlag(FLAGS_raft_address);
  if (text.empty()) text = members.contains(id) ? members.at(id) : "127.0.0.1:7101";
  return read_public_endpoint("raft_address", text);
}

// Where it listens for them.
absl::StatusOr<endpoint> listen_address(const endpoint& raft_address) {
  const auto text = absl::GetFlag(FLAGS_listen_address);
  if (text.empty()) return raft_address;
  if (absl::GetFlag(FLAGS_local_cluster) != 0)
    return bad("listen_address", "goes without --local_cluster");
  return read_endpoint("listen_address", text);
}

absl::StatusOr<node_flags> one_node() {
  node_flags f;
  f.id = node_id(absl::GetFlag(FLAGS_id));
  if (!f.id) return bad("id", "must be at least 1");
  auto members = read_cluster(absl::GetFlag(FLAGS_cluster));
  if (!members.ok()) return members.status();
  if (!members->empty() && !members->contains(f.id))
    return bad("cluster", absl::StrCat("does not list this node, id ", f.id.value));
  auto raft_at = raft_address(f.id, *members);
  if (!raft_at.ok()) return raft_at.status();
  f.raft_address = *raft_at;
  f.raft_text = text_of(*raft_at);
  auto listen_at = listen_address(*raft_at);
  if (!listen_at.ok()) return listen_at.status();
  f.listen_address = *listen_at;
  auto clients_at = read_endpoint("client_address", absl::GetFlag(FLAGS_client_address));
  if (!clients_at.ok()) return clients_at.status();
  f.client_address = *clients_at;
  f.data_dir = absl::GetFlag(FLAGS_data_dir);
  if (f.data_dir.empty()) {
    auto dir = default_data_dir(f.id);
    if (!dir.ok()) return dir.status();
    f.data_dir = *dir;
  }
  auto config = read_config();
  if (!config.ok()) return config.status();
  f.config = *config;
  const auto sync = absl::GetFlag(FLAGS_sync);
  if (sync != "always" && sync != "never") return bad("sync", "must be always or never");
  f.sync = sync == "always";
  const auto machine = absl::GetFlag(FLAGS_machine);
  if (machine != "memory" && machine != "rocksdb")
    return bad("machine", "must be memory or rocksdb");
  f.on_rocksdb = machine == "rocksdb";
  f.cluster_given = !members->empty();
  f.join = absl::GetFlag(FLAGS_join);
  f.voter = absl::GetFlag(FLAGS_voter);
  if (!f.join.empty() && parse_endpoint(f.join) == f.raft_address)
    return bad("join", "is this node's own --raft_address; name that of a member");
  if (!f.join.empty()) return f;
  if (members->empty()) members->emplace(f.id, f.raft_text);
  auto cluster = first_membership(*members);
  if (!cluster.ok()) return cluster.status();
  f.cluster = std::move(*cluster);
  return f;
}

// The first node as the flags say, the others beside it.
absl::StatusOr<std::vector<node_flags>> local_cluster(const node_flags& first, uint64_t count) {
  if (count > 9) return bad("local_cluster", "must be at most 9");
  if (std::max(first.raft_address.port, first.client_address.port) + count > 65536)
    return bad("local_cluster", "the ports go beyond 65535");
  if (first.id + count < first.id) return bad("local_cluster", "the ids go beyond 2^64");
  const auto beside = [](endpoint e, uint64_t i) {
    e.port = static_cast<uint16_t>(e.port + i);
    return e;
  };
  std::map<node_id, std::string> members;
  for (uint64_t i = 0; i < count; ++i)
    members.emplace(first.id + i, text_of(beside(first.raft_address, i)));
  // By default beside what a node by itself keeps.
  const auto given = absl::GetFlag(FLAGS_data_dir);
  const auto parent = given.empty() ? first.data_dir.substr(0, first.data_dir.rfind('/')) : given;
  std::vector<node_flags> all;
  for (uint64_t i = 0; i < count; ++i) {
    auto f = first;
    f.id = first.id + i;
    f.raft_address = beside(first.raft_address, i);
    f.raft_text = text_of(f.raft_address);
    f.listen_address = f.raft_address;
    f.client_address = beside(first.client_address, i);
    f.data_dir = absl::StrCat(parent, "/cluster-of-", count, "/node-", f.id.value);
    f.cluster = core::membership::of_majority(members);
    f.nodes_in_process = count;
    all.push_back(std::move(f));
  }
  return all;
}

}  // namespace

absl::StatusOr<std::vector<node_flags>> read_flags() {
  if (const auto s = check_way_in(); !s.ok()) return s;
  auto first = one_node();
  if (!first.ok()) return first.status();
  if (const auto count = absl::GetFlag(FLAGS_local_cluster)) return local_cluster(*first, count);
  return std::vector{*first};
}

void parse_command_line(int argc, char** argv) {
  const auto rest =
      parse_flags({"node",
                   "A node of a durable, replicated key-value store that speaks Redis' protocol.\n"
                   "With no flags: a one-node cluster, ready to use.",
                   "tools/node/"},
                  argc, argv);
  if (rest.empty()) return;
  std::fprintf(stderr, "node: '%s' is not a flag; --help lists them\n", rest[0].c_str());
  std::exit(2);
}

absl::StatusOr<int> log_level() {
  const auto text = absl::GetFlag(FLAGS_log_level);
  const std::vector<std::string_view> names = {"error", "warn", "info", "debug", "trace"};
  const auto at = std::ranges::find(names, text);
  if (at == names.end()) return bad("log_level", "must be error, warn, info, debug or trace");
  return static_cast<int>(at - names.begin());
}

}  // namespace troupe::tools
