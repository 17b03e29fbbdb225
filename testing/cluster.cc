#include "testing/cluster.h"

#include <algorithm>

#include "caf/actor_cast.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "proto/check.h"
#include "proto/trace.h"
#include "storage/durable_storage.h"
#include "testing/faulty_link.h"
#include "testing/inside.h"
#include "testing/rot.h"

namespace troupe::sim {
core::timing on_clock(const core::timing& t, double rate) {
  const auto scaled = [rate](duration d) {
    return duration(static_cast<int64_t>(static_cast<double>(d.count()) / rate));
  };
  return {scaled(t.election_timeout_min), scaled(t.election_timeout_max),
          scaled(t.heartbeat_interval)};
}

core::membership members_of(size_t nodes) {
  std::map<node_id, std::string> addresses;
  for (uint64_t id = 1; id <= nodes; ++id) addresses.emplace(node_id(id), address_of(node_id(id)));
  return core::membership::of_majority(std::move(addresses));
}

core::membership first_members(const cluster_options& o) {
  const auto first = members_of(o.voters == 0 ? o.nodes : o.voters);
  return o.quorum.children().empty() ? first : core::membership({o.quorum}, first.nodes());
}

cluster::cluster(scheduler& s, network& net, judge& observer, oracle& truth, dice& chance,
                 cluster_options options)
    : scheduler_(s),
      net_(net),
      observer_(observer),
      truth_(truth),
      chance_(chance),
      options_(std::move(options)) {
  for (uint64_t id = 1; id <= options_.nodes; ++id) nodes_[node_id(id)];
}

cluster::~cluster() {
  for (auto& [id, n] : nodes_) end(id, n);
  // What waits for an answer in a link holds the link.
  for (auto& link : links_) caf::anon_send_exit(link, caf::exit_reason::kill);
  links_.clear();
  scheduler_.drain();
}

// -- life -----------------------------------------------------------------------------------------

peer_actor cluster::link(const endpoint& from, node_id to) {
  return links_.emplace_back(scheduler_.system().spawn(faulty_link, &net_, from, to));
}

// Made up addresses lead to the node that they are said to be of.
peer_actor cluster::dial(const endpoint& from, node_id to, const std::string& address) {
  for (const auto& [id, n] : nodes_)
    if (address_of(id) == address) return link(from, id);
  return link(from, to);
}

node_options cluster::options_for(node_id id, node& n) {
  node_options o;
  o.id = id;
  o.timing = on_clock(options_.timing, chance_.uniform(options_.slowest, options_.fastest));
  o.mode = options_.mode;
  o.leader_restore = options_.leader_restore;
  o.limits = options_.limits;
  o.storage = n.storage;
  o.snapshots = n.snapshots;
  o.storage_blocks = false;
  o.compaction = options_.compaction;
  o.machine = n.machine;
  o.resolve = [this, me = endpoint{id, n.incarnation}](const server_actor&, node_id to,
                                                       const std::string& address) {
    return dial(me, to, address);
  };
  const auto first = first_members(options_);
  const bool told = options_.genesis && (options_.genesis_again || n.disks == 1);
  if (told && first.contains(id)) o.genesis = first;
  o.seed = chance_.any() | 1;
  return o;
}

void cluster::start(node_id id) {
  node& n = nodes_.at(id);
  TROUPE_CHECK(!n.handle, "a node runs once");
  // A killed process whose actors have not all ended yet holds the lock of its directory.
  if (!n.storage_in_use.expired() || !n.snapshots_in_use.expired()) return;
  if (!open_storage(id, n)) return;
  n.machine =
      std::make_shared<ledger>([this, id](log_index index, uint64_t command,
                                          const entry& e) { on_applied(id, index, command, e); },
                               [this, id](log_index last, const entry& e) {
                                 observer_.on_restored(id, last, e.state);
                                 // Else it is what the machine itself kept.
                                 if (nodes_.at(id).handle) observer_.on_state_mended(id);
                               },
                               options_.state_size);
  if (options_.machines_on_disk) n.machine->keep(n.left);
  ++n.incarnation;
  n.handle = *start_node(scheduler_.system(), options_for(id, n));
  n.server = n.handle->server();
  n.committed = n.known = log_index(0);
  servers_.emplace(n.server.id(), id);
  net_.join(id, n.incarnation, n.server);
  TROUPE_EVENT(debug) << "SIM n" << id << " is started, incarnation " << n.incarnation;
}

// False when the power failed again meanwhile: it stays down.
bool cluster::open_storage(node_id id, node& n) {
  const auto opened = try_open_storage(id, n);
  if (opened.ok()) return true;
  n.storage = nullptr;
  n.snapshots = nullptr;
  if (n.files->power_is_off())
    n.files->crash(chance_.any());
  else
    observer_.complain("n" + std::to_string(id.value) +
                       " cannot open its storage: " + opened.ToString());
  return false;
}

absl::Status cluster::try_open_storage(node_id id, node& n) {
  storage::durable_options o;
  o.dir = "data";
  o.node = id;
  o.incarnation = id.value << 8 | n.disks;
  o.log = {{options_.segment_size, KiB(1)}, KiB(64)};
  o.cut_damage = true;
  auto opened = storage::durable_storage::open(*n.files, o);
  if (!opened.ok()) return opened.status();
  auto snapshots = storage::snapshot_store::open(*n.files, "data/snapshots");
  if (!snapshots.ok()) return snapshots.status();
  auto watched = watched_storage::open(*std::move(opened), id, observer_);
  if (!watched.ok()) return watched.status();
  n.storage = *std::move(watched);
  n.storage_in_use = n.storage;
  n.snapshots = *std::move(snapshots);
  n.snapshots_in_use = n.snapshots;
  return absl::OkStatus();
}

// Not every actor ends its node when a call to the file system fails.
void cluster::end_without_power() {
  for (auto& [id, n] : nodes_)
    if (n.handle && n.files->power_is_off()) cut_power(id);
}

// The actors find out later that they are dead, but nobody hears them any more.
void cluster::end(node_id id, node& n) {
  if (!n.handle) return;
  net_.leave(id);
  n.storage->detach();
  n.machine->detach();
  const auto& past = n.machine->past();
  if (!past.empty()) n.left = past[chance_.below(past.size())];
  servers_.erase(n.server.id());
  for (const auto& [actor, l] : n.leaders) leaders_.erase(actor);
  n.leaders.clear();
  n.newest_leader = 0;
  n.ended.reset();
  caf::anon_send_exit(n.server, caf::exit_reason::kill);
  n.server = nullptr;
  n.storage = nullptr;
  n.snapshots = nullptr;
  n.handle.reset();
  observer_.on_crashed(id);
}

void cluster::cut_power(node_id id) {
  node& n = nodes_.at(id);
  TROUPE_EVENT(debug) << "SIM n" << id << " loses its power";
  end(id, n);
  n.files->set_capacity(std::numeric_limits<uint64_t>::max());
  n.files->crash(chance_.any());
}

void cluster::kill(node_id id) {
  node& n = nodes_.at(id);
  TROUPE_EVENT(debug) << "SIM n" << id << " is killed";
  end(id, n);
  n.files->set_fault(nullptr);
  n.files->set_capacity(std::numeric_limits<uint64_t>::max());
}

void cluster::wipe(node_id id) {
  node& n = nodes_.at(id);
  TROUPE_EVENT(debug) << "SIM n" << id << " loses its disk";
  end(id, n);
  // Actors of the process that ended may still use it.
  lost_disks_.push_back(std::exchange(n.files, std::make_unique<storage::memory_env>()));
  ++n.disks;
  n.left = {};
  observer_.on_wiped(id);
}

bool cluster::rot(node_id id) {
  cut_power(id);
  if (!flip_durable_byte(*nodes_.at(id).files, "data/log", chance_)) return false;
  note_rot(id, {});
  return true;
}

bool cluster::rot_entry(node_id id, log_index entry) {
  cut_power(id);
  if (!flip_byte_of_entry(*nodes_.at(id).files, "data/log", entry, chance_)) return false;
  note_rot(id, entry);
  return true;
}

bool cluster::rot_header(node_id id) {
  cut_power(id);
  if (!flip_byte_of_header(*nodes_.at(id).files, "data/log", chance_)) return false;
  note_rot(id, {});
  return true;
}

bool cluster::rot_snapshot_of_running(node_id id) {
  return flip_byte_of_snapshot(*nodes_.at(id).files, "data/snapshots", chance_);
}

bool cluster::rot_snapshot(node_id id) {
  cut_power(id);
  if (!rot_snapshot_of_running(id)) return false;
  TROUPE_EVENT(debug) << "SIM the snapshot of n" << id << " is damaged";
  observer_.on_state_rotted(id);
  return true;
}

bool cluster::lose_snapshot(node_id id) {
  cut_power(id);
  if (!remove_snapshot(*nodes_.at(id).files, "data/snapshots")) return false;
  TROUPE_EVENT(debug) << "SIM the snapshot of n" << id << " is gone";
  observer_.on_state_rotted(id);
  return true;
}

void cluster::note_rot(node_id id, log_index entry) {
  TROUPE_EVENT(debug) << "SIM the log of n" << id << " is damaged";
  observer_.on_rotted(id, entry);
}

void cluster::cut_power_soon(node_id id) {
  nodes_.at(id).files->power_off_at(chance_.between(1, 12));
}

void cluster::break_disk(node_id id, double p) {
  nodes_.at(id).files->set_fault([this, p](std::string_view call, const std::string& path) {
    if (!chance_.chance(p)) return absl::OkStatus();
    return absl::UnavailableError(std::string(call) + " " + path + ": input/output error");
  });
}

void cluster::stall_disk(node_id id, bool stalled) {
  const auto store = inside<server_state>(nodes_.at(id).server)->store().id();
  stalled ? scheduler_.pause(store) : scheduler_.resume(store);
}

void cluster::freeze(node_id id, bool frozen) {
  stall_disk(id, frozen);
  const node& n = nodes_.at(id);
  std::vector<caf::actor_id> actors{n.server.id()};
  for (const auto& [leader, l] : n.leaders) {
    actors.push_back(leader);
    for (const auto& [id, r] : inside<leader_state>(l.actor)->replicators())
      actors.push_back(r.id());
  }
  for (const auto actor : actors) frozen ? scheduler_.pause(actor) : scheduler_.resume(actor);
}

void cluster::fill_disk(node_id id) {
  auto& files = *nodes_.at(id).files;
  files.set_capacity(files.used() + chance_.below(4096));
}

void cluster::give_room(node_id id) {
  nodes_.at(id).files->set_capacity(std::numeric_limits<uint64_t>::max());
}

// -- queries --------------------------------------------------------------------------------------

std::vector<node_id> cluster::ids() const {
  std::vector<node_id> all;
  for (const auto& [id, n] : nodes_) all.push_back(id);
  return all;
}

std::vector<node_id> cluster::up() const {
  auto all = ids();
  std::erase_if(all, [&](node_id id) { return !is_up(id); });
  return all;
}

const core::acceptor& cluster::voter_of(node_id id) const {
  return *inside<server_state>(nodes_.at(id).server)->protocol();
}

core::membership cluster::members_at(node_id id) const {
  const auto* s = inside<server_state>(nodes_.at(id).server);
  return s == nullptr ? core::membership() : s->members();
}

const core::leadership* cluster::leadership_of(node_id id) const {
  const auto* voter = inside<server_state>(nodes_.at(id).server);
  if (voter == nullptr || !voter->current_leader()) return nullptr;
  const auto* leading = inside<leader_state>(voter->current_leader());
  return leading == nullptr ? nullptr : &leading->protocol();
}

leader_actor cluster::leader_of(node_id id) const {
  const auto* voter = inside<server_state>(nodes_.at(id).server);
  return voter == nullptr ? leader_actor() : voter->current_leader();
}

std::vector<node_id> cluster::down() const {
  auto all = ids();
  std::erase_if(all, [&](node_id id) { return is_up(id); });
  return all;
}

std::vector<node_id> cluster::leading() const {
  std::vector<node_id> all;
  for (const auto& [actor, id] : leaders_) all.push_back(id);
  return all;
}

}  // namespace troupe::sim
