#include "tools/ctl/recovery.h"

#include <gtest/gtest.h>

#include "actors/membership_codec.h"
#include "storage/memory_storage.h"
#include "storage/test_batches.h"

namespace troupe::tools {
namespace {

const core::membership three =
    core::membership::of_majority({{node_id(1), "a:1"}, {node_id(2), "b:2"}, {node_id(3), "c:3"}});

class recovery_test : public testing::Test {
 protected:
  void add(batch_ptr b) { ASSERT_TRUE(log_.append({{std::move(b)}}).ok()); }
  void add_members(const core::membership& members, leader_id leader) {
    batch_builder builder;
    builder.add(encode_membership(members));
    add(builder.seal(batch_kind::membership, leader, log_.tail()));
  }
  void add_commands(leader_id leader, uint32_t count) {
    add(storage::batch_after(log_.tail(), leader, count));
  }
  std::string refusal(uint64_t node) {
    const auto found = read_remains(log_, node_id(node)).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(found)) << found;
    return std::string(found.message());
  }

  storage::memory_storage log_;
};

TEST_F(recovery_test, the_last_members_in_the_log_are_told_and_all_that_it_costs) {
  add(first_batch(core::membership::of_majority({{node_id(1), "a:1"}})));
  add_commands(storage::leader_of(1), 3);
  auto four = three.nodes();
  four[node_id(4)].address = "d:4";
  add_members({three.configs(), four}, storage::leader_of(2));
  add_commands(storage::leader_of(2), 2);
  const auto found = read_remains(log_, node_id(3));
  ASSERT_TRUE(found.ok()) << found.status();
  const auto text = explanation(*found, "/data/three");
  for (const auto* part :
       {"node 3, data in /data/three\n", "ends at T2.N1/7, with 5 commands",
        "majority(1,2,3) learners {4} since T2.N1/5:\n", "  2 b:2 voter\n",
        "  3 c:3 voter, this node\n", "  4 d:4 learner\n", "A NEW CLUSTER begins. Node 3",
        "not in this log ARE LOST", "never acknowledged and are in this log take effect",
        "Never start nodes 1, 2, 4 with their data again", "--join",
        "/data/three is kept as /data/three.before-recovery"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const auto record = record_of(*found, "/data/three", absl::FromUnixSeconds(0));
  for (const auto* part : {"1970-01-01T00:00:00", "/data/three.before-recovery", "T2.N1/7",
                           "majority(1,2,3)", "  2 b:2 voter\n"})
    EXPECT_NE(record.find(part), std::string::npos) << part << "\n" << record;
}

TEST_F(recovery_test, the_new_cluster_is_this_node_alone_and_unlike_any_other) {
  add(first_batch(three));
  add_commands(storage::leader_of(4), 1);
  ASSERT_TRUE(log_.save_vote({storage::leader_of(9, 2), false}).ok());
  const auto found = read_remains(log_, node_id(3));
  ASSERT_TRUE(found.ok()) << found.status();
  const auto one = new_cluster(*found, 815), other = new_cluster(*found, 816);
  const auto members = decode_membership(*one.first->entries().begin());
  ASSERT_TRUE(members.has_value());
  EXPECT_EQ(members->voters(), std::set<node_id>{node_id(3)});
  EXPECT_EQ(members->nodes(), (std::map<node_id, core::member>{{node_id(3), {"c:3", 815}}}));
  EXPECT_TRUE(members->check(core::vote_mode::advanced).ok());
  EXPECT_EQ(one.first->last().index, log_index(1));
  EXPECT_EQ(one.leader, storage::leader_of(10, 3)) << "above what was promised, and above the log";
  EXPECT_NE(one.first->checksum(), other.first->checksum()) << "another cluster each time";
}

TEST_F(recovery_test, what_is_no_member_or_has_no_whole_log_is_refused_with_a_reason) {
  EXPECT_NE(refusal(3).find("is empty"), std::string::npos);
  add(first_batch(three));
  add_commands(storage::leader_of(1), 1);
  EXPECT_NE(refusal(7).find("node 7 is no member in its own log, which says majority(1,2,3)"),
            std::string::npos);
  ASSERT_TRUE(log_.purge(log_index(1)).ok());
  EXPECT_NE(refusal(3).find("begins behind entry 1"), std::string::npos);
}

}  // namespace
}  // namespace troupe::tools
