// Rules of memberships as bytes, in the log and in status.
#include "actors/membership_codec.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

core::quorum group(std::vector<core::quorum::child> children, uint64_t read, uint64_t write) {
  return core::quorum(std::move(children), read, write);
}

core::quorum pair_of(uint64_t a, uint64_t b) {
  return group({{2, node_id(a)}, {3, node_id(b)}}, 3, 4);
}

// A chain of groups, `depth` of them, above one voter.
core::quorum chain(int depth) {
  auto q = group({{1, node_id(1)}}, 1, 1);
  for (int i = 1; i < depth; ++i) q = group({{1, std::move(q)}}, 1, 1);
  return q;
}

core::membership with(std::vector<core::quorum> configs) {
  return {std::move(configs),
          {{node_id(1), "a:1"}, {node_id(2), "b:2"}, {node_id(9), "learner:9"}}};
}

void expect_round_trip(const core::membership& m) {
  const auto back = decode_membership(encode_membership(m));
  ASSERT_TRUE(back.has_value()) << m;
  EXPECT_EQ(*back, m);
}

TEST(membership_codec, trees_of_any_shape_round_trip) {
  expect_round_trip({});
  expect_round_trip(with({pair_of(1, 2)}));
  const auto zones = group({{1, pair_of(1, 2)}, {1, pair_of(3, 4)}, {4, node_id(5)}}, 2, 5);
  expect_round_trip(with({zones}));
  const auto regions = group({{1, zones}, {2, pair_of(6, 7)}}, 2, 2);
  expect_round_trip(with({regions}));
  expect_round_trip(with({regions, pair_of(1, 2)}));
}

TEST(membership_codec, names_round_trip_and_odd_ones_are_refused) {
  const auto named = [](const std::string& name) {
    return with({group({{1, pair_of(1, 2), name}, {1, node_id(3), name}}, 2, 2)});
  };
  expect_round_trip(named("zone-1"));
  expect_round_trip(named(std::string(32, 'z')));
  for (const auto& name : {std::string("a b"), std::string("a\n"), std::string(33, 'z')})
    EXPECT_EQ(decode_membership(encode_membership(named(name))), std::nullopt) << name;
}

TEST(membership_codec, a_tree_that_is_too_deep_is_refused) {
  expect_round_trip(with({chain(8)}));
  EXPECT_EQ(decode_membership(encode_membership(with({chain(9)}))), std::nullopt);
  EXPECT_EQ(decode_membership(encode_membership(with({chain(60)}))), std::nullopt);
  EXPECT_EQ(decode_membership(encode_membership(with({chain(5000)}))), std::nullopt);
}

TEST(membership_codec, a_group_without_children_is_refused) {
  EXPECT_EQ(decode_membership(encode_membership(with({core::quorum{}}))), std::nullopt);
  const auto hollow = group({{1, node_id(1)}, {1, core::quorum{}}}, 1, 1);
  EXPECT_EQ(decode_membership(encode_membership(with({hollow}))), std::nullopt);
}

TEST(membership_codec, a_child_of_no_known_kind_is_refused) {
  proto::Membership message;
  message.add_configs()->add_children()->set_weight(1);
  EXPECT_EQ(from_proto(message), std::nullopt);
}

TEST(membership_codec, bytes_that_are_no_membership_are_refused) {
  EXPECT_EQ(decode_membership("\xff\xff\xff"), std::nullopt);
  auto bytes = encode_membership(with({pair_of(1, 2)}));
  bytes.pop_back();
  EXPECT_EQ(decode_membership(bytes), std::nullopt);
}

TEST(membership_codec, the_first_batch_is_the_same_bytes_on_every_node) {
  const auto members = core::membership::of_majority({{node_id(1), "a:1"}, {node_id(2), "b:2"}});
  const auto same = core::membership::of_majority({{node_id(2), "b:2"}, {node_id(1), "a:1"}});
  const auto other = core::membership::of_majority({{node_id(1), "a:1"}, {node_id(2), "c:2"}});
  EXPECT_EQ(first_batch(members)->bytes(), first_batch(same)->bytes());
  EXPECT_NE(first_batch(members)->checksum(), first_batch(other)->checksum());
}

TEST(membership_codec, the_first_batch_is_a_valid_batch_that_nobody_wrote) {
  const auto members = with({pair_of(1, 2)});
  const auto parsed = batch::parse(first_batch(members)->bytes());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ((*parsed)->kind(), batch_kind::membership);
  EXPECT_EQ((*parsed)->first_index(), log_index(1));
  EXPECT_EQ((*parsed)->leader(), leader_id{});
  EXPECT_EQ(decode_membership(*(*parsed)->entries().begin()), members);
}

}  // namespace
}  // namespace troupe
