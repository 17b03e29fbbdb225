// A snapshot is what the machine was when it was begun, whatever happens while it is read.
#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tools/kv/any_machine.h"

namespace troupe::kv {
namespace {

using args = std::vector<std::string_view>;
class snapshot_test : public testing::TestWithParam<machine_kind> {
 protected:
  std::string run(op what, const args& a) { return m_.run(what, a); }
  std::string apply(std::string_view command) { return m_.apply(command); }
  std::unique_ptr<snapshot_source> begin() { return m_.get().begin_snapshot(); }
  std::string key(std::mt19937_64& random) const {
    return "key " + std::to_string(random() % 3000);
  }

  // Any command of those that write.
  void step(std::mt19937_64& random) {
    const auto k = key(random), other = key(random);
    const std::string value(random() % 200, static_cast<char>('a' + random() % 26));
    switch (random() % 9) {
      case 0:
      case 1:
        run(op::set, {k, value});
        break;
      case 2:
        run(op::append, {k, value});
        break;
      case 3:
        run(op::del, {k, other});
        break;
      case 4:
        run(op::mset, {k, value, other, value});
        break;
      case 5:
        run(op::getset, {k, value});
        break;
      case 6:
        run(op::open_session, {});
        break;
      default: {
        std::string write;
        encode(op::append, 0, args{k, value}, write);
        const auto id = "client " + std::to_string(random() % 300);
        put_in_session(id, 1 + sequences_[id]++, write);
        apply(write);
      }
    }
    if (random() % 20'000 == 0) run(op::flush_all, {});
  }

  any_machine m_{GetParam()};
  std::map<std::string, uint64_t> sequences_;
};

TEST_P(snapshot_test, it_is_what_the_machine_was_when_it_was_begun) {
  const uint64_t seeds = GetParam() == machine_kind::memory ? 40 : 5;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (uint64_t n = random() % 20'000; n > 0; --n) step(random);
    const auto then = picture_of(m_);
    const auto source = begin();
    std::string bytes;
    // Meanwhile the table may grow, shrink, or be emptied.
    for (auto piece = source->next(); !piece->empty(); piece = source->next()) {
      bytes += *piece;
      if (random() % 8 == 0) run(op::flush_all, {});
      for (uint64_t n = random() % 3000; n > 0; --n) step(random);
    }
    any_machine other(GetParam());
    bytes_source again(bytes, 1 + random() % 5000);
    const auto restored = other.get().restore(again);
    ASSERT_TRUE(restored.ok()) << restored;
    ASSERT_TRUE(picture_of(other) == then);
  }
}

TEST_P(snapshot_test, one_that_is_given_up_leaves_nothing_behind) {
  std::mt19937_64 random(7);
  for (int n = 0; n < 5000; ++n) step(random);
  for (int i = 0; i < 50; ++i) {
    const auto source = begin();
    ASSERT_TRUE(source->next().ok());
    for (int n = 0; n < 100; ++n) step(random);
  }
  const auto then = picture_of(m_);
  any_machine other(GetParam());
  ASSERT_TRUE(other.get().restore(*begin()).ok());
  EXPECT_TRUE(picture_of(other) == then);
}

TEST_P(snapshot_test, a_restored_machine_forgets_the_same_session_next) {
  for (const auto* id : {"a", "b", "c", "a"}) {
    std::string write;
    encode(op::append, 0, args{"k", id}, write);
    put_in_session(id, 1 + sequences_[id]++, write);
    apply(write);
  }
  any_machine other(GetParam());
  ASSERT_TRUE(other.get().restore(*begin()).ok());
  EXPECT_EQ(other.known_sessions().entries().front().id, "b");
}

TEST_P(snapshot_test, values_of_any_size_arrive) {
  const std::string large(max_value_bytes, 'x');
  run(op::set, {"large", large});
  run(op::set, {"empty", ""});
  run(op::set, {std::string(max_key_bytes, 'k'), "long key"});
  any_machine other(GetParam());
  ASSERT_TRUE(other.get().restore(*begin()).ok());
  EXPECT_TRUE(picture_of(other) == picture_of(m_));
}

TEST_P(snapshot_test, bytes_that_are_no_snapshot_are_refused) {
  std::mt19937_64 random(3);
  for (int n = 0; n < 200; ++n) step(random);
  const auto good = read_all(*begin());
  any_machine other(GetParam());
  const auto restored = [&](const std::string& bytes) {
    bytes_source from(bytes, 100);
    return other.get().restore(from);
  };
  EXPECT_TRUE(restored(good).ok());
  for (size_t cut = 0; cut < good.size(); cut += 1 + cut / 50)
    EXPECT_FALSE(restored(good.substr(0, cut)).ok()) << cut;
  // The one in memory has lost what it had by then, so it does not say that only the bytes are
  // wrong.
  const auto longer = restored(good + "x");
  const bool in_memory = GetParam() == machine_kind::memory;
  EXPECT_TRUE(in_memory ? absl::IsInternal(longer) : absl::IsDataLoss(longer)) << longer;
  EXPECT_TRUE(absl::IsUnimplemented(restored("TROUPEX2" + good.substr(8))));
  const int flips = GetParam() == machine_kind::memory ? 2000 : 50;
  for (int i = 0; i < flips; ++i) {
    auto bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    restored(bad).IgnoreError();  // whatever it is, nothing breaks
  }
}

INSTANTIATE_TEST_SUITE_P(both, snapshot_test, both_kinds, name_of_kind);

}  // namespace
}  // namespace troupe::kv
