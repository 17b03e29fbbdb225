// Pieces of snapshots on the wire.
#include <random>

#include <gtest/gtest.h>

#include "actors/messages.h"

namespace troupe {
namespace {

constexpr leader_id leader_a{term(3), node_id(2)};
constexpr snapshot_name name{{leader_a, log_index(9)}, 1'000'000, 4711};

core::snapshot_request some_piece() {
  core::snapshot_request m;
  m.to = node_id(2);
  m.session = {{leader_a, true}, {leader_a, log_index(1)}, 4};
  m.cluster = 99;
  m.incarnation = 5;
  m.snapshot = name;
  m.offset = 777;
  m.bytes = std::string(1000, 'x');
  m.length = 2000;
  return m;
}

wire::received sent(const wire::parts& p) {
  wire::received r{p.header, {}};
  for (const auto* payload : p.payloads) r.payloads.push_back(*payload);
  return r;
}

template <class T>
T arrived(const T& m) {
  T out;
  EXPECT_TRUE(wire::decode(sent(wire::encode(m)), out));
  return out;
}

TEST(wire_snapshot, a_piece_arrives_as_it_was) {
  const auto m = some_piece(), n = arrived(m);
  EXPECT_EQ(n.to, m.to);
  EXPECT_EQ(n.session, m.session);
  EXPECT_EQ(n.cluster, m.cluster);
  EXPECT_EQ(n.incarnation, m.incarnation);
  EXPECT_EQ(n.snapshot, m.snapshot);
  EXPECT_EQ(n.offset, m.offset);
  EXPECT_EQ(n.bytes, m.bytes);
  EXPECT_EQ(n.length, m.length);
}

TEST(wire_snapshot, its_answer_arrives_as_it_was) {
  const core::snapshot_reply m{
      some_piece().session, core::verdict::matched, 88, true, {leader_a, true}, 6};
  const auto n = arrived(m);
  EXPECT_EQ(n.session, m.session);
  EXPECT_EQ(n.verdict, m.verdict);
  EXPECT_EQ(n.wanted, m.wanted);
  EXPECT_EQ(n.installed, m.installed);
  EXPECT_EQ(n.saved, m.saved);
  EXPECT_EQ(n.incarnation, m.incarnation);
}

TEST(wire_snapshot, a_copy_for_an_operator_arrives_as_it_was) {
  const auto request = arrived(backup_request{name, 55});
  EXPECT_EQ(request.of, name);
  EXPECT_EQ(request.offset, 55u);
  const auto reply = arrived(backup_reply{name, "bytes"});
  EXPECT_EQ(reply.of, name);
  EXPECT_EQ(reply.bytes, "bytes");
}

TEST(wire_snapshot, a_piece_that_changed_on_the_way_is_refused) {
  core::snapshot_request out;
  auto bytes = sent(wire::encode(some_piece()));
  bytes.payloads[0][500] ^= 1;
  EXPECT_FALSE(wire::decode(bytes, out));
}

TEST(wire_snapshot, one_that_is_longer_than_a_piece_is_refused) {
  core::snapshot_request out;
  auto m = some_piece();
  m.length = core::chunk_cursor::longest + 1;
  EXPECT_FALSE(wire::decode(sent(wire::encode(m)), out));
  m = some_piece();
  m.bytes.assign(core::chunk_cursor::longest + 1, 'x');
  EXPECT_FALSE(wire::decode(sent(wire::encode(m)), out));
}

// Whatever changes, it is refused, or is a message that can be sent on.
template <class T>
void decode_damaged(const T& m, std::mt19937_64& random) {
  auto bytes = sent(wire::encode(m));
  for (auto* part : {&bytes.header, bytes.payloads.empty() ? &bytes.header : &bytes.payloads[0]})
    if (!part->empty() && random() % 2 == 0)
      (*part)[random() % part->size()] ^= static_cast<char>(1 << random() % 8);
  if (random() % 8 == 0) bytes.header.resize(random() % (bytes.header.size() + 1));
  T out;
  if (!wire::decode(std::move(bytes), out)) return;
  T again;
  EXPECT_TRUE(wire::decode(sent(wire::encode(out)), again));
}

TEST(wire_snapshot, fuzzed_messages_are_refused_or_valid_and_never_crash) {
  std::mt19937_64 random(20261127);
  for (int i = 0; i < 5000; ++i) {
    decode_damaged(some_piece(), random);
    decode_damaged(core::snapshot_reply{}, random);
    decode_damaged(backup_request{name, 55}, random);
    decode_damaged(backup_reply{name, "bytes"}, random);
  }
}

}  // namespace
}  // namespace troupe
