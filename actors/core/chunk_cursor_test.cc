#include "actors/core/chunk_cursor.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr uint64_t size = 3'000'000;

// Asks, and hears that the follower has so much.
chunk_cursor begun(uint64_t has = 0) {
  chunk_cursor c(size);
  const auto ask = c.next();
  EXPECT_TRUE(ask && ask->length == 0);
  c.sent(*ask, time_zero);
  EXPECT_FALSE(c.next()) << "nothing is known yet";
  c.on_wanted(ask->ticket, has, time_zero);
  return c;
}

std::vector<chunk_cursor::piece> send_all(chunk_cursor& c, instant now = time_zero) {
  std::vector<chunk_cursor::piece> sent;
  while (const auto p = c.next()) {
    if (p->length == 0) break;
    c.sent(*p, now);
    sent.push_back(*p);
  }
  return sent;
}

TEST(chunk_cursor_test, it_begins_where_the_follower_stands) {
  EXPECT_EQ(begun().next()->offset, 0u);
  EXPECT_EQ(begun(1000).next()->offset, 1000u);
}

TEST(chunk_cursor_test, pieces_follow_one_another_and_are_bounded) {
  auto c = begun();
  uint64_t end = 0;
  const auto sent = send_all(c);
  ASSERT_GE(sent.size(), 2u);
  for (const auto& p : sent) {
    EXPECT_EQ(p.offset, end);
    EXPECT_LE(p.length, chunk_cursor::longest);
    end += p.length;
  }
  EXPECT_EQ(c.under_way(), byte_count(end));
  EXPECT_LE(c.under_way(), chunk_cursor::most);
  EXPECT_LT(end, size);
}

TEST(chunk_cursor_test, each_answer_makes_room_for_more) {
  auto c = begun();
  auto sent = send_all(c);
  c.on_wanted(sent[0].ticket, sent[0].length, time_zero + ms(1));
  EXPECT_EQ(c.acknowledged(), sent[0].length);
  EXPECT_FALSE(send_all(c).empty());
}

TEST(chunk_cursor_test, who_lacks_what_was_sent_is_asked_anew) {
  auto c = begun();
  const auto sent = send_all(c);
  c.on_wanted(sent[1].ticket, 0, time_zero + ms(1));  // the first was lost
  const auto ask = c.next();
  ASSERT_TRUE(ask && ask->length == 0);
  c.sent(*ask, time_zero + ms(1));
  c.on_wanted(sent[0].ticket, 7, time_zero + ms(2));  // from before it was asked
  EXPECT_FALSE(c.next());
  c.on_wanted(ask->ticket, 5, time_zero + ms(3));
  EXPECT_EQ(c.next()->offset, 5u);
}

TEST(chunk_cursor_test, a_failure_leads_to_a_question) {
  auto c = begun(1'000'000);
  const auto sent = send_all(c);
  c.on_failure(sent[0].ticket);
  EXPECT_EQ(c.under_way(), byte_count(0));
  ASSERT_TRUE(c.next());
  EXPECT_EQ(c.next()->length, 0u);
  EXPECT_FALSE(c.all_there());
}

TEST(chunk_cursor_test, when_all_is_there_the_follower_is_asked_to_install_it) {
  auto c = begun(size);
  EXPECT_TRUE(c.all_there());
  ASSERT_TRUE(c.next());
  EXPECT_EQ(c.next()->offset, size);
  EXPECT_EQ(c.next()->length, 0u);
  const auto last = *c.next();
  c.sent(last, time_zero);
  c.on_wanted(last.ticket, 0, time_zero);  // it was not what it should be
  EXPECT_FALSE(c.all_there());
  EXPECT_EQ(c.next()->offset, 0u);
}

TEST(chunk_cursor_test, a_follower_may_claim_anything) {
  auto c = begun(size + 1);
  EXPECT_TRUE(c.all_there());
  auto d = begun();
  const auto sent = send_all(d);
  d.on_wanted(sent[0].ticket, UINT64_MAX, time_zero);
  EXPECT_TRUE(d.all_there()) << "and then it cannot install it";
}

// A follower that takes pieces in order, behind a path that loses, delays and doubles them.
TEST(chunk_cursor_test, it_gets_there_over_any_path_and_sends_no_byte_out_of_place) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    chunk_cursor c(size);
    uint64_t has = 0, steps = 0;
    auto now = time_zero;
    struct answer {
      uint64_t ticket, wanted;
    };
    std::vector<chunk_cursor::piece> there;
    std::vector<answer> back;
    const auto take = [&](auto& from) {
      const size_t i = random() % from.size();
      const auto taken = from[i];
      from.erase(from.begin() + static_cast<ptrdiff_t>(i));
      return taken;
    };
    while (!c.all_there() && ++steps < 100'000) {
      now += ms(1);
      if (const auto p = c.next()) {
        c.sent(*p, now);
        there.push_back(*p);
      }
      if (!there.empty() && random() % 2 == 0) {
        const auto p = take(there);
        if (p.offset <= has && has < p.offset + p.length) has = p.offset + p.length;
        if (random() % 5 != 0)
          back.push_back({p.ticket, has});
        else
          c.on_failure(p.ticket);
      }
      if (!back.empty() && random() % 2 == 0) {
        const auto a = take(back);
        c.on_wanted(a.ticket, a.wanted, now);
      }
    }
    EXPECT_EQ(has, size);
    EXPECT_TRUE(c.all_there());
  }
}

}  // namespace
}  // namespace troupe::core
