#include "actors/membership_codec.h"

#include "actors/core/quorum_text.h"

namespace troupe {
namespace {

// Bounded in depth, so that a hostile tree does not exhaust the stack.
std::optional<core::quorum> read(const proto::Quorum& in, size_t depth) {
  if (depth == 0 || in.children().empty()) return std::nullopt;
  std::vector<core::quorum::child> children;
  for (const auto& c : in.children()) {
    if (!c.name().empty() && !core::is_quorum_name(c.name())) return std::nullopt;
    if (c.has_voter()) {
      children.push_back({c.weight(), node_id(c.voter()), c.name()});
    } else {
      auto group = read(c.group(), depth - 1);
      if (!group) return std::nullopt;
      children.push_back({c.weight(), std::move(*group), c.name()});
    }
  }
  return core::quorum(std::move(children), in.read_threshold(), in.write_threshold());
}

}  // namespace

void to_proto(const core::quorum& quorum, proto::Quorum* out) {
  for (const auto& child : quorum.children()) {
    auto* c = out->add_children();
    c->set_weight(child.weight);
    c->set_name(child.name);
    if (const auto* voter = std::get_if<node_id>(&child.kind))
      c->set_voter(voter->value);
    else
      to_proto(std::get<core::quorum>(child.kind), c->mutable_group());
  }
  out->set_read_threshold(quorum.read_threshold());
  out->set_write_threshold(quorum.write_threshold());
}

std::optional<core::quorum> from_proto(const proto::Quorum& message) {
  return read(message, core::quorum::max_depth);
}

void to_proto(node_id id, const core::member& member, proto::Membership::Node* out) {
  out->set_id(id.value);
  out->set_address(member.address);
  out->set_incarnation(member.incarnation);
  out->set_priority(member.priority);
}

std::pair<node_id, core::member> from_proto(const proto::Membership::Node& message) {
  return {node_id(message.id()), {message.address(), message.incarnation(), message.priority()}};
}

proto::Membership to_proto(const core::membership& members) {
  proto::Membership out;
  for (const auto& config : members.configs()) to_proto(config, out.add_configs());
  for (const auto& [id, member] : members.nodes()) to_proto(id, member, out.add_nodes());
  return out;
}

std::optional<core::membership> from_proto(const proto::Membership& message) {
  std::vector<core::quorum> configs;
  for (const auto& c : message.configs()) {
    auto config = from_proto(c);
    if (!config) return std::nullopt;
    configs.push_back(std::move(*config));
  }
  std::map<node_id, core::member> nodes;
  for (const auto& node : message.nodes()) nodes.insert(from_proto(node));
  return core::membership(std::move(configs), std::move(nodes));
}

std::string encode_membership(const core::membership& members) {
  return to_proto(members).SerializeAsString();
}

std::optional<core::membership> decode_membership(std::string_view bytes) {
  proto::Membership message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  return from_proto(message);
}

batch_ptr first_batch(const core::membership& members) {
  batch_builder builder;
  builder.add(encode_membership(members));
  return builder.seal(batch_kind::membership, leader_id{}, log_tail{});
}

}  // namespace troupe
