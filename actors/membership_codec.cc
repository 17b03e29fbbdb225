#include "actors/membership_codec.h"

#include "actors/core/quorum_text.h"

namespace troupe {
namespace {

void write(const core::quorum& q, proto::Quorum* out) {
  for (const auto& child : q.children()) {
    auto* c = out->add_children();
    c->set_weight(child.weight);
    c->set_name(child.name);
    if (const auto* voter = std::get_if<node_id>(&child.kind))
      c->set_voter(voter->value);
    else
      write(std::get<core::quorum>(child.kind), c->mutable_group());
  }
  out->set_read_threshold(q.read_threshold());
  out->set_write_threshold(q.write_threshold());
}

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

proto::Membership to_proto(const core::membership& members) {
  proto::Membership out;
  for (const auto& config : members.configs()) write(config, out.add_configs());
  for (const auto& [id, address] : members.addresses()) {
    auto* node = out.add_nodes();
    node->set_id(id.value);
    node->set_address(address);
  }
  return out;
}

std::optional<core::membership> from_proto(const proto::Membership& message) {
  std::vector<core::quorum> configs;
  for (const auto& c : message.configs()) {
    auto config = read(c, core::quorum::max_depth);
    if (!config) return std::nullopt;
    configs.push_back(std::move(*config));
  }
  std::map<node_id, std::string> addresses;
  for (const auto& node : message.nodes()) addresses[node_id(node.id())] = node.address();
  return core::membership(std::move(configs), std::move(addresses));
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
