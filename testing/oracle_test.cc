// The oracle notices each kind of lie.
#include "testing/oracle.h"

#include <gtest/gtest.h>

namespace troupe::sim {
namespace {

class oracle_test : public ::testing::Test {
 protected:
  // Some node applies `command` at the next index.
  entry apply(uint64_t command) {
    last_ = {last_.position + 1, last_.state * 31 + command};
    truth_.on_applied(log_index(10 + last_.position), command, last_);
    return last_;
  }
  static outcome answer(const entry& e, raft_errc code = raft_errc::none) {
    outcome o;
    o.code = code;
    o.index = log_index(10 + e.position);
    if (code == raft_errc::none) o.results.add(encode_entry(e));
    return o;
  }
  uint64_t command_of(oracle::operation op) { return truth_.commands_of(op)[0]; }

  std::string complaint_;
  oracle truth_{[this](const std::string& what) { complaint_ = what; }};
  entry last_;
};

TEST_F(oracle_test, true_answers_are_believed) {
  const auto write = truth_.begin_write(1);
  const auto e = apply(command_of(write));
  truth_.end(write, answer(e));
  truth_.end(truth_.begin_read(), answer(e));
  truth_.end(truth_.begin_write(1), answer({}, raft_errc::not_leader));
  truth_.end(truth_.begin_read(read_mode::stale), answer({}));
  EXPECT_EQ(complaint_, "");
}

TEST_F(oracle_test, a_read_that_misses_an_answered_write_is_stale) {
  const auto write = truth_.begin_write(1);
  const auto early = truth_.begin_read();
  truth_.end(write, answer(apply(command_of(write))));
  truth_.end(early, answer({}));
  EXPECT_EQ(complaint_, "") << "it began before the write was answered";
  truth_.end(truth_.begin_read(), answer({}));
  EXPECT_NE(complaint_, "");
}

TEST_F(oracle_test, reads_do_not_go_back_in_time) {
  apply(command_of(truth_.begin_write(1)));
  truth_.end(truth_.begin_read(), answer(last_));  // saw a write that is not answered yet
  truth_.end(truth_.begin_read(), answer({}));
  EXPECT_NE(complaint_, "");
}

TEST_F(oracle_test, a_write_that_was_not_applied_is_not_ok) {
  truth_.end(truth_.begin_write(1), answer({1, 7}));
  EXPECT_NE(complaint_, "");
}

TEST_F(oracle_test, the_answer_to_another_write_is_not_ok) {
  const auto mine = truth_.begin_write(1);
  const auto other = truth_.begin_write(1);
  truth_.end(mine, answer(apply(command_of(other))));
  EXPECT_NE(complaint_, "");
}

TEST_F(oracle_test, what_was_refused_is_never_applied) {
  const auto write = truth_.begin_write(1);
  const auto command = command_of(write);
  truth_.end(write, answer({}, raft_errc::not_leader));
  EXPECT_EQ(complaint_, "");
  apply(command);
  EXPECT_NE(complaint_, "");
}

TEST_F(oracle_test, what_was_applied_is_not_refused) {
  const auto write = truth_.begin_write(1);
  apply(command_of(write));
  truth_.end(write, answer({}, raft_errc::busy));
  EXPECT_NE(complaint_, "");
}

TEST_F(oracle_test, an_unknown_outcome_may_be_either) {
  const auto write = truth_.begin_write(1);
  const auto command = command_of(write);
  truth_.end(write, answer({}, raft_errc::outcome_unknown));
  truth_.end(truth_.begin_write(1), answer({}, raft_errc::outcome_unknown));
  apply(command);
  EXPECT_EQ(complaint_, "");
}

TEST_F(oracle_test, a_write_is_applied_once) {
  const auto command = command_of(truth_.begin_write(1));
  apply(command);
  apply(command);
  EXPECT_NE(complaint_, "");
}

TEST_F(oracle_test, two_nodes_apply_the_same) {
  const auto a = command_of(truth_.begin_write(1)), b = command_of(truth_.begin_write(1));
  const auto e = apply(a);
  truth_.on_applied(log_index(11), a, e);
  EXPECT_EQ(complaint_, "");
  truth_.on_applied(log_index(11), b, e);
  EXPECT_NE(complaint_, "");
}

}  // namespace
}  // namespace troupe::sim
