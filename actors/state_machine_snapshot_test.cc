// How the state_machine makes snapshots and takes them, in virtual time.
#include <gtest/gtest.h>

#include "actors/log_store.h"
#include "actors/raft_fixture.h"
#include "actors/snapshot_sink.h"
#include "actors/state_machine.h"
#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "storage/memory_env.h"
#include "storage/memory_storage.h"

namespace troupe {
namespace {

using namespace std::chrono_literals;

// What was applied, one letter a command. Its snapshots come in pieces of one letter.
class letters final : public machine {
 public:
  void apply(log_index first, frames_view commands, frames& results) override {
    for (const auto c : commands) text += c, results.add("ok");
    at = first + commands.size() - 1;
  }
  void query(std::string_view, frames& results) override { results.add(text); }
  std::unique_ptr<snapshot_source> begin_snapshot() override {
    ++begun;
    if (throws) throw std::runtime_error("not today");
    if (defers) return nullptr;
    return std::make_unique<source>(*this);
  }
  absl::Status restore(snapshot_source& from) override {
    text.clear();
    at = from.last();
    for (;;) {
      auto piece = from.next();
      if (!piece.ok()) return piece.status();
      if (piece->empty()) return refuses ? absl::DataLossError("no such text") : absl::OkStatus();
      text += *piece;
    }
  }
  log_index applied() const override { return durable ? at : log_index(); }
  void skip(log_index last) override { at = last; }

  std::string text;
  log_index at;
  bool durable = false;
  bool defers = false, throws = false, breaks = false, refuses = false;
  int begun = 0, pieces = 0;
  size_t held = 0;  // by a source

 private:
  struct source final : snapshot_source {
    explicit source(letters& of) : of_(of), text_(of.text) {}
    absl::StatusOr<std::string> next() override {
      if (of_.breaks) return absl::InternalError("its memory is gone");
      ++of_.pieces;
      return at_ == text_.size() ? std::string() : text_.substr(at_++, 1);
    }
    size_t held() const override { return of_.held; }
    letters& of_;
    const std::string text_;
    size_t at_ = 0;
  };
};

constexpr core::compaction never{0, byte_count(0), 0, byte_count(0)};
constexpr core::compaction after_five{5, byte_count(0), 0, byte_count(0)};

class state_machine_snapshot_test : public virtual_raft_test {
 protected:
  void start(core::compaction policy, bool restore_first = false) {
    store_ = *storage::snapshot_store::open(files_, "snapshots");
    sink_ = system_.spawn(snapshot_sink, store_, board_, byte_count(0));
    state_machine_options o;
    o.hosted = hosted_;
    o.lost = lost_;
    if (disk_) o.log = system_.spawn(log_store, disk_, log_beginning{}, board_, byte_count(0));
    o.sink = sink_;
    o.restore_first = restore_first;
    o.compaction = policy;
    o.board = board_;
    machine_ = system_.spawn(state_machine_behavior, std::move(o));
  }
  ~state_machine_snapshot_test() override { stop(); }
  void stop() {
    caf::anon_send_exit(machine_, caf::exit_reason::kill);
    caf::anon_send_exit(sink_, caf::exit_reason::kill);
    run();
  }
  // As the next batch of the log.
  void send(const std::string& commands, batch_kind kind = batch_kind::commands) {
    batch_builder b;
    if (kind == batch_kind::commands)
      for (const char& c : commands) b.add({&c, 1});
    else
      b.add(commands);
    const auto sealed = b.seal(kind, {term(1), node_id(1)}, tail_);
    tail_ = sealed->tail();
    if (disk_) {
      EXPECT_TRUE(disk_->append({{sealed}}).ok());
    }
    caf::anon_send(machine_, apply{tail_.last.index, {sealed}, {}, false});
  }
  void give(const std::string& commands, batch_kind kind = batch_kind::commands) {
    send(commands, kind);
    run();
  }
  std::variant<log_index, raft_errc> make() {
    std::optional<std::variant<log_index, raft_errc>> heard;
    system_.spawn([&](caf::event_based_actor* self) {
      self->request(machine_, caf::infinite, make_snapshot{})
          .then([&](const made_snapshot& s) { heard = s.last; },
                [&](const caf::error& e) { heard = code_of(e, raft_errc::none); });
    });
    run_until([&] { return heard.has_value(); });
    return heard.value();
  }
  // How the state is, in words, as its watcher hears.
  std::vector<std::string>& watch() {
    system_.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      const auto note = [this](const machine_state& s) {
        states_.push_back(s.lost ? "lost: " + s.why : "there");
      };
      self->request(machine_, caf::infinite, watch_state{}).then(note, [](const caf::error&) {
        ADD_FAILURE();
      });
      return {note};
    });
    run();
    return states_;
  }
  void spoil_the_newest() {
    const auto file = *files_.open(store_->newest()->path, storage::open_mode::existing);
    ASSERT_TRUE(file->write(store_->newest()->name.size - 26, "Z").ok());
  }
  // Ends with a snapshot up to here, which is damaged.
  void leave_a_damaged_one(const std::string& commands) {
    disk_ = std::make_shared<storage::memory_storage>();
    start(never);
    give(commands);
    make();
    stop();
    spoil_the_newest();
    hosted_->text = "";
  }
  // What another node has.
  void receive(const std::string& text) {
    const storage::snapshot_meta meta{
        {{{term(1), node_id(1)}, log_index(text.size())}, 5}, {}, "m", 1};
    auto to = *store_->begin(meta);
    ASSERT_TRUE(to->add(text).ok() && to->finish().ok() && store_->keep().ok());
  }
  log_index newest() { return board_->get().snapshot; }
  void wait(duration d) {
    const auto end = now() + d;
    run_until([&] { return now() >= end; }, d);
  }

  storage::memory_env files_;
  std::shared_ptr<storage::snapshot_store> store_;
  std::shared_ptr<observed> board_ = std::make_shared<observed>();
  std::shared_ptr<letters> hosted_ = std::make_shared<letters>();
  std::shared_ptr<storage::memory_storage> disk_;
  std::string lost_;
  std::vector<std::string> states_;
  snapshot_sink_actor sink_;
  state_machine_actor machine_;
  log_tail tail_;
};

TEST_F(state_machine_snapshot_test, one_is_made_when_it_is_due_and_says_what_the_log_said) {
  start(after_five);
  give("members", batch_kind::membership);
  const auto cluster = tail_.checksum;
  give("abc");
  EXPECT_EQ(newest(), log_index(0));
  give("de");
  EXPECT_EQ(newest(), log_index(6));
  const auto meta = store_->newest()->meta;
  EXPECT_EQ(meta.last, tail_);
  EXPECT_EQ(meta.membership_at.index, log_index(1));
  EXPECT_EQ(meta.membership, "members");
  EXPECT_EQ(meta.cluster, cluster);
}

TEST_F(state_machine_snapshot_test, commands_are_applied_while_one_is_made) {
  start(never);
  give(std::string(1000, 'x'));
  bool done = false;
  system_.spawn([&](caf::event_based_actor* self) {
    self->request(machine_, caf::infinite, make_snapshot{})
        .then([&](const made_snapshot& s) { done = s.last == log_index(1000); },
              [&](const caf::error&) { ADD_FAILURE(); });
  });
  for (int i = 0; i < 200; ++i) coordinator().run_once();
  EXPECT_FALSE(done);
  EXPECT_LT(hosted_->pieces, 200);
  send("y");
  for (int i = 0; i < 20; ++i) coordinator().run_once();
  EXPECT_EQ(hosted_->text.size(), 1001u) << "no slower than a few pieces";
  EXPECT_FALSE(done);
  run();
  EXPECT_TRUE(done);
}

// Scenario 63, the first half.
TEST_F(state_machine_snapshot_test, what_is_due_during_one_is_made_behind_it) {
  start(after_five);
  send("abcde");
  send("fghijk");
  run();
  EXPECT_EQ(newest(), log_index(11));
  EXPECT_EQ(hosted_->begun, 2);
}

TEST_F(state_machine_snapshot_test, a_machine_may_defer_it) {
  start(after_five);
  hosted_->defers = true;
  give("abcde");
  give("f");
  EXPECT_EQ(hosted_->begun, 1) << "it is not asked with each batch";
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::busy);
  hosted_->defers = false;
  wait(2s);
  EXPECT_EQ(newest(), log_index(6)) << "it is asked again";
}

TEST_F(state_machine_snapshot_test, one_that_fails_is_made_later_and_harms_nobody) {
  start(after_five);
  hosted_->breaks = true;
  give("abcde");
  EXPECT_EQ(newest(), log_index(0));
  hosted_->breaks = false;
  hosted_->throws = true;
  wait(2s);
  give("f");
  hosted_->throws = false;
  give("g");
  wait(2s);
  EXPECT_EQ(newest(), log_index(7));
  EXPECT_EQ(hosted_->text, "abcdefg");
}

TEST_F(state_machine_snapshot_test, what_was_asked_for_is_answered) {
  start(never);
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::not_ready) << "nothing was applied";
  give("abc");
  EXPECT_EQ(std::get<log_index>(make()), log_index(3));
  EXPECT_EQ(std::get<log_index>(make()), log_index(3)) << "nothing is new";
  EXPECT_EQ(hosted_->begun, 1);
  files_.set_capacity(files_.used());
  give("d");
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::storage_failed);
}

TEST_F(state_machine_snapshot_test, it_is_written_no_faster_than_its_rate) {
  auto slow = never;
  slow.snapshot_rate = byte_count(10);
  start(slow);
  give(std::string(100, 'x'));
  const auto begun = now();
  EXPECT_EQ(std::get<log_index>(make()), log_index(100));
  EXPECT_GE(now() - begun, 9s);
  EXPECT_LE(now() - begun, 11s);
}

// Else what is kept for it grows for as long as it takes.
TEST_F(state_machine_snapshot_test, one_that_holds_much_memory_is_written_faster) {
  auto slow = never;
  slow.snapshot_rate = byte_count(10);
  start(slow);
  give(std::string(100, 'x'));
  const auto begun = now();
  hosted_->held = 17 << 20;
  EXPECT_EQ(std::get<log_index>(make()), log_index(100));
  EXPECT_LE(now() - begun, 1s);
}

// Scenario 64.
TEST_F(state_machine_snapshot_test, what_comes_behind_a_snapshot_is_applied_once) {
  start(never);
  give("abc");
  make();
  stop();
  hosted_->text = "what was there before";
  start(after_five, /*restore_first=*/true);
  send("def");
  run();
  EXPECT_EQ(hosted_->text, "abcdef");
  EXPECT_EQ(board_->get().applied, log_index(6));
  give("gh");
  EXPECT_EQ(newest(), log_index(8)) << "it counts from where it was";
}

TEST_F(state_machine_snapshot_test, one_from_a_leader_takes_the_place_of_the_state) {
  start(never);
  give("abc");
  make();
  give("d");
  receive("abcXYZ");
  caf::anon_send(machine_, restore_state{});
  caf::anon_send(machine_, restore_state{});
  run();
  EXPECT_EQ(hosted_->text, "abcXYZ");
  EXPECT_EQ(board_->get().applied, log_index(6));
}

TEST_F(state_machine_snapshot_test, a_damaged_one_is_no_loss_where_the_log_has_all_of_it) {
  leave_a_damaged_one("abc");
  start(never, /*restore_first=*/true);
  const auto& states = watch();
  EXPECT_EQ(newest(), log_index(0));
  give("de");
  EXPECT_EQ(hosted_->text, "abcde");
  EXPECT_EQ(states, std::vector<std::string>{"there"});
}

TEST_F(state_machine_snapshot_test, a_damaged_one_does_not_reach_the_machine_which_waits) {
  leave_a_damaged_one("abc");
  const auto path = store_->newest()->path;
  ASSERT_TRUE(disk_->purge(log_index(3)).ok());
  start(never, /*restore_first=*/true);
  const auto& states = watch();
  give("d");
  give("e");
  EXPECT_EQ(hosted_->text, "");
  EXPECT_EQ(states.back().find("lost: " + path + " at offset "), 0u) << states.back();
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::busy);
  receive("abcd");
  caf::anon_send(machine_, restore_state{});
  run();
  EXPECT_EQ(hosted_->text, "abcde") << "the log goes on where the snapshot ends";
  EXPECT_EQ(states.back(), "there");
}

// The second time, too.
TEST_F(state_machine_snapshot_test, one_that_was_fetched_and_is_damaged_is_told_again) {
  leave_a_damaged_one("abc");
  ASSERT_TRUE(disk_->purge(log_index(3)).ok());
  lost_ = "it is damaged";
  start(never);
  const auto& states = watch();
  receive("abcd");
  spoil_the_newest();
  caf::anon_send(machine_, restore_state{});
  run();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0], "lost: it is damaged");
  EXPECT_EQ(states[1].find("lost: snapshots/"), 0u) << states[1];
  receive("abcd");
  caf::anon_send(machine_, restore_state{});
  run();
  EXPECT_EQ(hosted_->text, "abcd");
  EXPECT_EQ(states.back(), "there");
}

TEST_F(state_machine_snapshot_test, another_one_is_made_when_the_newest_was_lost) {
  start(never);
  give("abc");
  make();
  ASSERT_TRUE(store_->set_aside("it is damaged").ok());
  caf::anon_send(machine_, snapshot_lost{});
  run();
  EXPECT_EQ(newest(), log_index(3));
  EXPECT_EQ(store_->newest()->meta.last.last.index, log_index(3));
  EXPECT_EQ(hosted_->begun, 2) << "once";
}

TEST_F(state_machine_snapshot_test, a_machine_that_cannot_take_one_ends_its_node) {
  start(never);
  give("abc");
  make();
  stop();
  hosted_->refuses = true;
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(board_->get().failure, raft_errc::machine_failed);
}

// -- a machine that keeps its state over restarts -------------------------------------------------

TEST_F(state_machine_snapshot_test, what_the_machine_holds_is_noted_and_not_applied_again) {
  hosted_->durable = true;
  hosted_->text = "abc", hosted_->at = log_index(4);
  start(never);
  give("members", batch_kind::membership);
  const auto cluster = tail_.checksum;
  give("abc");
  EXPECT_EQ(board_->get().applied, log_index(4));
  give("de");
  EXPECT_EQ(hosted_->text, "abcde");
  EXPECT_EQ(std::get<log_index>(make()), log_index(6));
  const auto meta = store_->newest()->meta;
  EXPECT_EQ(meta.last, tail_);
  EXPECT_EQ(meta.membership_at.index, log_index(1));
  EXPECT_EQ(meta.membership, "members");
  EXPECT_EQ(meta.cluster, cluster);
}

TEST_F(state_machine_snapshot_test, a_machine_goes_on_in_the_middle_of_a_batch) {
  for (uint64_t held = 0; held <= 6; ++held) {
    SCOPED_TRACE(held);
    hosted_ = std::make_shared<letters>();
    hosted_->durable = true;
    hosted_->text = std::string("abcdef").substr(0, held), hosted_->at = log_index(held);
    tail_ = {};
    start(never);
    give("abcd");
    give("ef");
    EXPECT_EQ(hosted_->text, "abcdef");
    EXPECT_EQ(hosted_->at, log_index(6));
    stop();
  }
}

TEST_F(state_machine_snapshot_test, no_snapshot_is_made_of_a_state_that_the_log_is_behind) {
  hosted_->durable = true;
  hosted_->text = "abcdefgh", hosted_->at = log_index(8);
  start(after_five);
  give("abcde");
  EXPECT_EQ(std::get<raft_errc>(make()), raft_errc::busy);
  EXPECT_EQ(hosted_->begun, 0);
  give("fgh");
  EXPECT_EQ(newest(), log_index(8)) << "it is made as soon as it can be";
}

TEST_F(state_machine_snapshot_test, a_machine_that_holds_more_is_not_put_back_to_a_snapshot) {
  hosted_->durable = true;
  start(never);
  give("abc");
  make();
  stop();
  const auto behind_snapshot = tail_;
  hosted_->text = "abcde", hosted_->at = log_index(5);
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(hosted_->text, "abcde");
  EXPECT_EQ(board_->get().applied, log_index(3));
  tail_ = behind_snapshot;
  give("def");
  EXPECT_EQ(hosted_->text, "abcdef");
}

TEST_F(state_machine_snapshot_test, a_machine_that_holds_less_is_what_the_snapshot_says) {
  hosted_->durable = true;
  start(never);
  give("abc");
  give("", batch_kind::blank);
  make();
  stop();
  hosted_->text = "ab", hosted_->at = log_index(2);
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(hosted_->text, "abc");
  EXPECT_EQ(hosted_->at, log_index(4)) << "it is told where the snapshot ends";
  give("d");
  EXPECT_EQ(hosted_->text, "abcd");
}

TEST_F(state_machine_snapshot_test, a_machine_is_told_of_entries_that_hold_no_commands) {
  hosted_->durable = true;
  start(never);
  give("ab");
  give("", batch_kind::blank);
  EXPECT_EQ(hosted_->at, log_index(3));
  EXPECT_EQ(std::get<log_index>(make()), log_index(3));
  stop();
  hosted_->refuses = true;
  start(never, /*restore_first=*/true);
  run();
  EXPECT_EQ(board_->get().failure, raft_errc::none) << "nothing is restored";
}

}  // namespace
}  // namespace troupe
