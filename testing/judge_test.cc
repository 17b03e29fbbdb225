// Each invariant notices when it is broken.
#include "testing/judge.h"

#include <gtest/gtest.h>

#include "actors/membership_codec.h"

namespace troupe::sim {
namespace {

constexpr node_id n1{1}, n2{2}, n3{3};

core::membership three_nodes() {
  return core::membership::of_majority({{n1, "a"}, {n2, "b"}, {n3, "c"}});
}

leader_id led_by(uint64_t in, node_id node = n1) { return {term(in), node}; }
vote won(uint64_t in, node_id node = n1) { return {led_by(in, node), true}; }

batch_ptr batch_after(const log_tail& tail, leader_id leader, const std::string& text = "x") {
  batch_builder builder;
  builder.add(text);
  return builder.seal(batch_kind::commands, leader, tail);
}

batch_ptr batch_of(const core::membership& members) {
  batch_builder builder;
  builder.add(encode_membership(members));
  return builder.seal(batch_kind::membership, led_by(1), {});
}

class judge_test : public ::testing::Test {
 protected:
  // A node follows the leader of this batch, and writes it.
  void append(node_id node, const batch_ptr& b) {
    judge_.on_vote_saved(node, {b->leader(), true});
    judge_.on_appended(node, b);
  }
  // Nodes do so, and make it durable.
  void write(std::initializer_list<node_id> nodes, const batch_ptr& b) {
    for (const auto id : nodes) append(id, b), judge_.on_synced(id);
  }
  void expect_broken(const std::string& name) {
    EXPECT_EQ(judge_.failure().substr(0, name.size()), name) << judge_.failure();
  }
  void expect_good() { EXPECT_EQ(judge_.failure(), ""); }

  judge judge_{core::vote_mode::standard, three_nodes(), false};
  const batch_ptr first_ = batch_after({}, led_by(1));
};

TEST_F(judge_test, two_leaders_in_one_term) {
  judge_.on_elected(n1, won(4, n1), {});
  expect_good();
  judge_.on_elected(n2, won(4, n2), {});
  expect_broken("election safety");
}

TEST_F(judge_test, a_node_that_leads_twice_with_one_vote) {
  judge advanced(core::vote_mode::advanced, three_nodes(), false);
  advanced.on_elected(n1, won(4, n1), {});
  advanced.on_elected(n2, won(4, n2), {});
  EXPECT_EQ(advanced.failure(), "");
  advanced.on_elected(n1, won(4, n1), {});
  EXPECT_NE(advanced.failure(), "");
}

TEST_F(judge_test, two_batches_of_one_leader_at_one_index) {
  write({n1}, first_);
  expect_good();
  write({n2}, batch_after({}, led_by(1), "y"));
  expect_broken("log matching");
}

TEST_F(judge_test, a_leader_that_lacks_a_committed_entry) {
  write({n1, n2}, first_);
  judge_.on_leader_committed(n1, won(1), log_index(1), led_by(1), three_nodes());
  judge_.on_elected(n2, won(2, n2), {first_});
  expect_good();
  judge_.on_elected(n3, won(3, n3), {});
  expect_broken("leader completeness");
}

TEST_F(judge_test, different_commands_at_one_index) {
  write({n1, n2}, first_);
  judge_.on_leader_committed(n1, won(1), log_index(1), led_by(1), three_nodes());
  judge_.on_applied(n1, log_index(1), 7, 70);
  judge_.on_applied(n2, log_index(1), 7, 70);
  expect_good();
  judge_.on_applied(n3, log_index(1), 8, 80);
  expect_broken("state machine safety");
}

TEST_F(judge_test, another_entry_is_committed_at_one_index) {
  write({n1, n2}, first_);
  judge_.on_leader_committed(n1, won(1), log_index(1), led_by(1), three_nodes());
  judge_.on_follower_committed(n2, won(1), log_index(1), led_by(1));
  expect_good();
  judge_.on_follower_committed(n3, won(2), log_index(1), led_by(2));
  expect_broken("committed is immutable");
}

TEST_F(judge_test, a_committed_entry_is_removed) {
  write({n1, n2}, first_);
  judge_.on_leader_committed(n1, won(1), log_index(1), led_by(1), three_nodes());
  expect_good();
  judge_.on_truncated(n2, log_index(0));
  expect_broken("committed is immutable");
}

TEST_F(judge_test, a_commit_without_a_write_quorum_on_disk) {
  write({n1}, first_);
  append(n2, first_);  // not synced
  judge_.on_leader_committed(n1, won(1), log_index(1), led_by(1), three_nodes());
  expect_broken("acknowledged is durable");
}

TEST_F(judge_test, a_commit_that_counts_the_disk_that_a_node_has_instead_of_the_one_it_lost) {
  auto members = three_nodes();
  auto nodes = members.nodes();
  nodes[n2].incarnation = 5;
  members = {members.configs(), nodes};
  judge_.on_reopened(n2, 5, {}, {});
  write({n1, n2}, first_);
  judge_.on_wiped(n2);
  judge_.on_leader_committed(n1, won(1), log_index(1), led_by(1), members);
  expect_good();
  judge_.on_reopened(n2, 6, {}, {});
  const auto second = batch_after(first_->tail(), led_by(1));
  write({n1}, second);
  write({n2}, first_);
  write({n2}, second);
  judge_.on_leader_committed(n1, won(1), log_index(2), led_by(1), members);
  expect_broken("acknowledged is durable");
}

TEST_F(judge_test, a_leader_without_the_votes_of_a_quorum) {
  const auto log = batches{batch_of(three_nodes())};
  core::vote_reply reply;
  reply.granted = true;
  reply.saved = {led_by(4, n1), false};
  judge_.on_vote_saved(n2, reply.saved);
  judge_.on_vote_reply(n2, reply);
  judge_.on_elected(n1, won(4, n1), log);
  expect_good();
  judge_.on_elected(n3, won(5, n3), log);
  expect_broken("elected by a quorum");
}

TEST_F(judge_test, an_acknowledgement_before_the_flush) {
  append(n2, first_);
  core::append_reply reply;
  reply.verdict = core::verdict::matched;
  reply.durable = first_->last();
  judge_.on_append_reply(n2, reply);
  expect_broken("acknowledged is durable");
}

TEST_F(judge_test, a_crash_that_loses_what_was_durable) {
  write({n1}, first_);
  judge_.on_reopened(n1, 1, {}, {});
  expect_broken("acknowledged is durable");
}

TEST_F(judge_test, damage_that_a_node_knows_of) {
  write({n1, n2}, first_);
  judge_.on_rotted(n2);
  judge_.on_reopened(n2, 1, won(1), {}, first_->last());
  judge_.on_leader_committed(n1, won(1), log_index(1), led_by(1), three_nodes());
  expect_good();
}

TEST_F(judge_test, damage_that_a_node_does_not_know_of) {
  write({n1, n2}, first_);
  judge_.on_rotted(n2);
  judge_.on_reopened(n2, 1, won(1), {});
  expect_broken("acknowledged is durable");
}

TEST_F(judge_test, a_vote_that_falls) {
  judge_.on_vote_saved(n1, won(4, n2));
  expect_good();
  judge_.on_vote_saved(n1, won(3, n3));
  expect_broken("vote never falls");
}

TEST_F(judge_test, a_vote_that_was_given_and_not_saved) {
  core::vote_reply reply;
  reply.granted = true;
  reply.saved = {led_by(4, n2), false};
  judge_.on_vote_reply(n1, reply);
  expect_broken("vote never falls");
}

// Scenario 4.
TEST_F(judge_test, an_entry_of_a_later_leader_than_the_saved_vote) {
  judge_.on_vote_saved(n2, won(1));
  write({n2}, first_);
  expect_good();
  judge_.on_appended(n2, batch_after(first_->tail(), led_by(2, n3)));
  expect_broken("log within vote");
}

TEST_F(judge_test, an_entry_whose_leader_was_forgotten_in_a_crash) {
  judge_.on_vote_saved(n2, won(1));
  judge_.on_reopened(n2, 1, won(1), {});
  expect_good();
  judge_.on_reopened(n2, 1, won(1), {batch_after({}, led_by(2, n3))});
  expect_broken("log within vote");
}

TEST_F(judge_test, positions_out_of_order) {
  judge_.on_position(n1, {log_index(1), log_index(2), log_index(3)});
  expect_good();
  judge_.on_position(n1, {log_index(3), log_index(2), log_index(3)});
  expect_broken("positions in order");
}

}  // namespace
}  // namespace troupe::sim
