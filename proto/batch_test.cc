#include "proto/batch.h"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <xxhash.h>

namespace troupe {
namespace {

using strings = std::vector<std::string>;

constexpr leader_id leader{term(3), node_id(2)};
constexpr log_tail before{{{term(2), node_id(1)}, log_index(41)}, 0xfeed};

// Where the header's fields are: the format as a reader of another program would know it.
constexpr size_t at_length = 8, at_version = 12, at_kind = 13, at_zero_16 = 14, at_term = 16,
                 at_node = 24, at_first_index = 32, at_count = 40, at_zero_32 = 44,
                 at_previous = 48, at_request = 56;

batch_ptr sealed(const strings& entries, batch_kind kind = batch_kind::commands,
                 const log_tail& previous = before) {
  batch_builder builder;
  for (const auto& entry : entries) builder.add(entry);
  return builder.seal(kind, leader, previous, request_id(77));
}

template <class Number>
Number number_at(std::string_view bytes, size_t at) {
  Number n;
  std::memcpy(&n, bytes.data() + at, sizeof n);
  return n;
}

// `bytes` with one field changed and a checksum that fits again: what a broken writer would send.
template <class Number>
std::string forged(std::string bytes, size_t at, Number value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  const uint64_t checksum = XXH3_64bits(bytes.data() + 8, bytes.size() - 8);
  std::memcpy(bytes.data(), &checksum, sizeof checksum);
  return bytes;
}

absl::StatusCode code_of(std::string bytes) {
  return batch::parse(std::move(bytes)).status().code();
}

TEST(batch_test, what_was_sealed_is_parsed_again) {
  const strings samples[] = {{""},
                             {"a"},
                             {"", "b", std::string(3, '\0')},
                             strings(1000, "x"),
                             {std::string(1 << 20, 'y')}};
  for (const auto& entries : samples) {
    const batch_ptr original = sealed(entries);
    const auto parsed = batch::parse(original->bytes());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    for (const batch* b : {original.get(), parsed->get()}) {
      EXPECT_EQ(b->kind(), batch_kind::commands);
      EXPECT_EQ(b->leader(), leader);
      EXPECT_EQ(b->first_index(), log_index(42));
      EXPECT_EQ(b->last_index(), log_index(41 + entries.size()));
      EXPECT_EQ(b->last(), (log_id{leader, b->last_index()}));
      EXPECT_EQ(b->count(), entries.size());
      EXPECT_EQ(b->previous_checksum(), 0xfeedu);
      EXPECT_EQ(b->request(), request_id(77));
      EXPECT_EQ(strings(b->entries().begin(), b->entries().end()), entries);
      EXPECT_EQ(b->bytes(), original->bytes());
      EXPECT_EQ(b->tail(), original->tail());
      EXPECT_EQ(b->size(), byte_count(b->bytes().size()));
    }
  }
}

TEST(batch_test, every_kind_comes_back) {
  for (auto kind : {batch_kind::blank, batch_kind::commands, batch_kind::membership})
    EXPECT_EQ((*batch::parse(sealed({"x"}, kind)->bytes()))->kind(), kind);
}

TEST(batch_test, the_layout_is_the_documented_one) {
  const batch_ptr b = sealed({"hi", "you"});
  const std::string_view bytes = b->bytes();
  ASSERT_EQ(bytes.size(), 64u + 4 + 2 + 4 + 3);
  EXPECT_EQ(number_at<uint64_t>(bytes, 0), XXH3_64bits(bytes.data() + 8, bytes.size() - 8));
  EXPECT_EQ(number_at<uint32_t>(bytes, at_length), bytes.size());
  EXPECT_EQ(number_at<uint8_t>(bytes, at_version), 1);
  EXPECT_EQ(number_at<uint8_t>(bytes, at_kind), 2);
  EXPECT_EQ(number_at<uint16_t>(bytes, at_zero_16), 0);
  EXPECT_EQ(number_at<uint64_t>(bytes, at_term), 3u);
  EXPECT_EQ(number_at<uint64_t>(bytes, at_node), 2u);
  EXPECT_EQ(number_at<uint64_t>(bytes, at_first_index), 42u);
  EXPECT_EQ(number_at<uint32_t>(bytes, at_count), 2u);
  EXPECT_EQ(number_at<uint32_t>(bytes, at_zero_32), 0u);
  EXPECT_EQ(number_at<uint64_t>(bytes, at_previous), 0xfeedu);
  EXPECT_EQ(number_at<uint64_t>(bytes, at_request), 77u);
  EXPECT_EQ(bytes.substr(64), std::string_view("\2\0\0\0hi\3\0\0\0you", 13));
}

TEST(batch_test, every_flipped_bit_is_noticed) {
  const std::string bytes = sealed({"", "abc", "de"})->bytes();
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(code_of(damaged), absl::StatusCode::kDataLoss) << "bit " << bit;
  }
}

TEST(batch_test, truncated_and_extended_bytes_are_refused) {
  const std::string bytes = sealed({"abc", ""})->bytes();
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_EQ(code_of(bytes.substr(0, n)), absl::StatusCode::kDataLoss) << n;
  EXPECT_EQ(code_of(bytes + '\0'), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code_of(bytes + bytes), absl::StatusCode::kDataLoss);
}

TEST(batch_test, a_header_that_makes_no_sense_is_refused_though_its_checksum_fits) {
  const std::string bytes = sealed({"abc", "de"})->bytes();
  const std::string senseless[] = {
      forged(bytes, at_kind, uint8_t{0}),      forged(bytes, at_term, uint64_t{0}),
      forged(bytes, at_node, uint64_t{0}),     forged(bytes, at_first_index, uint64_t{0}),
      forged(bytes, at_count, uint32_t{0}),    forged(bytes, at_count, uint32_t{1}),
      forged(bytes, at_count, uint32_t{3}),    forged(bytes, 64, uint32_t{4}),
      forged(bytes, 64, uint32_t{0xffff'ffff})};
  for (const auto& each : senseless) EXPECT_EQ(code_of(each), absl::StatusCode::kDataLoss);
}

TEST(batch_test, only_a_membership_at_index_1_is_written_by_nobody) {
  batch_builder builder;
  builder.add("first members");
  const std::string genesis = builder.seal(batch_kind::membership, {}, {})->bytes();
  ASSERT_EQ(code_of(genesis), absl::StatusCode::kOk);
  EXPECT_EQ((*batch::parse(genesis))->last(), (log_id{{}, log_index(1)}));
  EXPECT_EQ(code_of(forged(genesis, at_kind, uint8_t{2})), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code_of(forged(genesis, at_first_index, uint64_t{2})), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code_of(forged(genesis, at_node, uint64_t{1})), absl::StatusCode::kDataLoss);
}

TEST(batch_test, what_a_newer_writer_may_write_is_told_from_damage) {
  const std::string bytes = sealed({"a"})->bytes();
  const std::string newer[] = {
      forged(bytes, at_version, uint8_t{2}), forged(bytes, at_kind, uint8_t{4}),
      forged(bytes, at_zero_16, uint16_t{1}), forged(bytes, at_zero_32, uint32_t{1})};
  for (const auto& each : newer) EXPECT_EQ(code_of(each), absl::StatusCode::kUnimplemented);
}

TEST(batch_test, a_length_that_no_batch_can_have_is_not_believed) {
  const std::string bytes = sealed({"a"})->bytes();
  EXPECT_EQ(batch::peek_length(bytes), bytes.size());
  EXPECT_EQ(batch::peek_length(bytes.substr(0, batch::header_size)), bytes.size());
  EXPECT_EQ(batch::peek_length(bytes.substr(0, batch::header_size - 1)), 0u);
  EXPECT_EQ(batch::peek_length({}), 0u);
  auto claims = [&](uint32_t length) {
    return batch::peek_length(forged(bytes, at_length, length));
  };
  EXPECT_EQ(claims(0), 0u);
  EXPECT_EQ(claims(batch::header_size - 1), 0u);
  EXPECT_EQ(claims(batch::header_size), batch::header_size);
  EXPECT_EQ(claims(batch::max_size), batch::max_size);
  EXPECT_EQ(claims(batch::max_size + 1), 0u);
  EXPECT_EQ(claims(0xffff'ffff), 0u);
}

TEST(batch_test, batches_form_a_chain) {
  const batch_ptr first = sealed({"a", "b"}, batch_kind::commands, {});
  EXPECT_EQ(first->first_index(), log_index(1));
  EXPECT_EQ(first->previous_checksum(), 0u);
  const batch_ptr second = sealed({"c"}, batch_kind::commands, first->tail());
  EXPECT_EQ(second->first_index(), first->last_index().next());
  EXPECT_EQ(second->previous_checksum(), first->checksum());
  EXPECT_EQ(second->tail(), (log_tail{{leader, log_index(3)}, second->checksum()}));
}

TEST(batch_test, the_same_entry_after_another_past_has_another_checksum) {
  const log_tail other{before.last, before.checksum + 1};
  EXPECT_NE(sealed({"a"})->checksum(), sealed({"a"}, batch_kind::commands, other)->checksum());
}

TEST(batch_test, a_builder_is_empty_after_sealing_and_can_be_filled_again) {
  batch_builder builder;
  EXPECT_TRUE(builder.empty());
  builder.add("first");
  EXPECT_EQ(builder.size(), batch::header_size + 4 + 5);
  const batch_ptr first = builder.seal(batch_kind::blank, leader, before, request_id(1));
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.count(), 0u);
  EXPECT_EQ(builder.size(), batch::header_size);

  builder.add("second");
  const batch_ptr second = builder.seal(batch_kind::commands, leader, before);
  EXPECT_EQ(strings(first->entries().begin(), first->entries().end()), strings{"first"});
  EXPECT_EQ(strings(second->entries().begin(), second->entries().end()), strings{"second"});
  EXPECT_EQ(second->request(), request_id());
  EXPECT_TRUE(batch::parse(second->bytes()).ok());
}

TEST(batch_test, whole_runs_of_frames_are_added_as_they_are) {
  frames run;
  run.add("b");
  run.add("");
  batch_builder builder;
  builder.add("a");
  builder.add_all(run);
  EXPECT_EQ(builder.count(), 3u);
  EXPECT_EQ(builder.seal(batch_kind::commands, leader, before, request_id(77))->bytes(),
            sealed({"a", "b", ""})->bytes());
}

TEST(batch_death_test, an_empty_batch_is_never_sealed) {
  EXPECT_DEATH(sealed({}), "at least one entry");
}

TEST(batch_death_test, leader_ids_never_fall_along_a_log) {
  const log_tail later{{{term(4), node_id(1)}, log_index(41)}, 0};
  EXPECT_DEATH(sealed({"a"}, batch_kind::commands, later), "never fall");
}

}  // namespace
}  // namespace troupe
