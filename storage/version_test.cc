// Scenario 75: what a newer Troupe wrote is refused with file and offset. It is never skipped, cut
// off or repaired, and nothing is changed: the newer one opens it again.
#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <xxhash.h>

#include "storage/durable_storage.h"
#include "storage/memory_env.h"
#include "storage/rot_model.h"
#include "storage/segment_format.h"
#include "storage/test_batches.h"
#include "storage/verify.h"

namespace troupe::storage {
namespace {

constexpr uint64_t start = segment_header::block_size;
constexpr uint64_t batch_length = 1068;
constexpr uint64_t step = batch_length + mark::size;

// Something with a checksum: [begin, end), the checksum at its front or its back.
struct sealed {
  std::string path;
  uint64_t begin;
  uint64_t length;
  bool checksum_first = false;
};

class version_test : public testing::Test {
 protected:
  version_test() {
    auto opened = open();
    EXPECT_TRUE(opened.ok()) << opened.status();
    auto& storage = **opened;
    EXPECT_TRUE(storage.save_vote({leader_of(2), true}).ok());
    // Three batches to a segment. The last one is not synced, so no mark stands behind it.
    for (const auto& b : batches_after({}, leader_of(2), 5, 1, 1000)) {
      EXPECT_TRUE(storage.append({{b}}).ok());
      const bool synced = b->last_index() == log_index(5) || storage.sync().ok();
      EXPECT_TRUE(synced);
    }
  }
  absl::StatusOr<std::unique_ptr<durable_storage>> open() {
    durable_options options;
    options.dir = "data";
    options.node = node_id(1);
    options.incarnation = 99;
    options.log = {{KiB(8), KiB(1)}, KiB(1)};
    return durable_storage::open(files_, options);
  }

  // Changes one byte of `in`, so that its checksum fits.
  void write_as_a_newer_troupe(const sealed& in, uint64_t offset, uint8_t value) {
    auto to = *files_.open(in.path, open_mode::existing);
    std::string bytes = *to->read(in.begin, in.length);
    ASSERT_EQ(bytes.size(), in.length);
    bytes[offset] = static_cast<char>(value);
    const size_t rest = bytes.size() - sizeof(uint64_t);
    const uint64_t checksum =
        XXH3_64bits(bytes.data() + (in.checksum_first ? sizeof(uint64_t) : 0), rest);
    std::memcpy(bytes.data() + (in.checksum_first ? 0 : rest), &checksum, sizeof checksum);
    ASSERT_TRUE(to->write(in.begin, bytes).ok());
  }

  void expect_refused(const sealed& in, uint64_t offset, uint8_t value) {
    const std::string where = in.path + " at offset " + std::to_string(in.begin) + ":";
    SCOPED_TRACE(where + " byte " + std::to_string(offset));
    const std::string as_it_was = content_of(files_, in.path);
    write_as_a_newer_troupe(in, offset, value);
    const std::string newer = content_of(files_, in.path);
    for (const auto& told : {open().status(), open_for_verification(files_, "data").status()}) {
      EXPECT_TRUE(absl::IsUnimplemented(told)) << told;
      EXPECT_NE(told.message().find(where), absl::string_view::npos) << told;
    }
    EXPECT_TRUE(content_of(files_, in.path) == newer) << "it was changed";
    auto to = *files_.open(in.path, open_mode::existing);
    ASSERT_TRUE(to->write(0, as_it_was).ok());
  }

  static std::string segment(uint64_t number) { return "data/log/" + segment_name(number); }

  memory_env files_;
};

TEST_F(version_test, an_identity_of_an_unknown_version_is_refused) {
  expect_refused({"data/identity", 0, 40}, 8, 2);
  expect_refused({"data/identity", 0, 40}, 12, 1);
}

TEST_F(version_test, a_vote_of_an_unknown_version_or_with_unknown_flags_is_refused) {
  for (const uint64_t slot : {0, 4096}) {
    expect_refused({"data/vote", slot, 64}, 8, 2);
    expect_refused({"data/vote", slot, 64}, 12, 4 | 1);
    expect_refused({"data/vote", slot, 64}, 15, 0x80);
  }
}

TEST_F(version_test, a_segment_of_an_unknown_version_or_with_unknown_flags_is_refused) {
  for (const uint64_t number : {1, 2}) {
    expect_refused({segment(number), 0, 88}, 8, 2);
    expect_refused({segment(number), 0, 88}, 12, 2);
    expect_refused({segment(number), 0, 88}, 15, 0x80);
  }
}

TEST_F(version_test, a_batch_of_an_unknown_version_or_kind_or_with_unknown_flags_is_refused) {
  const sealed batches[] = {{segment(1), start + step, batch_length, true},   // in a sealed segment
                            {segment(2), start, batch_length, true},          // before a mark
                            {segment(2), start + step, batch_length, true}};  // the last write
  for (const auto& b : batches) {
    expect_refused(b, 12, 2);     // version
    expect_refused(b, 13, 4);     // kind
    expect_refused(b, 14, 1);     // behind the kind
    expect_refused(b, 47, 0x80);  // behind the number of entries
  }
}

TEST_F(version_test, the_newer_troupe_finds_all_of_it) {
  expect_refused({segment(2), start + step, batch_length, true}, 12, 2);
  const auto opened = open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->tail().last.index, log_index(5));
  EXPECT_EQ((*opened)->saved_vote(), (vote{leader_of(2), true}));
}

}  // namespace
}  // namespace troupe::storage
