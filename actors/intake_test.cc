// Rules of the intake: what waits there is bounded, closures included.
#include "actors/intake.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using pushed = intake::pushed;

bool taken(pushed how) { return how == pushed::first || how == pushed::more; }

// Pushes until it is full; how many were taken.
size_t fill(const std::function<pushed()>& push) {
  size_t n = 0;
  while (taken(push())) ++n;
  EXPECT_EQ(push(), pushed::full);
  return n;
}

void drain(intake& in) {
  while (in.take()) continue;
}

TEST(intake_test, commands_without_a_byte_are_bounded_by_what_waits_with_them) {
  intake in;
  const auto push = [&] { return in.push("", {}, [](const answer&) {}, {}); };
  const size_t most = fill(push);
  EXPECT_LE(most * sizeof(callback), intake::bound);
  EXPECT_GT(most, 100'000u);
  drain(in);
  EXPECT_EQ(fill(push), most) << "what was taken is free again";
}

TEST(intake_test, a_notice_of_the_commit_costs_as_well) {
  intake in;
  const auto plain = [&] { return in.push("", {}, [](const answer&) {}, {}); };
  const auto curious = [&] {
    return in.push(
        "", {}, [](const answer&) {}, [](const log_id&) {});
  };
  const size_t without = fill(plain);
  drain(in);
  const size_t with = fill(curious);
  EXPECT_LT(with, without * 3 / 4);
  drain(in);
  EXPECT_EQ(fill(curious), with);
}

TEST(intake_test, empty_loads_are_bounded) {
  intake in;
  const auto push = [&] {
    intake::load l;
    l.whole = [](const outcome&) {};
    return in.push(std::move(l));
  };
  const size_t most = fill(push);
  EXPECT_LE(most * sizeof(intake::load), intake::bound);
  drain(in);
  EXPECT_EQ(fill(push), most);
}

TEST(intake_test, bytes_are_bounded_and_what_can_never_fit_is_told_apart) {
  intake in;
  const std::string half(intake::bound / 2, 'x'), all(intake::bound, 'x');
  EXPECT_EQ(in.push(half, {}, {}, {}), pushed::first);
  EXPECT_EQ(in.push(half, {}, {}, {}), pushed::full) << "with what it costs besides";
  EXPECT_EQ(in.push(all + "x", {}, {}, {}), pushed::too_large);
  EXPECT_TRUE(taken(in.push("x", {}, {}, {})));
  drain(in);
  EXPECT_TRUE(taken(in.push(all, {}, {}, {}))) << "alone it fits";
  EXPECT_EQ(in.push("", {}, {}, {}), pushed::full);
}

TEST(intake_test, what_is_refused_keeps_its_callbacks) {
  intake in;
  in.close();
  int called = 0;
  callback done = [&](const answer&) { ++called; };
  EXPECT_EQ(in.push("x", {}, std::move(done), {}), pushed::closed);
  ASSERT_TRUE(done);
  done({});
  EXPECT_EQ(called, 1);
}

}  // namespace
}  // namespace troupe
