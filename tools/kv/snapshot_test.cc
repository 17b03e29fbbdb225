// A snapshot is what the machine was when it was begun, whatever happens while it is read.
#include "tools/kv/snapshot.h"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tools/kv/machine.h"

namespace troupe::kv {
namespace {

using args = std::vector<std::string_view>;
using pairs = std::map<std::string, std::string>;

pairs contents(const machine& m) {
  pairs all;
  const auto visit = [&](const std::string& key, const std::string& value) { all[key] = value; };
  for (uint64_t cursor = 0;;) {
    cursor = m.data().scan(cursor, 1000, visit, [] { return true; });
    if (cursor == 0) return all;
  }
}

// What a machine is, but for the numbers of uses, of which only the order counts.
struct picture {
  pairs data;
  std::vector<std::string> known;
  uint64_t given = 0;

  bool operator==(const picture&) const = default;
};

picture picture_of(const machine& m) {
  picture p{contents(m), {}, m.known_sessions().given()};
  for (const auto& e : m.known_sessions().entries())
    p.known.push_back(e.id + " " + std::to_string(e.sequence) + " " + e.answer);
  return p;
}

// Gives what it was given, cut into other pieces.
class pieces final : public snapshot_source {
 public:
  pieces(std::string bytes, size_t size) : bytes_(std::move(bytes)), size_(size) {}
  absl::StatusOr<std::string> next() override {
    const auto piece = bytes_.substr(at_, size_);
    at_ += piece.size();
    return piece;
  }

 private:
  const std::string bytes_;
  const size_t size_;
  size_t at_ = 0;
};

class snapshot_test : public testing::Test {
 protected:
  std::string run(op what, const args& a) {
    std::string bytes;
    encode(what, 0, a, bytes);
    return apply(bytes);
  }
  std::string apply(std::string_view command) {
    frames commands, results;
    commands.add(command);
    m_.apply(log_index(1), commands, results);
    return std::string(*results.begin());
  }
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

  machine m_;
  std::map<std::string, uint64_t> sequences_;
};

std::string read_all(snapshot_source& from) {
  std::string all;
  for (;;) {
    const auto piece = from.next();
    if (!piece.ok() || piece->empty()) return all;
    all += *piece;
  }
}

TEST_F(snapshot_test, it_is_what_the_machine_was_when_it_was_begun) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (uint64_t n = random() % 20'000; n > 0; --n) step(random);
    const auto then = picture_of(m_);
    const auto source = m_.begin_snapshot();
    std::string bytes;
    // Meanwhile the table may grow, shrink, or be emptied.
    for (auto piece = source->next(); !piece->empty(); piece = source->next()) {
      bytes += *piece;
      if (random() % 8 == 0) run(op::flush_all, {});
      for (uint64_t n = random() % 3000; n > 0; --n) step(random);
    }
    machine other;
    pieces again(bytes, 1 + random() % 5000);
    const auto restored = other.restore(again);
    ASSERT_TRUE(restored.ok()) << restored;
    ASSERT_TRUE(picture_of(other) == then);
  }
}

TEST_F(snapshot_test, one_that_is_given_up_leaves_nothing_behind) {
  std::mt19937_64 random(7);
  for (int n = 0; n < 5000; ++n) step(random);
  for (int i = 0; i < 50; ++i) {
    const auto source = m_.begin_snapshot();
    ASSERT_TRUE(source->next().ok());
    for (int n = 0; n < 100; ++n) step(random);
  }
  const auto then = picture_of(m_);
  machine other;
  ASSERT_TRUE(other.restore(*m_.begin_snapshot()).ok());
  EXPECT_TRUE(picture_of(other) == then);
}

// Numbers of views come again; what they marked must not.
TEST_F(snapshot_test, the_hundred_thousandth_snapshot_has_all_as_the_first) {
  for (int i = 0; i < 20; ++i) run(op::set, {std::to_string(i), "x"});
  for (int i = 0; i < 100'000; ++i) {
    table_view view(const_cast<table&>(m_.data()));
    if (i % 1000 == 0) run(op::set, {std::to_string(i % 20), std::to_string(i)});
    size_t seen = 0;
    view.read([&](std::string_view, std::string_view) { ++seen; }, [] { return true; });
    ASSERT_EQ(seen, 20u) << i;
  }
}

TEST_F(snapshot_test, a_restored_machine_forgets_the_same_session_next) {
  for (const auto* id : {"a", "b", "c", "a"}) {
    std::string write;
    encode(op::append, 0, args{"k", id}, write);
    put_in_session(id, 1 + sequences_[id]++, write);
    apply(write);
  }
  machine other;
  ASSERT_TRUE(other.restore(*m_.begin_snapshot()).ok());
  EXPECT_EQ(other.known_sessions().entries().front().id, "b");
}

TEST_F(snapshot_test, values_of_any_size_arrive) {
  const std::string large(max_value_bytes, 'x');
  run(op::set, {"large", large});
  run(op::set, {"empty", ""});
  run(op::set, {std::string(max_key_bytes, 'k'), "long key"});
  machine other;
  ASSERT_TRUE(other.restore(*m_.begin_snapshot()).ok());
  EXPECT_TRUE(picture_of(other) == picture_of(m_));
}

TEST_F(snapshot_test, bytes_that_are_no_snapshot_are_refused) {
  std::mt19937_64 random(3);
  for (int n = 0; n < 200; ++n) step(random);
  const auto good = read_all(*m_.begin_snapshot());
  const auto restored = [](const std::string& bytes) {
    machine other;
    pieces from(bytes, 100);
    return other.restore(from);
  };
  EXPECT_TRUE(restored(good).ok());
  for (size_t cut = 0; cut < good.size(); cut += 1 + cut / 50)
    EXPECT_FALSE(restored(good.substr(0, cut)).ok()) << cut;
  EXPECT_TRUE(absl::IsDataLoss(restored(good + "x")));
  EXPECT_TRUE(absl::IsUnimplemented(restored("TROUPEK2" + good.substr(8))));
  for (int i = 0; i < 2000; ++i) {
    auto bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    restored(bad).IgnoreError();  // whatever it is, nothing breaks
  }
}

// What changes while it is read is read first, so it does not pile up.
TEST_F(snapshot_test, it_keeps_no_more_than_what_changes_between_two_pieces) {
  const std::string value(1000, 'x');
  for (int i = 0; i < 20'000; ++i) run(op::set, {std::to_string(i), value});
  auto& data = const_cast<table&>(m_.data());
  table_view view(data);
  std::mt19937_64 random(5);
  size_t most = 0;
  for (bool more = true; more;) {
    for (int n = 0; n < 30; ++n) run(op::set, {std::to_string(random() % 20'000), "y"});
    most = std::max(most, view.kept_bytes());
    size_t bytes = 0;
    more = view.read([&](std::string_view k, std::string_view v) { bytes += k.size() + v.size(); },
                     [&] { return bytes < 64 << 10; });
  }
  EXPECT_LT(most, 64u << 10);
}

}  // namespace
}  // namespace troupe::kv
