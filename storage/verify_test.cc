// What an offline look tells.
#include "storage/verify.h"

#include <gtest/gtest.h>

#include "storage/memory_env.h"
#include "storage/rot_model.h"
#include "storage/segment_format.h"
#include "storage/test_batches.h"

namespace troupe::storage {
namespace {

class verify_test : public testing::Test {
 protected:
  // A directory of node 7 with three batches.
  void set_up() {
    durable_options o;
    o.dir = "data";
    o.node = node_id(7);
    o.incarnation = 4711;
    auto opened = durable_storage::open(files_, o);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_TRUE((*opened)->save_vote({leader_of(2), true}).ok());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE((*opened)->append({{batch_after((*opened)->tail(), leader_of(2), 2, 100)}}).ok());
      ASSERT_TRUE((*opened)->sync().ok());
    }
  }

  memory_env files_;
};

TEST_F(verify_test, a_clean_directory_is_clean_and_stays_as_it_is) {
  set_up();
  for (int i = 0; i < 2; ++i) {
    const auto found = open_for_verification(files_, "data");
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ((*found)->owner(), (identity{node_id(7), 4711}));
    EXPECT_EQ((*found)->saved_vote(), (vote{leader_of(2), true}));
    EXPECT_EQ((*found)->tail().last.index, log_index(6));
    EXPECT_EQ((*found)->repaired(), "");
  }
}

TEST_F(verify_test, a_damaged_copy_of_the_vote_is_mended_and_told_once) {
  set_up();
  flip_bit(files_, "data/vote", 4096 + 45);
  const auto before = open_for_verification(files_, "data").value()->repaired();
  EXPECT_NE(before.find("data/vote"), std::string::npos) << before;
  EXPECT_EQ(open_for_verification(files_, "data").value()->repaired(), "");
}

TEST_F(verify_test, damage_is_told_with_file_and_offset) {
  set_up();
  const auto path = "data/log/" + segment_name(1);
  flip_bit(files_, path, segment_header::block_size + 70);
  const auto found = open_for_verification(files_, "data").status();
  EXPECT_TRUE(absl::IsDataLoss(found)) << found;
  EXPECT_NE(found.message().find(path + " at offset 4096"), absl::string_view::npos) << found;
}

TEST_F(verify_test, what_could_not_be_read_is_neither_absent_nor_damaged) {
  set_up();
  for (uint64_t failing = 1, calls = failing; calls == failing; ++failing) {
    calls = 0;
    files_.set_read_fault([&](std::string_view call, const std::string& path) {
      return ++calls == failing ? absl::UnavailableError(std::string(call) + " " + path)
                                : absl::OkStatus();
    });
    const auto found = open_for_verification(files_, "data").status();
    EXPECT_EQ(absl::IsUnavailable(found), calls == failing) << found;
  }
  files_.set_read_fault(nullptr);
  EXPECT_TRUE(open_for_verification(files_, "data").ok());
}

TEST_F(verify_test, a_directory_without_identity_is_damaged_and_one_of_nobody_is_left_alone) {
  set_up();
  ASSERT_TRUE(files_.remove("data/identity").ok());
  EXPECT_TRUE(absl::IsDataLoss(open_for_verification(files_, "data").status()));
  ASSERT_TRUE(files_.create_dirs("other").ok());
  EXPECT_TRUE(absl::IsNotFound(open_for_verification(files_, "other").status()));
  EXPECT_TRUE(absl::IsNotFound(open_for_verification(files_, "nowhere").status()));
  EXPECT_TRUE(files_.list("other")->empty());
}

}  // namespace
}  // namespace troupe::storage
