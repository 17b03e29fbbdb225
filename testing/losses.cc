#include "testing/losses.h"

#include <algorithm>

#include "actors/membership_codec.h"

namespace troupe::sim {
namespace {

// The last committed membership, all behind it in any log, and what leaders work with.
std::vector<core::membership> in_force(const cluster& c, const world& w) {
  std::vector<core::membership> all;
  const batch* committed = nullptr;
  for (const auto& [id, disk] : w.disks)
    for (const auto& b : disk.log) {
      if (b->kind() != batch_kind::membership) continue;
      const auto* entry = w.committed_at(b->last_index());
      if (entry == nullptr) {
        all.push_back(decode_membership(*b->entries().begin()).value_or(core::membership()));
      } else if (entry->checksum == b->checksum()) {
        if (committed == nullptr || committed->last_index() < b->last_index()) committed = b.get();
      }
    }
  all.push_back(committed == nullptr ? first_members(c.options())
                                     : *decode_membership(*committed->entries().begin()));
  for (const auto id : c.up())
    if (const auto* leading = c.leadership_of(id)) all.push_back(leading->members());
  return all;
}

bool is_quorum(const core::membership& m, const auto& present) {
  return m.satisfied(core::quorum_kind::read, present) &&
         m.satisfied(core::quorum_kind::write, present);
}

// On the disk of another member.
bool has_copy(const world& w, const core::membership& m, node_id id, const log_id& end) {
  const auto lost = lost_members(w, m);
  return std::ranges::any_of(w.disks, [&](const auto& other) {
    return other.first != id && m.contains(other.first) && !lost.contains(other.first) &&
           other.second.can_give(end);
  });
}

// Another member has the state up to here, or all that leads to it.
bool has_state(const world& w, const core::membership& m, node_id id, log_index upto) {
  const auto lost = lost_members(w, m);
  const batch* end = find_in(w.disks.at(id).log, upto);
  return std::ranges::any_of(w.disks, [&](const auto& other) {
    const auto& [who, disk] = other;
    const batch* same = find_in(disk.log, upto);
    return who != id && m.contains(who) && !lost.contains(who) && disk.intact() &&
           disk.durable >= upto && same != nullptr && same->checksum() == end->checksum();
  });
}

}  // namespace

std::set<node_id> lost_members(const world& w, const core::membership& m) {
  std::set<node_id> lost;
  for (const auto& [id, disk] : w.disks) {
    const auto known = m.incarnation_of(id);
    if (known != 0 && disk.incarnation != known) lost.insert(id);
  }
  return lost;
}

bool can_lose(const cluster& c, const world& w, node_id id) {
  const auto memberships = in_force(c, w);
  const auto votes = [id](const core::membership& m) { return m.is_voter(id); };
  if (std::ranges::none_of(memberships, votes)) return true;
  const auto incarnation = w.disks.at(id).incarnation;
  return std::ranges::all_of(memberships, [&](const core::membership& m) {
    const auto lost = lost_members(w, m);
    return is_quorum(m, [&](node_id other) {
      const auto& rest = w.disks.at(other);
      const auto known = members_in(rest.log);
      const bool knows = known.incarnation_of(id) == incarnation &&
                         known.incarnation_of(other) == rest.incarnation;
      return other != id && knows && rest.intact() && !lost.contains(other);
    });
  });
}

bool can_spoil(const world& w, node_id id, const batch& b) {
  const auto& disk = w.disks.at(id);
  log_id at;
  const auto known = members_in(disk.log, &at);
  return b.last_index() > at.index && disk.can_give(b.last()) && has_copy(w, known, id, b.last());
}

bool can_spoil_state(const world& w, node_id id) {
  const auto& disk = w.disks.at(id);
  return bool(disk.purged) && has_state(w, members_in(disk.log), id, disk.purged);
}

bool can_recover(const cluster& c, const world& w) {
  const auto memberships = in_force(c, w);
  return std::ranges::all_of(memberships, [&](const core::membership& m) {
    const auto lost = lost_members(w, m);
    return is_quorum(m, [&](node_id id) {
      const auto& disk = w.disks.at(id);
      const auto copied = [&](const log_id& end) { return has_copy(w, m, id, end); };
      return !lost.contains(id) && !disk.log.empty() &&
             (disk.intact() || std::ranges::all_of(disk.spoilt, copied)) &&
             (!disk.state_spoilt || has_state(w, m, id, disk.purged));
    });
  });
}

}  // namespace troupe::sim
