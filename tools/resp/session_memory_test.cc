// How much of answers sessions ask for and hold.
#include <memory>

#include <gtest/gtest.h>

#include "tools/resp/session_fixture.h"

namespace troupe::resp {
namespace {

std::string bytes_of(size_t size) { return std::string(size, 'x'); }

TEST(session_memory, what_reads_may_bring_grows_with_what_they_brought) {
  lone_session s(1);
  const auto read_8 = [&](size_t size) {
    for (int i = 0; i < 8; ++i) s.on_bytes("GET a\r\n");
    const auto actions = s.take_actions();
    EXPECT_EQ(shapes(actions), "R8");
    s.on_results(actions[0].id, replies(8, bytes_of(size)));
    s.take_output();
    return actions[0].most;
  };
  EXPECT_EQ(read_8(200), 2048u);
  EXPECT_EQ(read_8(200), 8 * 2 * 204u);
  EXPECT_EQ(read_8(2), 8 * 2 * 204u);
  EXPECT_LT(read_8(2), 8 * 2 * 204u);
}

TEST(session_memory, reads_whose_answers_did_not_fit_are_asked_for_again) {
  lone_session s(1);
  s.on_bytes("GET a\r\nGET b\r\nGET c\r\nSET a 1\r\n");
  const auto all = s.take_actions();
  ASSERT_EQ(shapes(all), "R3");
  EXPECT_TRUE(s.on_results(all[0].id, replies(1, bytes_of(1000))));
  EXPECT_EQ(s.take_output().size(), 1000u) << "it goes out at once";
  const auto rest = s.take_actions();
  ASSERT_EQ(shapes(rest), "R2") << "the write waits for all of them";
  EXPECT_EQ(rest[0].id, all[0].id);
  EXPECT_EQ(*rest[0].commands.begin(), *std::next(all[0].commands.begin()));
  EXPECT_TRUE(s.on_results(rest[0].id, {}));
  const auto alone = s.take_actions();
  ASSERT_EQ(shapes(alone), "R1") << "whose answer is large";
  EXPECT_EQ(alone[0].most, 1u << 20);
  EXPECT_TRUE(s.on_results(alone[0].id, {}));
  const auto largest = s.take_actions();
  ASSERT_EQ(shapes(largest), "R1");
  EXPECT_EQ(largest[0].most, session_limits{}.max_reply_bytes);
  EXPECT_TRUE(s.on_results(largest[0].id, replies(1, bytes_of(2 << 20))));
  const auto last = s.take_actions();
  ASSERT_EQ(shapes(last), "R1");
  EXPECT_GT(last[0].most, 4u << 20) << "as large as the one before, for all that is known";
  EXPECT_TRUE(s.on_failure(last[0].id, failure::busy));
  EXPECT_EQ(shapes(s.take_actions()), "P1");
}

TEST(session_memory, an_answer_beyond_all_bounds_is_an_error) {
  lone_session s(1, {.max_reply_bytes = 3000});
  s.on_bytes("GET a\r\n");
  s.on_results(s.take_actions()[0].id, {});
  const auto again = s.take_actions();
  ASSERT_EQ(again.at(0).most, 3000u);
  s.on_results(again[0].id, {});
  EXPECT_EQ(s.take_output(), "-ERR the answer is too long\r\n");
}

// Reads of large values, by many clients that take nothing.
TEST(session_memory, sessions_share_one_budget) {
  budget all(10'000'000);
  std::vector<size_t> woken(3);
  std::vector<std::unique_ptr<session>> sessions;
  for (size_t& w : woken)
    sessions.push_back(std::make_unique<session>(1, session_limits{}, all, [&w] { ++w; }));
  // Each learns that its answer is larger than a megabyte. The first may ask for all there is.
  for (auto& s : sessions) {
    s->on_bytes("GET a\r\n");
    s->on_results(s->take_actions().at(0).id, {});
  }
  EXPECT_EQ(shapes(sessions[0]->take_actions()), "R1");
  const auto asked = sessions[1]->take_actions();
  EXPECT_EQ(shapes(asked), "R1") << "a megabyte each";
  EXPECT_EQ(shapes(sessions[2]->take_actions()), "R1");
  for (auto& s : sessions) s->on_results(1, {});
  EXPECT_EQ(shapes(sessions[0]->take_actions()), "R1") << "alone, it may exceed the bound";
  EXPECT_EQ(shapes(sessions[1]->take_actions()), "");
  EXPECT_EQ(shapes(sessions[2]->take_actions()), "");
  EXPECT_TRUE(sessions[0]->on_results(1, replies(1, bytes_of(9'000'000))));
  EXPECT_EQ(woken, (std::vector<size_t>{0, 0, 0}));
  EXPECT_EQ(sessions[0]->take_output().size(), 9'000'000u);
  EXPECT_EQ(all.used(), 9'000'000 - budget::free_bytes) << "until it is sent";
  sessions[0]->on_sent();
  EXPECT_EQ(all.used(), 0u);
  EXPECT_EQ(woken, (std::vector<size_t>{0, 1, 0})) << "in the order of asking";
  EXPECT_EQ(shapes(sessions[1]->take_actions()), "R1");
  // One that ends gives back what it had, and its place.
  sessions.erase(sessions.begin() + 1);
  EXPECT_EQ(woken, (std::vector<size_t>{0, 1, 1}));
  EXPECT_EQ(shapes(sessions[1]->take_actions()), "R1");
}

// A write happens once, so its answer must have room before it is sent on its way.
TEST(session_memory, writes_that_return_values_wait_for_room) {
  const std::string much = "SESSION s 1 INCR a\r\nGETSET k v\r\nSET k v GET\r\n";
  budget all(200'000);
  session first(1, {}, all, [] {});
  session second(2, {}, all, [] {});
  first.on_bytes(much);
  second.on_bytes(much);
  EXPECT_EQ(shapes(first.take_actions()), "P3");
  EXPECT_EQ(shapes(second.take_actions()), "");
  EXPECT_EQ(all.used(), 3 * (65'536 + 32) - budget::free_bytes);
  EXPECT_TRUE(first.on_results(1, replies(3, "+OK\r\n")));
  EXPECT_EQ(all.used(), 0u) << "of what is short nothing counts";
  EXPECT_EQ(shapes(second.take_actions()), "P3");
  first.on_bytes("SET a b\r\nGETSET k v\r\n");
  EXPECT_EQ(shapes(first.take_actions()), "") << "no write passes one before it";
  EXPECT_TRUE(second.on_failure(1, failure::busy));
  EXPECT_EQ(shapes(first.take_actions()), "P2");
}

TEST(session_memory, a_run_of_writes_returns_no_more_than_a_few_megabytes) {
  lone_session s(1);
  for (int i = 0; i < 100; ++i) s.on_bytes("GETSET k v\r\n");
  EXPECT_EQ(shapes(s.take_actions()), "P63 P37");
}

TEST(session_memory, small_answers_never_wait_for_the_budget) {
  budget all(1);
  session greedy(1, {}, all, [] {});
  greedy.on_bytes("GET a\r\n");
  greedy.on_results(greedy.take_actions().at(0).id, {});
  EXPECT_EQ(shapes(greedy.take_actions()), "R1");
  session modest(2, {}, all, [] {});
  modest.on_bytes("GET a\r\n");
  EXPECT_EQ(shapes(modest.take_actions()), "R1");
  modest.on_bytes("GET b\r\n");
  EXPECT_EQ(shapes(modest.take_actions()), "R1");
}

}  // namespace
}  // namespace troupe::resp
