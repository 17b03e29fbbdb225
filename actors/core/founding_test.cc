#include "actors/core/founding.h"

#include <gtest/gtest.h>

#include "actors/core/quorum_text.h"
#include "actors/core/samples.h"

namespace troupe::core {
namespace {

using state = founding::state;

const log_id nothing, the_first{{}, log_index(1)}, more{led_by(1), log_index(2)};

vote_reply from(uint64_t id, const log_id& last, bool led = false) {
  vote_reply r;
  r.from = node_id(id);
  r.last = last;
  r.led = led;
  return r;
}

founding of(uint64_t nodes) { return founding(majority_of(nodes), node_id(1)); }

TEST(founding_test, a_node_that_is_all_of_a_cluster_begins_it_at_once) {
  EXPECT_EQ(of(1).decide(), state::begins);
}

TEST(founding_test, a_cluster_begins_when_all_others_have_nothing) {
  auto f = of(5);
  EXPECT_EQ(f.decide(), state::asks);
  f.on_reply(from(2, nothing));
  f.on_reply(from(2, the_first));
  f.on_reply(from(3, the_first));
  f.on_reply(from(4, the_first));
  EXPECT_EQ(f.decide(), state::asks) << "5 may lead";
  EXPECT_EQ(f.missing(), (std::set<node_id>{node_id(5)}));
  f.on_reply(from(5, the_first));
  EXPECT_EQ(f.decide(), state::begins);
}

TEST(founding_test, who_is_a_write_quorum_alone_begins_when_all_others_have_nothing) {
  const auto q = parse_quorum("read 3 write 1 of (1,2,3)");
  ASSERT_TRUE(q.ok()) << q.status();
  founding f(membership(std::vector{*q}, addresses_of(3)), node_id(1));
  f.on_reply(from(2, nothing));
  EXPECT_EQ(f.decide(), state::asks);
  f.on_reply(from(3, nothing));
  EXPECT_EQ(f.decide(), state::begins);
}

TEST(founding_test, who_hears_of_a_log_waits_to_be_given_it) {
  auto f = of(3);
  f.on_reply(from(3, more));
  f.on_reply(from(2, nothing));
  EXPECT_EQ(f.decide(), state::waits);
  EXPECT_EQ(f.older(), node_id(3));
}

TEST(founding_test, who_hears_of_a_leader_waits_whatever_is_told_of_the_log) {
  auto f = of(3);
  f.on_reply(from(3, the_first, /*led=*/true));
  f.on_reply(from(2, nothing));
  EXPECT_EQ(f.decide(), state::waits);
}

}  // namespace
}  // namespace troupe::core
