// The window over simulated paths, in virtual time. Every path has one queue before its slowest
// part, and a follower that flushes all that has come while it flushed what came before.
#include "actors/core/window.h"

#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "actors/core/samples.h"
#include "actors/core/timing.h"

namespace troupe::core {
namespace {

constexpr byte_count ceiling = MiB(8);

double in_seconds(duration d) { return std::chrono::duration<double>(d).count(); }

// Shape: sender → queue → link (rate) → half a round trip → disk → half a round trip → sender.
class path {
 public:
  path(double bytes_a_second, duration round_trip) : rate(bytes_a_second), round_trip(round_trip) {}

  double rate;  // of the link; 0: it is broken, what waits in the queue stays there
  duration round_trip;
  std::function<duration()> flush = [] { return duration(0); };
  double supply = 1e18;  // bytes a second that the sender has to send
  window w{ceiling};

  // The rate of what was answered in that time.
  double run(duration d) {
    const auto end = now_ + d;
    const auto before = answered_;
    supplied_ = now_;
    most_under_way = 0;
    send();
    while (!events_.empty() && events_.begin()->first <= end) {
      const auto next = events_.begin();
      now_ = next->first;
      const auto happens = std::move(next->second);
      events_.erase(next);
      happens();
      send();
    }
    now_ = end;
    return static_cast<double>(answered_ - before) / in_seconds(d);
  }

  // The connection breaks: nothing of what is under way is ever answered.
  void lose() {
    events_.clear(), queue_.clear(), arrived_.clear();
    link_busy_ = disk_busy_ = waiting_ = false;
    under_way_ = 0;
    w.on_lost();
  }
  void mend(double bytes_a_second) {
    rate = bytes_a_second;
    transmit();
  }

  // Of the bytes that the path itself holds at its rate, how many times that is under way.
  double fill() const {
    return static_cast<double>(most_under_way) / (rate * in_seconds(round_trip));
  }
  uint64_t most_under_way = 0;

 private:
  struct request {
    window::mark mark;
    byte_count size;
  };

  void at(duration later, std::function<void()> what) {
    events_.emplace(now_ + later, std::move(what));
  }

  void send() {
    credit_ = std::min(credit_ + supply * in_seconds(now_ - supplied_), 1e9);
    supplied_ = now_;
    while (under_way_ == 0 || under_way_ < w.target().value) {
      ASSERT_LE(w.target(), ceiling);
      const byte_count size(std::max<uint64_t>(w.target().value / 16, 1));
      if (credit_ < static_cast<double>(size.value)) return wait_for_supply(size);
      credit_ -= static_cast<double>(size.value);
      queue_.push_back({w.on_sent(size, byte_count(under_way_), now_), size});
      under_way_ += size.value;
      most_under_way = std::max(most_under_way, under_way_);
      transmit();
    }
  }
  void wait_for_supply(byte_count size) {
    if (waiting_) return;
    waiting_ = true;
    const double missing = static_cast<double>(size.value) - credit_;
    at(duration(1 + static_cast<int64_t>(1e9 * missing / supply)), [this] { waiting_ = false; });
  }

  void transmit() {
    if (link_busy_ || queue_.empty() || rate == 0) return;
    link_busy_ = true;
    const request r = queue_.front();
    queue_.pop_front();
    at(duration(static_cast<int64_t>(1e9 * static_cast<double>(r.size.value) / rate)), [this, r] {
      link_busy_ = false;
      at(round_trip / 2, [this, r] { arrived_.push_back(r), begin_flush(); });
      transmit();
    });
  }
  void begin_flush() {
    if (disk_busy_ || arrived_.empty()) return;
    disk_busy_ = true;
    at(flush(), [this, group = std::exchange(arrived_, {})] {
      disk_busy_ = false;
      at(round_trip - round_trip / 2, [this, group] {
        for (const request& r : group) answer(r);
      });
      begin_flush();
    });
  }
  void answer(const request& r) {
    under_way_ -= r.size.value;
    answered_ += r.size.value;
    w.on_delivered(r.mark, r.size, now_);
  }

  instant now_ = time_zero, supplied_ = time_zero;
  double credit_ = 0;
  bool waiting_ = false, link_busy_ = false, disk_busy_ = false;
  uint64_t under_way_ = 0, answered_ = 0;
  std::deque<request> queue_;
  std::vector<request> arrived_;
  std::multimap<instant, std::function<void()>> events_;
};

constexpr duration us(int64_t n) { return std::chrono::microseconds(n); }

TEST(window_test, it_fills_any_path_and_little_waits_in_its_queue) {
  for (const double rate : {64e3, 1e6, 10e6, 125e6})
    for (const auto round_trip : {us(50), ms(1), ms(40), ms(200), ms(400)}) {
      SCOPED_TRACE(testing::Message() << rate << " B/s, " << in_seconds(round_trip) << " s");
      path p(rate, round_trip);
      p.run(ms(15'000));  // the first requests are long for a thin link, and distort its round trip
      const double possible =
          std::min(rate, static_cast<double>(ceiling.value) / in_seconds(round_trip));
      EXPECT_GE(p.run(ms(20'000)), 0.9 * possible);
      // One path full, one round trip or 25 ms in the queue, and one request (a sixteenth) more.
      const double allowed = rate * in_seconds(round_trip + std::max(round_trip, ms(25)));
      EXPECT_LE(static_cast<double>(p.most_under_way), 1.25 * std::max(allowed, 10e3));
    }
}

TEST(window_test, it_grows_with_every_round_trip_until_the_path_is_full) {
  path p(10e6, ms(100));  // holds 1 MB
  p.run(ms(500));
  EXPECT_GE(p.run(ms(500)), 0.9 * 10e6) << "128 KiB, 256, 512, 1024";
}

TEST(window_test, it_follows_a_rate_that_falls_to_a_tenth) {
  path p(1e6, ms(200));
  p.run(ms(10'000));
  p.rate = 1e5;
  // What was under way takes two seconds to drain: ten times two round trips.
  p.run(ms(6'000));
  EXPECT_GE(p.run(ms(10'000)), 0.9 * 1e5);
  EXPECT_LE(p.fill(), 2.5);
}

TEST(window_test, it_follows_a_rate_that_rises_tenfold) {
  path p(1e6, ms(200));
  p.run(ms(10'000));
  p.rate = 1e7;
  p.run(ms(2'000));
  EXPECT_GE(p.run(ms(10'000)), 0.9 * 1e7);
}

TEST(window_test, it_follows_a_route_that_becomes_longer) {
  path p(1e6, ms(20));
  p.run(ms(10'000));
  p.round_trip = ms(200);
  p.run(ms(20'000));
  EXPECT_GE(p.run(ms(20'000)), 0.9 * 1e6);
  EXPECT_LE(p.fill(), 2.5);
}

// A standing queue would pass for a longer path, and so on, up to the ceiling.
TEST(window_test, its_own_queue_does_not_pass_for_a_longer_path) {
  path p(1e6, ms(200));
  p.run(ms(600'000));
  p.run(ms(20'000));
  EXPECT_LE(p.fill(), 2.5);
}

TEST(window_test, after_an_outage_it_comes_back) {
  path kept(1e6, ms(200)), lost(1e6, ms(200));
  for (path* p : {&kept, &lost}) {
    p->run(ms(10'000));
    p->rate = 0;
    p->run(ms(10'000));
    // A window at most is under way meanwhile.
    EXPECT_LE(p->most_under_way, 500'000u);
  }
  kept.mend(1e6);
  lost.lose();
  lost.mend(1e6);
  for (path* p : {&kept, &lost}) {
    p->run(ms(5'000));
    EXPECT_GE(p->run(ms(10'000)), 0.9 * 1e6);
    EXPECT_LE(p->fill(), 2.5);
  }
}

// The follower flushes in 1 to 10 ms, whatever there is, and answers all of that at once.
TEST(window_test, a_flush_that_answers_many_requests_at_once_does_not_confuse_it) {
  for (const double rate : {1e6, 20e6, 100e6})
    for (const auto round_trip : {us(50), ms(1), ms(100)}) {
      SCOPED_TRACE(testing::Message() << rate << " B/s, " << in_seconds(round_trip) << " s");
      std::mt19937_64 random(7);
      path p(rate, round_trip);
      p.flush = [&] { return us(1000 + static_cast<int64_t>(random() % 9000)); };
      p.run(ms(10'000));
      const double possible =
          std::min(rate, static_cast<double>(ceiling.value) / in_seconds(round_trip + ms(10)));
      EXPECT_GE(p.run(ms(20'000)), 0.8 * possible);
    }
}

// A disk that stops for long now and then: the path is as fast as before.
TEST(window_test, a_flush_that_hangs_now_and_then_costs_little_more_than_its_time) {
  path p(20e6, ms(1));
  int flushes = 0;
  p.flush = [&] { return ++flushes % 500 == 0 ? ms(300) : ms(2); };
  p.run(ms(10'000));
  EXPECT_GE(p.run(ms(20'000)), 0.6 * 20e6);
}

TEST(window_test, who_has_little_to_send_does_not_forget_what_the_path_can_do) {
  path p(1e7, ms(100));
  p.run(ms(5'000));
  const auto full = p.w.target();
  p.supply = 1e5;
  p.run(ms(8'000));
  EXPECT_GE(p.w.target().value, full.value / 2);
}

TEST(window_test, what_a_request_may_take_follows_from_the_measured_rate) {
  path p(1e6, ms(200));
  EXPECT_EQ(p.w.time_for(KiB(16)), timing::slowest_per_byte * (16 << 10));
  p.run(ms(10'000));
  EXPECT_NEAR(in_seconds(p.w.time_for(byte_count(1'000'000))), 2.0, 0.2);
  p.w.on_lost();
  EXPECT_EQ(p.w.time_for(KiB(16)), timing::slowest_per_byte * (16 << 10));
}

// Whatever happens: within the ceiling (asked in send()), and never at rest for ever.
TEST(window_test, it_stays_within_its_ceiling_and_never_stalls_on_random_paths) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    std::mt19937_64 random(seed);
    const auto some_rate = [&] {
      return std::pow(10.0, 4 + static_cast<double>(random() % 500) / 100);
    };
    path p(some_rate(), us(50));
    for (int change = 0; change < 20; ++change) {
      p.round_trip = us(10 + static_cast<int64_t>(random() % 400'000));
      p.mend(random() % 5 == 0 ? 0 : some_rate());
      if (random() % 5 == 0) p.lose();
      p.flush = [&] { return us(static_cast<int64_t>(random() % 10'000)); };
      p.run(ms(static_cast<int64_t>(random() % 3000)));
    }
    p.supply = 1e18;
    p.round_trip = ms(50);
    p.mend(1e7);
    p.run(ms(60'000));  // the slowest path may have left much in its queue
    ASSERT_GE(p.run(ms(5'000)), 0.8 * 1e7);
  }
}

}  // namespace
}  // namespace troupe::core
