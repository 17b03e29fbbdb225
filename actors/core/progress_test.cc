#include "actors/core/progress.h"

#include <deque>
#include <random>

#include <gtest/gtest.h>

#include "actors/core/samples.h"

namespace troupe::core {
namespace {

constexpr leader_id one = led_by(1), two = led_by(2), me = led_by(3);

// The leader's log: (t1,i4) (t2,i6), and what it appends itself.
progress fresh(flow_limits limits = {}) { return {log_of({{one, 4}, {two, 6}}), limits}; }

// Sends what may be sent, ending with `last`.
uint64_t send(progress& p, std::optional<log_id> last = {}, uint64_t bytes = 0,
              instant now = time_zero) {
  const auto step = p.next();
  p.sent(step, last.value_or(step.previous), byte_count(bytes), now);
  return step.ticket;
}

// Streams after a probe that matched at the end of the log.
progress streaming(flow_limits limits = {}) {
  auto p = fresh(limits);
  p.on_matched(send(p), {}, time_zero);
  EXPECT_EQ(p.how(), progress::mode::streaming);
  return p;
}

void append(progress& p, uint64_t last) { p.on_log_appended(me, log_index(last)); }

// -- probing --------------------------------------------------------------------------------------

TEST(progress_test, one_probe_at_a_time_starts_at_the_end_of_the_log) {
  auto p = fresh();
  ASSERT_TRUE(p.may_send());
  EXPECT_EQ(p.next().previous, at(two, 6));
  EXPECT_EQ(p.next_index(), log_index(7));
  send(p);
  EXPECT_FALSE(p.may_send());
}

TEST(progress_test, a_conflict_goes_on_at_the_hint) {
  auto p = fresh();
  p.on_conflict(send(p), at(one, 9));
  EXPECT_EQ(p.next().previous, at(one, 4)) << "the greatest that both may have";
  EXPECT_TRUE(p.may_send());
}

TEST(progress_test, the_search_only_goes_down) {
  for (const auto& hint : {at(two, 6), at(me, 99), at(two, 7)}) {
    auto p = fresh();
    p.on_conflict(send(p), hint);
    EXPECT_EQ(p.next().previous, at(two, 5)) << hint;
  }
  auto p = fresh();
  p.on_conflict(send(p), {});
  EXPECT_EQ(p.next().previous, log_id{});
  p.on_conflict(send(p), at(two, 6));
  EXPECT_EQ(p.next().previous, log_id{}) << "below the start there is nothing";
}

TEST(progress_test, a_match_claims_only_what_is_durable) {
  auto p = fresh();
  p.on_matched(send(p), {}, time_zero);
  EXPECT_EQ(p.how(), progress::mode::streaming);
  EXPECT_EQ(p.matched(), log_id{});
  EXPECT_EQ(p.next_index(), log_index(7));
}

TEST(progress_test, a_probe_that_carries_entries_moves_on_when_it_matched) {
  auto p = fresh();
  append(p, 8);
  const auto ticket = send(p, at(me, 8), 100);
  EXPECT_EQ(p.next_index(), log_index(7));
  p.on_matched(ticket, at(me, 8), time_zero);
  EXPECT_EQ(p.next_index(), log_index(9));
  EXPECT_EQ(p.matched(), at(me, 8));
}

// -- streaming ------------------------------------------------------------------------------------

TEST(progress_test, requests_are_sent_without_waiting_each_where_the_last_one_ended) {
  auto p = streaming();
  append(p, 9);
  send(p, at(me, 7), 10);
  EXPECT_TRUE(p.may_send());
  EXPECT_EQ(p.next().previous, at(me, 7));
  send(p, at(me, 9), 10);
  EXPECT_EQ(p.next_index(), log_index(10));
  EXPECT_EQ(p.in_flight(), byte_count(20));
}

// Scenario 34.
TEST(progress_test, what_is_in_flight_is_bounded_in_bytes_and_in_requests) {
  auto p = streaming({byte_count(1600), byte_count(40), 3});
  append(p, 50);
  EXPECT_EQ(p.next().most, byte_count(40));
  send(p, at(me, 7), 1570);
  EXPECT_EQ(p.next().most, byte_count(30));
  const auto large = send(p, at(me, 8), 1'000'000);
  EXPECT_FALSE(p.may_send());
  EXPECT_EQ(p.next().most, byte_count(0));
  p.on_matched(large, at(me, 8), time_zero);
  EXPECT_TRUE(p.may_send());
  send(p, at(me, 9), 1);
  send(p, at(me, 10), 1);
  EXPECT_FALSE(p.may_send()) << "three requests";
}

TEST(progress_test, requests_share_the_window_so_that_answers_come_while_others_are_on_their_way) {
  auto p = streaming();
  append(p, 99);
  EXPECT_EQ(p.next().most, KiB(8)) << "a sixteenth of what is tried first";
  for (uint64_t i = 7; p.may_send(); ++i) send(p, at(me, i), p.next().most.value);
  EXPECT_GE(p.in_flight(), KiB(128));
  EXPECT_LE(p.in_flight(), KiB(128 + 8));
}

TEST(progress_test, a_batch_that_is_larger_than_the_window_goes_alone) {
  auto p = streaming();
  append(p, 99);
  const auto huge = send(p, at(me, 7), MiB(32).value);
  EXPECT_FALSE(p.may_send());
  EXPECT_TRUE(p.may_confirm()) << "reads need not wait for it";
  p.on_matched(huge, at(me, 7), time_zero + ms(40'000));
  EXPECT_TRUE(p.may_send());
}

TEST(progress_test, a_heartbeat_asks_for_no_more_than_what_matches_and_holds_nothing_up) {
  auto p = streaming();
  append(p, 9);
  send(p, at(me, 9), 10);
  const auto beat = p.heartbeat();
  EXPECT_EQ(beat.previous, at(two, 6));
  p.sent(beat, beat.previous, byte_count(0), time_zero);
  EXPECT_EQ(p.next_index(), log_index(10));
  p.on_matched(beat.ticket, {}, time_zero);
  EXPECT_EQ(p.next_index(), log_index(10));
}

TEST(progress_test, the_time_of_a_request_is_known_until_it_is_answered) {
  auto p = streaming();
  const auto ticket = send(p, {}, 0, time_zero + ms(7));
  EXPECT_EQ(p.sent_at(ticket), time_zero + ms(7));
  EXPECT_EQ(p.sent_at(ticket + 1), std::nullopt);
  p.on_failure(ticket);
  EXPECT_EQ(p.sent_at(ticket), std::nullopt);
}

TEST(progress_test, a_request_can_start_earlier_where_a_batch_begins) {
  auto p = streaming();
  append(p, 9);
  const auto step = p.next();
  const auto moved = p.moved_back(step, log_index(5));
  EXPECT_EQ(moved.previous, at(one, 4));
  EXPECT_EQ(moved.first, log_index(5));
  EXPECT_EQ(moved.ticket, step.ticket);
  p.sent(moved, at(me, 9), byte_count(10), time_zero);
  p.on_matched(moved.ticket, at(me, 9), time_zero);
  EXPECT_EQ(p.matched(), at(me, 9));
  EXPECT_EQ(p.next_index(), log_index(10));
}

// -- what goes wrong ------------------------------------------------------------------------------

// Scenario 30: one message is lost, in either mode.
TEST(progress_test, a_lost_request_is_asked_again_from_what_matches) {
  auto probing = fresh();
  probing.on_failure(send(probing));
  EXPECT_TRUE(probing.may_send());
  EXPECT_EQ(probing.next().previous, at(two, 6));

  auto p = streaming();
  append(p, 9);
  const auto lost = send(p, at(me, 7), 10);
  send(p, at(me, 9), 10);
  p.on_failure(lost);
  EXPECT_EQ(p.how(), progress::mode::probing);
  EXPECT_EQ(p.next().previous, at(two, 6));
  EXPECT_TRUE(p.may_send()) << "what is still in flight does not hold the probe up";
}

// What was sent to a peer that does not answer is sent again once it does, and not before.
TEST(progress_test, after_a_loss_probes_carry_nothing_and_what_was_sent_stays_in_flight) {
  auto p = streaming();
  append(p, 9);
  const auto lost = send(p, at(me, 7), 4000);
  send(p, at(me, 8), 4000);
  p.on_failure(lost);
  for (int retry = 0; retry < 10; ++retry) {
    ASSERT_TRUE(p.may_send());
    ASSERT_EQ(p.next().most, byte_count(0));
    p.on_failure(send(p));
    ASSERT_EQ(p.in_flight(), byte_count(4000)) << "only what was answered is gone";
  }
  p.on_matched(send(p), {}, time_zero);
  EXPECT_EQ(p.in_flight(), byte_count(0)) << "a later request overtook it: it arrived or is lost";
  EXPECT_EQ(p.next_index(), log_index(7));
  EXPECT_GT(p.next().most, byte_count(0));
}

TEST(progress_test, a_payload_fails_when_nothing_was_answered_for_the_time_that_it_may_take) {
  auto p = streaming();
  append(p, 9);
  const auto first = send(p, at(me, 7), KiB(16).value);  // a second at 16 KiB/s
  const auto second = send(p, at(me, 8), KiB(16).value);
  EXPECT_FALSE(p.on_time(time_zero + ms(2999), ms(2000)));
  p.on_matched(first, at(me, 7), time_zero + ms(2999));
  EXPECT_FALSE(p.on_time(time_zero + ms(5000), ms(2000))) << "its turn came when the first ended";
  EXPECT_TRUE(p.on_time(time_zero + ms(6001), ms(2000)));
  EXPECT_EQ(p.how(), progress::mode::probing);
  EXPECT_EQ(p.next().previous, at(me, 7));
  EXPECT_FALSE(p.on_time(time_zero + ms(60'000), ms(2000))) << "once";
  p.on_matched(second, at(me, 8), time_zero + ms(60'000));
  EXPECT_EQ(p.how(), progress::mode::probing) << "too late";
}

TEST(progress_test, a_heartbeat_that_waits_behind_payload_is_no_loss) {
  auto p = streaming();
  append(p, 9);
  const auto payload = send(p, at(me, 9), KiB(64).value);
  const auto behind = send(p);
  EXPECT_FALSE(p.on_failure(behind));
  EXPECT_EQ(p.how(), progress::mode::streaming);
  p.on_matched(payload, at(me, 9), time_zero);
  EXPECT_TRUE(p.on_failure(send(p))) << "there was nothing to wait for";
  EXPECT_EQ(p.how(), progress::mode::probing);
}

TEST(progress_test, confirmations_in_flight_are_bounded_and_leave_room_for_payload) {
  auto p = streaming({MiB(8), MiB(1), 3});
  append(p, 9);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(p.may_confirm());
    send(p);
  }
  EXPECT_FALSE(p.may_confirm());
  EXPECT_TRUE(p.may_send());
}

// Scenario 19.
TEST(progress_test, answers_from_before_the_last_return_to_probing_move_nothing) {
  auto p = streaming();
  append(p, 9);
  const auto lost = send(p, at(me, 7), 10);
  const auto late = send(p, at(me, 9), 10);
  p.on_failure(lost);
  const auto before = p.next();
  p.on_matched(late, at(me, 9), time_zero);
  p.on_conflict(late, {});
  p.on_failure(late);
  EXPECT_EQ(p.matched(), log_id{});
  EXPECT_EQ(p.how(), progress::mode::probing);
  EXPECT_EQ(p.next().previous, before.previous);
  EXPECT_EQ(p.in_flight(), byte_count(0));
}

TEST(progress_test, a_ticket_is_answered_once) {
  auto p = streaming();
  append(p, 9);
  const auto ticket = send(p, at(me, 9), 10);
  p.on_matched(ticket, at(me, 9), time_zero);
  p.on_conflict(ticket, {});
  p.on_failure(ticket);
  EXPECT_EQ(p.how(), progress::mode::streaming);
  EXPECT_EQ(p.matched(), at(me, 9));
}

// Scenario 20: a late refusal does not ask again for what is known to be there.
TEST(progress_test, a_late_conflict_does_not_go_below_what_matches) {
  auto p = streaming();
  append(p, 9);
  const auto first = send(p, at(me, 7), 10);
  const auto overtook = send(p, at(me, 9), 10);
  p.on_matched(first, at(me, 7), time_zero);
  p.on_conflict(overtook, at(two, 6));
  EXPECT_EQ(p.matched(), at(me, 7));
  EXPECT_EQ(p.next_index(), log_index(8));
}

// Scenario 29: it acknowledged more than it has now.
TEST(progress_test, a_follower_that_forgot_is_found_out_by_a_probe_and_gets_all_again) {
  auto p = streaming();
  append(p, 9);
  p.on_matched(send(p, at(me, 9), 10), at(me, 9), time_zero);
  p.on_conflict(send(p), {});
  ASSERT_EQ(p.next().previous, at(me, 9)) << "asked once more, this time alone";
  p.on_conflict(send(p), {});
  ASSERT_EQ(p.next().previous, log_id{});
  EXPECT_EQ(p.matched(), log_id{}) << "it says so itself";
  p.on_matched(send(p), {}, time_zero);
  EXPECT_EQ(p.next_index(), log_index(1));
  p.on_matched(send(p, at(two, 6), 10), at(two, 6), time_zero);
  EXPECT_EQ(p.next_index(), log_index(7));
}

// -- all of it at random --------------------------------------------------------------------------

// A follower that answers late, out of order or never: scenarios 30 and 33.
class wire {
 public:
  explicit wire(uint64_t seed) : random_(seed) {}

  void step() {
    switch (random_() % 6) {
      case 0:
        log_.append(me, log_.last_index().next()), append(p_, log_.last_index().value);
        break;
      case 1:
      case 2:
        if (p_.may_send()) send_some();
        break;
      case 3:
        if (random_() % 3 == 0) beat();
        break;
      default:
        answer();
    }
    ASSERT_GT(p_.next_index(), p_.matched().index);
    ASSERT_GE(p_.matched(), matched_) << "it never falls";
    ASSERT_LE(p_.in_flight(), byte_count(limits.window.value + limits.request.value));
    ASSERT_LE(p_.matched().index.value, has_) << "nothing is claimed that the follower lacks";
    matched_ = p_.matched();
  }

  // From now on nothing is lost.
  void settle() {
    ASSERT_TRUE(matched_) << "the wire was bad, and not cut";
    calm_ = true;
    for (int i = 0; i < 200 && p_.matched() != log_.last(); ++i) {
      while (!requests_.empty()) answer();
      if (p_.may_send()) send_some();
    }
    ASSERT_EQ(p_.matched(), log_.last());
  }

 private:
  static constexpr flow_limits limits{byte_count(30), byte_count(20), 4};
  struct request {
    uint64_t ticket;
    log_id previous, last;
  };

  void send_some() {
    const auto s = p_.next();
    uint64_t end = std::min(s.previous.index.value + random_() % 3, log_.last_index().value);
    // One always goes, as in a replicator.
    end = std::min(end, s.previous.index.value + (s.most.value + 9) / 10);
    if (calm_) end = std::min(s.previous.index.value + 1, log_.last_index().value);
    put(s, {*log_.leader_at(log_index(end)), log_index(end)});
  }
  void beat() { put(p_.heartbeat(), p_.heartbeat().previous); }
  void put(const progress::step& s, const log_id& last) {
    p_.sent(s, last, byte_count(10 * (last.index.value - s.previous.index.value)), time_zero);
    requests_.push_back({s.ticket, s.previous, last});
  }

  // Requests reach the follower in any order; its log is `has_` entries of the leader's.
  void answer() {
    if (requests_.empty()) return;
    const auto at =
        requests_.begin() + static_cast<int64_t>(calm_ ? 0 : random_() % requests_.size());
    const request r = *at;
    requests_.erase(at);
    if (!calm_ && random_() % 5 == 0) return fail(r.ticket);
    if (r.previous.index.value > has_)
      return p_.on_conflict(r.ticket, {*log_.leader_at(log_index(has_)), log_index(has_)});
    has_ = std::max(has_, r.last.index.value);
    if (!calm_ && random_() % 5 == 0) return fail(r.ticket);
    p_.on_matched(r.ticket, r.last == r.previous ? log_id{} : r.last, time_zero);
    if (random_() % 3 == 0) p_.on_matched(r.ticket, r.last, time_zero);
  }

  void fail(uint64_t ticket) { p_.on_failure(ticket); }

  std::mt19937_64 random_;
  log_view log_ = log_of({{one, 4}, {two, 6}});
  progress p_{log_, limits};
  std::deque<request> requests_;
  uint64_t has_ = random_() % 7;
  log_id matched_;
  bool calm_ = false;
};

TEST(progress_test, next_stays_above_matched_and_all_arrives_over_a_bad_wire) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    wire w(seed);
    for (int i = 0; i < 300; ++i) ASSERT_NO_FATAL_FAILURE(w.step());
    ASSERT_NO_FATAL_FAILURE(w.settle());
  }
}

}  // namespace
}  // namespace troupe::core
