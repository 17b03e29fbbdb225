#include "actors/roster.h"

#include <gtest/gtest.h>

#include "actors/membership_codec.h"

namespace troupe {
namespace {

constexpr leader_id one{term(1), node_id(1)}, two{term(2), node_id(2)};

core::membership of(uint64_t voters) {
  std::map<node_id, std::string> addresses;
  for (uint64_t id = 1; id <= voters; ++id) addresses[node_id(id)] = "host:" + std::to_string(id);
  return core::membership::of_majority(std::move(addresses));
}

batch_ptr membership_at(uint64_t index, leader_id leader, const core::membership& members) {
  batch_builder builder;
  builder.add(encode_membership(members));
  return builder.seal(batch_kind::membership, leader, {{one, log_index(index - 1)}, 0});
}

batch_ptr command_at(uint64_t index, leader_id leader) {
  batch_builder builder;
  builder.add("x");
  return builder.seal(batch_kind::commands, leader, {{one, log_index(index - 1)}, 0});
}

core::accepted_append written(std::vector<batch_ptr> batches,
                              std::optional<log_index> truncate_after = {}) {
  return {truncate_after, std::move(batches), {}, true};
}

// Three voters from the start, then two memberships that nobody knows to be committed.
class roster_test : public testing::Test {
 protected:
  roster_test() {
    roster_.note(written({membership_at(4, one, of(4)), command_at(5, one)}));
    roster_.note(written({membership_at(6, one, of(5))}));
  }
  // Another leader's entries take the place of all after `last_kept`.
  void overwrite_after(uint64_t last_kept, std::vector<batch_ptr> batches) {
    roster_.note(written(std::move(batches), log_index(last_kept)));
  }

  const log_id first_{{}, log_index(1)};
  roster roster_{{{first_, of(3)}}};
};

TEST_F(roster_test, the_last_membership_in_the_log_is_in_force_committed_or_not) {
  EXPECT_EQ(roster_.members(), of(5));
  EXPECT_EQ(roster_.at(), (log_id{one, log_index(6)}));
}

TEST_F(roster_test, the_newest_membership_up_to_an_index_is_told) {
  EXPECT_EQ(roster_.newest_up_to(log_index(0)).second, core::membership());
  EXPECT_EQ(roster_.newest_up_to(log_index(3)).second, of(3));
  EXPECT_EQ(roster_.newest_up_to(log_index(4)).second, of(4));
  EXPECT_EQ(roster_.newest_up_to(log_index(5)).second, of(4));
  EXPECT_EQ(roster_.newest_up_to(log_index(99)).second, of(5));
}

TEST_F(roster_test, a_data_directory_stays_known_when_its_node_is_removed_and_added_again) {
  const std::map<node_id, core::member> one_node{{node_id(1), {"a", 11}}};
  const core::membership with({core::quorum::majority({node_id(1)})}, one_node);
  roster r{{{first_, with}, {{one, log_index(4)}, of(2)}}};
  EXPECT_TRUE(r.names(node_id(1), 11));
  EXPECT_FALSE(r.names(node_id(1), 12));
  EXPECT_FALSE(r.names(node_id(2), 11));
}

// Voters 3 and 4 leave by two memberships, the way a change that was begun and cancelled leaves
// them.
TEST_F(roster_test, who_voted_before_memberships_that_may_be_uncommitted_may_stand) {
  overwrite_after(5, {membership_at(6, two, of(3)), membership_at(7, two, of(2))});
  for (const uint64_t committed : {0, 5})
    EXPECT_TRUE(roster_.may_stand(node_id(4), log_index(committed)));
  EXPECT_FALSE(roster_.may_stand(node_id(4), log_index(6)));
  EXPECT_TRUE(roster_.may_stand(node_id(3), log_index(6)));
  EXPECT_FALSE(roster_.may_stand(node_id(3), log_index(7)));
  EXPECT_TRUE(roster_.may_stand(node_id(2), log_index(7)));
  EXPECT_FALSE(roster_.may_stand(node_id(5), log_index(0)));
}

// Scenario 46.
TEST_F(roster_test, when_memberships_are_overwritten_the_last_one_that_is_left_is_in_force) {
  overwrite_after(5, {command_at(6, two)});
  EXPECT_EQ(roster_.members(), of(4));
  overwrite_after(3, {command_at(4, two)});
  EXPECT_EQ(roster_.members(), of(3));
  EXPECT_EQ(roster_.at(), first_);
}

// Scenario 46: both at once.
TEST_F(roster_test, a_membership_takes_the_place_of_all_that_it_overwrites) {
  overwrite_after(3, {membership_at(4, two, of(2))});
  EXPECT_EQ(roster_.members(), of(2));
  overwrite_after(3, {command_at(4, two)});
  EXPECT_EQ(roster_.members(), of(3));
}

}  // namespace
}  // namespace troupe
