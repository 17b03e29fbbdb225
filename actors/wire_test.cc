// Rules of the form that messages have between nodes, and of memberships as bytes.
#include "actors/wire.h"

#include <random>

#include <gtest/gtest.h>

#include "actors/membership_codec.h"
#include "actors/messages.h"

namespace troupe {
namespace {

constexpr leader_id leader_a{term(3), node_id(2)};
constexpr leader_id leader_b{term(1ULL << 40), node_id(7)};
constexpr log_id at_9{leader_a, log_index(9)};
constexpr log_id at_11{leader_b, log_index(11)};
constexpr core::session session_a{{leader_a, true}, {leader_a, log_index(4)}, 17};

wire::received over_the_wire(const wire::parts& p) {
  wire::received r{p.header, {}};
  for (const auto* payload : p.payloads) r.payloads.push_back(*payload);
  return r;
}

// What arrives when `m` is sent. `payloads` is how many the form says it has.
template <class T>
T arrived(const T& m, size_t payloads) {
  auto bytes = over_the_wire(wire::encode(m));
  EXPECT_EQ(bytes.payloads.size(), payloads);
  T out;
  EXPECT_TRUE(wire::decode(std::move(bytes), out));
  return out;
}

template <class T>
bool accepted(wire::received bytes) {
  T out;
  return wire::decode(std::move(bytes), out);
}

frames some_frames() {
  frames f;
  f.add("first");
  f.add("");
  f.add(std::string(300, 'x'));
  return f;
}

batch_ptr some_batch(const log_tail& after) {
  batch_builder b;
  b.add("one");
  b.add("two");
  return b.seal(batch_kind::commands, leader_a, after, request_id(5));
}

core::append_request some_append() {
  core::append_request m{node_id(2), session_a, at_9, log_index(8), 21, 99, {}};
  m.batches.push_back(some_batch({at_9, 77}));
  m.batches.push_back(some_batch(m.batches.back()->tail()));
  return m;
}

core::membership members_of(std::initializer_list<uint64_t> ids) {
  std::map<node_id, std::string> addresses;
  for (auto id : ids) addresses[node_id(id)] = "host" + std::to_string(id) + ":7101";
  return core::membership::of_majority(std::move(addresses));
}

status some_status() {
  status s;
  s.id = node_id(2);
  s.role = "leader";
  s.vote = {leader_a, true};
  s.leader = node_id(2);
  s.last = log_index(9);
  s.committed = log_index(8);
  s.applied = log_index(7);
  s.snapshot = log_index(6);
  s.purged = log_index(5);
  s.members = members_of({1, 2, 3});
  s.membership_at = at_9;
  s.membership_committed = true;
  s.committed_members = members_of({1, 2});
  s.replication = {{node_id(1), log_index(4), "streaming", 12, KiB(3)}};
  s.version = "1.2";
  s.state_lost = "it is damaged";
  return s;
}

// -- round trips ----------------------------------------------------------------------------------

TEST(wire, votes_arrive_as_they_were_sent) {
  const core::vote_request q{node_id(1), node_id(2),       5, {leader_a, false},
                             at_11,      {leader_a, true}, 42};
  const auto p = arrived(q, 0);
  EXPECT_EQ(p.from, q.from);
  EXPECT_EQ(p.to, q.to);
  EXPECT_EQ(p.candidacy, q.candidacy);
  EXPECT_EQ(p.wanted, q.wanted);
  EXPECT_EQ(p.last, q.last);
  EXPECT_EQ(p.handed_by, q.handed_by);
  EXPECT_EQ(p.cluster, q.cluster);
  const core::vote_reply a{node_id(3), 5, true, {leader_b, true}, at_9, 77, true};
  const auto b = arrived(a, 0);
  EXPECT_EQ(b.from, a.from);
  EXPECT_EQ(b.candidacy, a.candidacy);
  EXPECT_EQ(b.granted, a.granted);
  EXPECT_EQ(b.saved, a.saved);
  EXPECT_EQ(b.last, a.last);
  EXPECT_EQ(b.incarnation, a.incarnation);
  EXPECT_EQ(b.led, a.led);
}

TEST(wire, an_append_arrives_with_the_bytes_of_its_batches) {
  const auto q = some_append();
  const auto p = arrived(q, 2);
  EXPECT_EQ(p.to, q.to);
  EXPECT_EQ(p.session, q.session);
  EXPECT_EQ(p.previous, q.previous);
  EXPECT_EQ(p.committed, q.committed);
  EXPECT_EQ(p.round, q.round);
  EXPECT_EQ(p.cluster, q.cluster);
  ASSERT_EQ(p.batches.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(p.batches[i]->bytes(), q.batches[i]->bytes());
  EXPECT_TRUE(arrived(core::append_request{}, 0).batches.empty());
}

TEST(wire, what_is_missing_and_what_was_found_arrive_as_they_were_sent) {
  const fetch_request q{99, {log_index(3), {at_9, 77}}};
  const auto p = arrived(q, 0);
  EXPECT_EQ(p.cluster, q.cluster);
  EXPECT_EQ(p.wanted, q.wanted);
  const fetch_reply a{some_append().batches};
  const auto b = arrived(a, 2);
  ASSERT_EQ(b.batches.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(b.batches[i]->bytes(), a.batches[i]->bytes());
  EXPECT_TRUE(arrived(fetch_reply{}, 0).batches.empty());
}

TEST(wire, every_verdict_of_an_append_arrives) {
  for (auto v : {core::verdict::matched, core::verdict::conflict, core::verdict::rejected,
                 core::verdict::failed}) {
    const core::append_reply q{session_a, 21, v, at_9, at_11, {leader_b, false}};
    const auto p = arrived(q, 0);
    EXPECT_EQ(p.session, q.session);
    EXPECT_EQ(p.round, q.round);
    EXPECT_EQ(p.verdict, v);
    EXPECT_EQ(p.durable, q.durable);
    EXPECT_EQ(p.hint, q.hint);
    EXPECT_EQ(p.saved, q.saved);
  }
}

TEST(wire, what_clients_say_and_hear_has_one_payload_of_frames) {
  const auto w = arrived(propose{request_id(1ULL << 50), some_frames(), 2}, 1);
  EXPECT_EQ(w.id, request_id(1ULL << 50));
  EXPECT_EQ(w.hops, 2u);
  EXPECT_EQ(w.commands.size(), 3u);
  EXPECT_EQ(w.commands.bytes(), some_frames().bytes());
  EXPECT_FALSE(w.only_under);
  EXPECT_FALSE(w.notify_commit);
  const auto fenced =
      arrived(propose{request_id(1), some_frames(), 0, leader_b, true, std::chrono::seconds(4)}, 1);
  EXPECT_EQ(fenced.patience, std::chrono::seconds(4));
  EXPECT_EQ(fenced.only_under, leader_b);
  EXPECT_TRUE(fenced.notify_commit);
  const auto c = arrived(committed{request_id(4), {leader_b, log_index(5)}}, 0);
  EXPECT_EQ(c.id, request_id(4));
  EXPECT_EQ(c.at, (log_id{leader_b, log_index(5)}));
  const auto r = arrived(
      read{request_id(2), some_frames(), read_mode::stale, 1, std::chrono::seconds(3), KiB(4)}, 1);
  EXPECT_EQ(r.id, request_id(2));
  EXPECT_EQ(r.hops, 1u);
  EXPECT_EQ(r.mode, read_mode::stale);
  EXPECT_EQ(r.patience, std::chrono::seconds(3));
  EXPECT_EQ(r.most, KiB(4));
  EXPECT_EQ(arrived(read{}, 1).most, no_bound);
  EXPECT_EQ(r.queries.bytes(), some_frames().bytes());
  const outcome sent{request_id(3), raft_errc::not_leader, node_id(4),
                     log_index(5),  some_frames(),         leader_b};
  const auto o = arrived(sent, 1);
  EXPECT_EQ(o.id, sent.id);
  EXPECT_EQ(o.code, sent.code);
  EXPECT_EQ(o.leader, sent.leader);
  EXPECT_EQ(o.index, sent.index);
  EXPECT_EQ(o.under, sent.under);
  EXPECT_EQ(o.results.bytes(), sent.results.bytes());
  EXPECT_TRUE(arrived(propose{}, 1).commands.empty());
}

TEST(wire, administration_arrives) {
  const auto members = members_of({1, 2, 3});
  EXPECT_EQ(arrived(initialize{members}, 0).members, members);
  arrived(done{}, 0);
  EXPECT_EQ(arrived(admin_reply{raft_errc::none, {}, at_9, "done"}, 0).at, at_9);
  arrived(status_request{}, 0);
  EXPECT_EQ(arrived(hash_log{log_index(6)}, 0).index, log_index(6));
  EXPECT_EQ(arrived(log_hash{0}, 0).hash, std::optional<uint64_t>(0));
  EXPECT_EQ(arrived(log_hash{}, 0).hash, std::nullopt);
}

TEST(wire, a_status_arrives_whole) {
  const auto s = some_status();
  const auto p = arrived(s, 0);
  EXPECT_EQ(p.id, s.id);
  EXPECT_EQ(p.role, s.role);
  EXPECT_EQ(p.vote, s.vote);
  EXPECT_EQ(p.leader, s.leader);
  EXPECT_EQ(p.last, s.last);
  EXPECT_EQ(p.committed, s.committed);
  EXPECT_EQ(p.applied, s.applied);
  EXPECT_EQ(p.snapshot, s.snapshot);
  EXPECT_EQ(p.purged, s.purged);
  EXPECT_EQ(p.members, s.members);
  EXPECT_EQ(p.membership_at, s.membership_at);
  EXPECT_EQ(p.membership_committed, s.membership_committed);
  EXPECT_EQ(p.committed_members, s.committed_members);
  EXPECT_EQ(p.version, s.version);
  ASSERT_EQ(p.replication.size(), 1u);
  EXPECT_EQ(p.replication[0].id, node_id(1));
  EXPECT_EQ(p.replication[0].matched, log_index(4));
  EXPECT_EQ(p.replication[0].state, "streaming");
  EXPECT_EQ(p.replication[0].last_ack_ms, 12u);
  EXPECT_EQ(p.replication[0].in_flight, KiB(3));
}

// -- refusals -------------------------------------------------------------------------------------

// 0xff… is no tag of any Protobuf field; nor is half of a header a header.
template <class T>
void expect_bad_headers_refused(const T& m) {
  const auto good = over_the_wire(wire::encode(m));
  ASSERT_TRUE(accepted<T>(good));
  auto junk = good;
  junk.header = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
  EXPECT_FALSE(accepted<T>(junk)) << typeid(T).name();
  auto cut = good;
  cut.header.pop_back();
  EXPECT_FALSE(accepted<T>(cut)) << typeid(T).name();
}

template <class T>
void expect_another_payload_refused(const T& m) {
  auto more = over_the_wire(wire::encode(m));
  more.payloads.emplace_back();
  EXPECT_FALSE(accepted<T>(more)) << typeid(T).name();
  auto fewer = over_the_wire(wire::encode(m));
  if (fewer.payloads.empty()) return;
  fewer.payloads.clear();
  EXPECT_FALSE(accepted<T>(fewer)) << typeid(T).name();
}

template <class Check>
void for_each_strict_message(Check check) {
  check(core::vote_request{
      node_id(1), node_id(2), 5, {leader_a, false}, at_11, {leader_a, true}, 42});
  check(core::vote_reply{node_id(3), 5, true, {leader_b, true}, at_9, 6, true, true});
  check(core::append_reply{session_a, 21, core::verdict::failed, at_9, at_11, {leader_b, false}});
  check(propose{request_id(1), some_frames(), 2, leader_b, true});
  check(committed{request_id(4), {leader_b, log_index(5)}});
  check(read{request_id(2), some_frames(), read_mode::stale, 1});
  check(outcome{request_id(3), raft_errc::none, node_id(4), log_index(5), some_frames()});
  check(initialize{members_of({1, 2, 3})});
  check(hash_log{log_index(6)});
  check(log_hash{7});
  check(some_status());
  check(fetch_request{99, {log_index(3), {at_9, 77}}});
}

TEST(wire, truncated_and_junk_headers_are_refused) {
  for_each_strict_message([](const auto& m) { expect_bad_headers_refused(m); });
  expect_bad_headers_refused(some_append());
}

TEST(wire, a_wrong_number_of_payloads_is_refused) {
  for_each_strict_message([](const auto& m) { expect_another_payload_refused(m); });
}

template <class T>
void expect_damaged_batches_refused(const T& m) {
  const auto good = over_the_wire(wire::encode(m));
  for (size_t bit = 0; bit < good.payloads[1].size() * 8; ++bit) {
    auto bad = good;
    bad.payloads[1][bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(accepted<T>(bad)) << "bit " << bit;
  }
  auto cut = good;
  cut.payloads[1].pop_back();
  EXPECT_FALSE(accepted<T>(cut));
}

TEST(wire, any_flipped_bit_in_a_batch_is_refused) {
  expect_damaged_batches_refused(some_append());
  expect_damaged_batches_refused(fetch_reply{some_append().batches});
}

TEST(wire, malformed_frames_are_refused) {
  const auto good = over_the_wire(wire::encode(propose{request_id(1), some_frames()}));
  auto cut = good;
  cut.payloads[0].pop_back();
  EXPECT_FALSE(accepted<propose>(cut));
  auto longer = good;
  longer.payloads[0] += "xyz";
  EXPECT_FALSE(accepted<propose>(longer));
  auto huge = good;
  huge.payloads[0].replace(0, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(accepted<propose>(huge));
  auto miscounted = over_the_wire(wire::encode(propose{}));
  miscounted.payloads = good.payloads;
  EXPECT_FALSE(accepted<propose>(miscounted));
}

TEST(wire, an_unknown_read_mode_or_verdict_is_refused) {
  EXPECT_TRUE(accepted<read>(over_the_wire(wire::encode(read{{}, {}, read_mode::follower, 0}))));
  EXPECT_FALSE(accepted<read>(over_the_wire(wire::encode(read{{}, {}, read_mode(4), 0}))));
  core::append_reply reply;
  reply.verdict = static_cast<core::verdict>(5);
  EXPECT_FALSE(accepted<core::append_reply>(over_the_wire(wire::encode(reply))));
}

// -- fuzz -----------------------------------------------------------------------------------------

using random_source = std::mt19937_64;

void damage(std::string& bytes, random_source& random) {
  const size_t at = bytes.empty() ? 0 : random() % bytes.size();
  switch (random() % 4) {
    case 0:
      if (!bytes.empty()) bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes.resize(at);
      break;
    case 2:
      bytes.insert(at, std::string(random() % 9, static_cast<char>(random())));
      break;
    default:
      bytes.clear();
      for (size_t n = random() % 80; n > 0; --n) bytes += static_cast<char>(random());
  }
}

template <class T>
void decode_damaged(const T& m, random_source& random) {
  auto bytes = over_the_wire(wire::encode(m));
  if (random() % 4 == 0) bytes.payloads.resize(random() % 4);
  for (size_t n = random() % 3; n > 0; --n) damage(bytes.header, random);
  for (auto& payload : bytes.payloads)
    if (random() % 2 == 0) damage(payload, random);
  T out;
  if (!wire::decode(std::move(bytes), out)) return;
  // What was accepted can be sent on.
  EXPECT_TRUE(accepted<T>(over_the_wire(wire::encode(out))));
}

TEST(wire, fuzzed_messages_are_refused_or_valid_and_never_crash) {
  random_source random(20240501);
  for (int i = 0; i < 20'000 / 12; ++i) {
    for_each_strict_message([&](const auto& m) { decode_damaged(m, random); });
    decode_damaged(some_append(), random);
    decode_damaged(fetch_reply{some_append().batches}, random);
  }
}

}  // namespace
}  // namespace troupe
