#include "actors/core/election_timer.h"

#include <gtest/gtest.h>

#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr timing usual;
constexpr instant no_lease{};
constexpr instant later = time_zero + ms(100);

election_timer started() { return {usual, time_zero, ms(200)}; }

TEST(election_timer_test, the_random_part_comes_after_the_start_and_after_the_lease) {
  EXPECT_EQ(started().deadline(no_lease), time_zero + ms(200));
  EXPECT_EQ(started().deadline(time_zero + ms(300)), time_zero + ms(500));
}

// -- grants ---------------------------------------------------------------------------------------

TEST(election_timer_test, a_grant_makes_it_wait_once_until_it_has_stood_itself) {
  auto t = started();
  t.on_granted(later, ms(180));
  EXPECT_EQ(t.deadline(no_lease), later + ms(180));
  t.on_granted(later + ms(90), ms(250));
  EXPECT_EQ(t.deadline(no_lease), later + ms(180)) << "candidates that outbid each other";
  t.on_stood(later + ms(180), ms(160));
  t.on_granted(later + ms(200), ms(170));
  EXPECT_EQ(t.deadline(no_lease), later + ms(370));
}

TEST(election_timer_test, after_a_leader_a_grant_counts_anew) {
  for (bool known : {false, true}) {
    auto t = started();
    t.on_granted(time_zero, ms(180));
    known ? t.on_leader_heard() : t.start(time_zero, ms(180));
    t.on_granted(later, ms(250));
    EXPECT_EQ(t.deadline(no_lease), later + ms(250));
  }
}

// -- outvoted -------------------------------------------------------------------------------------

TEST(election_timer_test, who_is_outvoted_stands_again_soon_and_then_waits_as_usual) {
  auto t = started();
  t.on_stood(later, ms(240));
  t.on_outvoted(later + ms(5), ms(240));
  const auto second = later + ms(5 + 240 / 8);
  EXPECT_EQ(t.deadline(no_lease), second);
  t.on_outvoted(later + ms(9), ms(240));
  EXPECT_EQ(t.deadline(no_lease), second) << "told by another voter";
  t.on_stood(second, ms(200));
  t.on_outvoted(second + ms(5), ms(160));
  EXPECT_EQ(t.deadline(no_lease), second + ms(200)) << "once only";
  t.on_stood(second + ms(200), ms(200));
  t.on_outvoted(second + ms(205), ms(160));
  EXPECT_EQ(t.deadline(no_lease), second + ms(205 + 160 / 8)) << "and again the next time";
}

TEST(election_timer_test, a_second_try_gives_way_to_a_leader_and_to_a_candidate_that_is_granted) {
  auto heard = started();
  heard.on_outvoted(time_zero, ms(200));
  heard.on_leader_heard();
  EXPECT_EQ(heard.deadline(later), later + ms(200));
  auto granted = started();
  granted.on_outvoted(time_zero, ms(200));
  granted.on_granted(later, ms(220));
  EXPECT_EQ(granted.deadline(no_lease), later + ms(220));
}

// -- outclassed -----------------------------------------------------------------------------------

TEST(election_timer_test, who_saw_a_better_log_waits_two_timeouts_more_once) {
  auto t = started();
  t.on_stood(time_zero, ms(200));
  t.on_outclassed();
  EXPECT_EQ(t.deadline(no_lease), time_zero + ms(200) + 2 * usual.election_timeout_max);
  t.on_granted(later, ms(150));
  EXPECT_EQ(t.deadline(no_lease), later + ms(150) + 2 * usual.election_timeout_max)
      << "a grant does not shorten it";
  t.on_stood(later + ms(750), ms(200));
  t.on_outclassed();
  EXPECT_EQ(t.deadline(no_lease), later + ms(950)) << "the better one may be out of reach";
  t.start(later + ms(1000), ms(200));
  t.on_outclassed();
  EXPECT_EQ(t.deadline(no_lease), later + ms(1200) + 2 * usual.election_timeout_max);
}

// -- priority -------------------------------------------------------------------------------------

TEST(election_timer_test, who_is_not_preferred_waits_longer_but_less_with_each_candidacy) {
  auto t = started();
  t.prefer(0, 10);
  EXPECT_EQ(t.deadline(no_lease), time_zero + ms(200) + usual.election_timeout_max);
  t.on_stood(later, ms(200));
  EXPECT_EQ(t.deadline(no_lease), later + ms(200) + usual.election_timeout_max / 2);
  t.on_outvoted(later, ms(200));
  EXPECT_EQ(t.deadline(no_lease), later + ms(200 / 8)) << "a second try comes soon";
  t.on_stood(later, ms(200));
  t.on_stood(later, ms(200));
  EXPECT_EQ(t.deadline(no_lease), later + ms(200));
  t.on_leader_heard();
  EXPECT_EQ(t.deadline(no_lease), later + ms(200) + usual.election_timeout_max);
}

TEST(election_timer_test, a_leadership_that_ends_begins_anew) {
  auto t = started();
  t.on_outclassed();
  t.on_outvoted(time_zero, ms(200));
  t.start(later, ms(200));
  EXPECT_EQ(t.deadline(no_lease), later + ms(200));
}

}  // namespace
}  // namespace troupe::core
