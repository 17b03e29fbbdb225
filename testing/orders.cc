#include "testing/orders.h"

#include <algorithm>
#include <sstream>

namespace troupe::sim {
namespace {

using kind = core::member_change::kind;
using nodes_by_id = std::map<node_id, core::member>;

constexpr size_t most_voters = 7;

// `count` different ones of `from`, or all.
std::vector<node_id> some_of(dice& chance, std::vector<node_id> from, size_t count) {
  for (size_t i = 0; i < from.size(); ++i)
    std::swap(from[i], from[i + chance.below(from.size() - i)]);
  if (from.size() > count) from.resize(count);
  return from;
}

std::vector<node_id> list(const std::set<node_id>& ids) { return {ids.begin(), ids.end()}; }

nodes_by_id named(const std::vector<node_id>& ids) {
  nodes_by_id nodes;
  for (const auto id : ids) nodes[id].address = address_of(id);
  return nodes;
}

// -- quorums --------------------------------------------------------------------------------------

using children = std::vector<core::quorum::child>;

uint64_t weight_of(const children& all) {
  uint64_t sum = 0;
  for (const auto& c : all) sum += c.weight;
  return sum;
}

children weighted(dice& chance, const std::vector<node_id>& voters, uint64_t most) {
  children all;
  for (const auto id : voters) {
    const core::quorum::child c{chance.between(1, most), id};
    all.push_back(c);
  }
  return all;
}

// So much weight elects, and just enough to meet that commits.
core::quorum split(dice& chance, children all) {
  const auto weight = weight_of(all);
  const auto read = chance.between(weight / 2 + 1, weight);
  return {std::move(all), read, weight - read + 1};
}

core::quorum zones(dice& chance, const std::vector<node_id>& voters) {
  std::vector<std::set<node_id>> parts(std::min<size_t>(3, voters.size()));
  for (size_t i = 0; i < voters.size(); ++i) parts[i % parts.size()].insert(voters[i]);
  children all;
  for (const auto& p : parts) {
    const core::quorum::child c{1, core::quorum::majority(p), "z" + std::to_string(all.size())};
    all.push_back(c);
  }
  return split(chance, std::move(all));
}

// -- changes --------------------------------------------------------------------------------------

order change(kind what, nodes_by_id nodes, bool retain = false) {
  change_members c;
  c.changes.push_back({what, std::move(nodes), {}});
  c.retain = retain;
  return {std::move(c), false};
}

order new_quorum(dice& chance, const outlook& o) {
  const auto voters = any_voters(chance, o.present);
  auto wanted = any_quorum(chance, voters);
  const bool sound = wanted.check(o.mode).ok();
  change_members c;
  c.changes.push_back({kind::set_quorum, named(voters), std::move(wanted)});
  c.retain = chance.chance(0.5);
  return {std::move(c), !sound};
}

order new_addresses(dice& chance, const outlook& o) {
  nodes_by_id nodes;
  for (const auto id : some_of(chance, o.present, 1 + chance.below(2)))
    nodes[id].address = address_of(id) + "." + std::to_string(chance.below(1000));
  return change(kind::set_nodes, std::move(nodes));
}

order new_priorities(dice& chance, const outlook& o) {
  nodes_by_id nodes;
  for (const auto id : list(o.members.voters()))
    nodes[id].priority = static_cast<uint32_t>(chance.below(3));
  return change(kind::set_priorities, std::move(nodes));
}

order any_change(dice& chance, const outlook& o) {
  const bool retain = chance.chance(0.5);
  const auto few = 1 + chance.below(2);
  const auto members = [&] {
    std::vector<node_id> all;
    for (const auto& [id, node] : o.members.nodes()) all.push_back(id);
    return all;
  };
  switch (chance.below(12)) {
    case 0:
      return change(kind::add_nodes, named(some_of(chance, o.present, few)));
    case 1:
    case 2:
      return change(kind::add_voters, named(some_of(chance, o.present, few)));
    case 3:
      return change(kind::remove_voters, named(some_of(chance, list(o.members.voters()), few)),
                    retain);
    case 4:
      return change(kind::remove_nodes, named(some_of(chance, members(), few)));
    case 5:  // the leader goes
      return change(kind::remove_nodes, named({o.leader.node}));
    case 6:
    case 7:
      return change(kind::replace_voters, named(any_voters(chance, o.present)), retain);
    case 8:
      return new_quorum(chance, o);
    case 9:
      return new_addresses(chance, o);
    case 10:
      return new_priorities(chance, o);
    default:
      return change(kind::replace_nodes, named(some_of(chance, o.present, 3)));
  }
}

// Only from a state that the operator names, right or wrong. The right membership redirects a
// change that is under way.
void add_precondition(dice& chance, const outlook& o, change_members& c) {
  switch (chance.below(o.members.joint() ? 3 : 12)) {
    case 0:
      c.only_if.membership = o.members_at;
      break;
    case 1:
      c.only_if.leader = o.leader;
      break;
    default:
      break;
  }
}

}  // namespace

std::vector<node_id> any_voters(dice& chance, const std::vector<node_id>& present) {
  return some_of(chance, present, chance.between(1, most_voters));
}

core::quorum any_quorum(dice& chance, const std::vector<node_id>& voters) {
  switch (chance.below(5)) {
    case 0:
      return core::quorum::majority({voters.begin(), voters.end()});
    case 1: {
      auto all = weighted(chance, voters, 3);
      const auto more_than_half = weight_of(all) / 2 + 1;
      return {std::move(all), more_than_half, more_than_half};
    }
    case 2:
      return split(chance, weighted(chance, voters, 1));
    case 3:
      return zones(chance, voters);
    default: {
      auto all = weighted(chance, voters, 2);
      const auto weight = weight_of(all);
      return {std::move(all), chance.between(1, weight), chance.between(1, weight)};
    }
  }
}

order any_order(dice& chance, const outlook& o) {
  const auto kind_of = chance.below(20);
  if (kind_of == 0) return {abort_change{}};
  if (kind_of < 4)
    return {transfer{chance.chance(0.3) ? node_id() : o.present[chance.below(o.present.size())]}};
  if (kind_of == 4) return {abort_transfer{}};
  if (kind_of < 7) return {elect{o.present[chance.below(o.present.size())]}};
  if (kind_of == 7) return {change(kind::replace_voters, {}).command, true};
  auto wanted = any_change(chance, o);
  auto& c = std::get<change_members>(wanted.command);
  if (chance.chance(0.1) && !wanted.senseless) {
    auto more = std::get<change_members>(any_change(chance, o).command).changes;
    if (more.front().what != kind::set_quorum) c.changes.push_back(more.front());
  }
  add_precondition(chance, o, c);
  return wanted;
}

std::optional<order> repair(const outlook& o) {
  if (o.lost.empty()) return std::nullopt;
  std::set<node_id> voters = o.members.voters();
  for (const auto id : o.lost) voters.erase(id);
  change_members c;
  if (voters != o.members.voters())
    c.changes.push_back({kind::set_quorum, {}, core::quorum::majority(voters)});
  c.changes.push_back({kind::remove_nodes, named(list(o.lost)), {}});
  c.retain = true;  // so that they are still there to be removed
  return order{std::move(c), false};
}

std::string describe(const order& o) {
  std::ostringstream out;
  if (const auto* c = std::get_if<change_members>(&o.command)) {
    out << (o.senseless ? "senseless change" : "change");
    for (const auto& part : c->changes) {
      out << " kind " << static_cast<int>(part.what) << " {";
      for (const auto& [id, node] : part.nodes) out << " n" << id;
      out << " }";
      if (part.what == kind::set_quorum) out << ' ' << part.quorum;
    }
    if (c->retain) out << " retain";
    if (c->only_if.membership) out << " if members at " << *c->only_if.membership;
  } else if (const auto* t = std::get_if<transfer>(&o.command)) {
    out << "transfer to n" << t->to;
  } else if (const auto* e = std::get_if<elect>(&o.command)) {
    out << "elect n" << e->who;
  } else {
    out << (std::holds_alternative<abort_change>(o.command) ? "abort change" : "abort transfer");
  }
  return out.str();
}

}  // namespace troupe::sim
