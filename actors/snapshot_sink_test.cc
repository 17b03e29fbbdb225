// What the snapshot_sink keeps, and what it does not.
#include "actors/snapshot_sink.h"

#include <gtest/gtest.h>

#include "actors/compression.h"
#include "actors/raft_fixture.h"
#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"
#include "storage/memory_env.h"

namespace troupe {
namespace {

using namespace std::chrono_literals;

storage::snapshot_meta meta_at(uint64_t index) {
  return {{{{term(1), node_id(1)}, log_index(index)}, 4711}, {{}, log_index(1)}, "members", 99};
}

class snapshot_sink_test : public virtual_raft_test {
 protected:
  snapshot_sink_test() {
    store_ = *storage::snapshot_store::open(files_, "snapshots");
    sink_ = system_.spawn(snapshot_sink, store_, board_, KiB(256));
  }
  ~snapshot_sink_test() override { caf::anon_send_exit(sink_, caf::exit_reason::kill); }

  // The reply, or the error.
  template <class Reply, class Request>
  std::variant<Reply, raft_errc> ask(Request m) {
    std::optional<std::variant<Reply, raft_errc>> heard;
    system_.spawn([&](caf::event_based_actor* self) {
      self->request(sink_, caf::infinite, std::move(m))
          .then([&](const Reply& r) { heard = r; },
                [&](const caf::error& e) { heard = code_of(e, raft_errc::none); });
    });
    run();
    return heard.value();
  }
  staged stage_bytes(const snapshot_name& name, uint64_t offset, const std::string& bytes,
                     uint64_t length = 0) {
    return std::get<staged>(ask<staged>(stage{99, name, offset, bytes, length}));
  }
  bool make(uint64_t index, const std::string& state) {
    return ask<done>(begin_snapshot{meta_at(index)}).index() == 0 &&
           ask<done>(add_to_snapshot{state}).index() == 0 &&
           ask<done>(add_to_snapshot{""}).index() == 0;
  }

  // The bytes of a snapshot that another node has.
  struct original {
    snapshot_name name;
    std::string bytes;
  };
  static original elsewhere(uint64_t index, const std::string& state) {
    storage::memory_env files;
    const auto store = *storage::snapshot_store::open(files, "there");
    auto to = *store->begin(meta_at(index));
    EXPECT_TRUE(to->add(state).ok() && to->finish().ok() && store->keep().ok());
    const auto name = store->newest()->name;
    return {name, *(*store->read())->raw(0, name.size)};
  }
  // What its server hears, in words.
  std::vector<std::string>& listen() {
    const auto listener = system_.spawn([&](caf::event_based_actor*) -> caf::behavior {
      return {[&](const snapshot_kept&) { told_.push_back("kept"); },
              [&](const snapshot_lost&) { told_.push_back("lost"); }};
    });
    caf::anon_send(sink_, tell_of_snapshots{caf::actor_cast<caf::strong_actor_ptr>(listener)});
    return told_;
  }
  void flip_a_byte(uint64_t at) {
    const auto file = *files_.open(store_->newest()->path, storage::open_mode::existing);
    const char flipped = static_cast<char>((*file->read(at, 1))[0] ^ 4);
    ASSERT_TRUE(file->write(at, {&flipped, 1}).ok());
  }
  void wait(duration d) {
    const auto end = now() + d;
    run_until([&] { return now() >= end; }, d);
  }
  log_index newest() const {
    return store_->newest() ? store_->newest()->meta.last.last.index : log_index();
  }

  storage::memory_env files_;
  std::shared_ptr<storage::snapshot_store> store_;
  std::shared_ptr<observed> board_ = std::make_shared<observed>();
  snapshot_sink_actor sink_;
  std::vector<std::string> told_;
};

TEST_F(snapshot_sink_test, one_of_this_node_is_kept_and_told) {
  std::vector<snapshot_kept> told;
  const auto listener = system_.spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const snapshot_kept& k) { told.push_back(k); }};
  });
  caf::anon_send(sink_, tell_of_snapshots{caf::actor_cast<caf::strong_actor_ptr>(listener)});
  ASSERT_TRUE(make(5, "five"));
  ASSERT_TRUE(make(9, "nine"));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[1].last, log_index(9));
  EXPECT_EQ(told[1].before, log_index(5));
  EXPECT_EQ(board_->get().snapshot, log_index(9));
  caf::anon_send_exit(listener, caf::exit_reason::kill);
}

TEST_F(snapshot_sink_test, one_that_is_not_newer_is_not_made) {
  ASSERT_TRUE(make(5, "five"));
  EXPECT_EQ(std::get<raft_errc>(ask<done>(begin_snapshot{meta_at(5)})), raft_errc::not_allowed);
}

TEST_F(snapshot_sink_test, what_a_leader_sends_is_kept_when_it_is_whole) {
  const auto o = elsewhere(7, std::string(700, 'x'));
  const size_t half = o.bytes.size() / 2;
  EXPECT_EQ(stage_bytes(o.name, 0, "").wanted, 0u);
  EXPECT_EQ(stage_bytes(o.name, 0, o.bytes.substr(0, half)).wanted, half);
  EXPECT_EQ(stage_bytes(o.name, 0, o.bytes.substr(0, half)).wanted, half) << "twice";
  EXPECT_EQ(stage_bytes(o.name, half + 1, "z").wanted, half) << "too early";
  EXPECT_EQ(stage_bytes(o.name, half - 10, o.bytes.substr(half - 10)).wanted, o.bytes.size());
  EXPECT_EQ(newest(), log_index()) << "nobody asked to install it";
  const auto end = stage_bytes(o.name, o.bytes.size(), "");
  ASSERT_TRUE(end.whole);
  EXPECT_EQ(*end.whole, meta_at(7));
  EXPECT_EQ(newest(), log_index(7));
  EXPECT_TRUE(stage_bytes(o.name, o.bytes.size(), "").whole) << "the answer got lost";
}

// Scenario 61.
TEST_F(snapshot_sink_test, another_snapshot_begins_from_nothing) {
  const auto one = elsewhere(7, std::string(700, 'x')), two = elsewhere(8, std::string(700, 'y'));
  stage_bytes(one.name, 0, one.bytes.substr(0, 300));
  EXPECT_EQ(stage_bytes(two.name, 300, two.bytes.substr(300)).wanted, 0u);
  EXPECT_EQ(stage_bytes(two.name, 0, two.bytes).wanted, two.bytes.size());
  EXPECT_TRUE(stage_bytes(two.name, two.bytes.size(), "").whole);
}

TEST_F(snapshot_sink_test, one_that_is_not_what_it_was_named_is_thrown_away) {
  const auto o = elsewhere(7, std::string(700, 'x'));
  auto damaged = o.bytes;
  damaged[damaged.size() / 2] ^= 1;
  stage_bytes(o.name, 0, damaged);
  EXPECT_EQ(std::get<raft_errc>(ask<staged>(stage{99, o.name, o.bytes.size(), "", 0})),
            raft_errc::storage_failed);
  EXPECT_EQ(newest(), log_index());
  EXPECT_EQ(stage_bytes(o.name, 0, "").wanted, 0u);
}

TEST_F(snapshot_sink_test, one_of_another_cluster_is_thrown_away) {
  const auto o = elsewhere(7, "x");
  stage_bytes(o.name, 0, o.bytes);
  EXPECT_EQ(ask<staged>(stage{98, o.name, o.bytes.size(), "", 0}).index(), 1u);
  EXPECT_EQ(newest(), log_index());
}

TEST_F(snapshot_sink_test, pieces_may_be_compressed_each_by_itself) {
  const auto o = elsewhere(7, std::string(50'000, 'x'));
  const auto piece = o.bytes.substr(0, 30'000);
  EXPECT_EQ(stage_bytes(o.name, 0, compress(piece, 3), piece.size()).wanted, piece.size());
  stage_bytes(o.name, piece.size(), o.bytes.substr(piece.size()));
  EXPECT_TRUE(stage_bytes(o.name, o.bytes.size(), "").whole);
  const auto p = elsewhere(8, "x");
  EXPECT_EQ(ask<staged>(stage{99, p.name, 0, "this is not compressed", 50}).index(), 1u);
}

TEST_F(snapshot_sink_test, an_offset_or_a_size_that_cannot_be_is_no_harm) {
  const auto o = elsewhere(7, "x");
  EXPECT_EQ(stage_bytes(o.name, UINT64_MAX - 2, "abcdef").wanted, 0u);
  EXPECT_EQ(stage_bytes(o.name, 0, o.bytes + "more").wanted, 0u);
  auto small = o.name;
  small.size = 3;
  EXPECT_EQ(stage_bytes(small, 0, "abc").wanted, 3u);
  EXPECT_EQ(ask<staged>(stage{99, small, 3, "", 0}).index(), 1u);
}

TEST_F(snapshot_sink_test, an_older_one_than_the_newest_is_answered_with_the_newest) {
  ASSERT_TRUE(make(9, "nine"));
  const auto old = elsewhere(7, "seven");
  EXPECT_EQ(stage_bytes(old.name, 0, "").whole->last.last.index, log_index(9));
}

TEST_F(snapshot_sink_test, what_a_leader_sends_goes_before_what_the_node_makes) {
  const auto o = elsewhere(7, "seven");
  ASSERT_EQ(ask<done>(begin_snapshot{meta_at(5)}).index(), 0u);
  stage_bytes(o.name, 0, "");
  EXPECT_EQ(std::get<raft_errc>(ask<done>(add_to_snapshot{"x"})), raft_errc::busy);
  EXPECT_EQ(std::get<raft_errc>(ask<done>(begin_snapshot{meta_at(6)})), raft_errc::busy);
}

TEST_F(snapshot_sink_test, a_part_that_nobody_goes_on_with_is_in_nobodys_way) {
  const auto o = elsewhere(7, "seven");
  stage_bytes(o.name, 0, "");
  EXPECT_TRUE(make(7, "its own")) << "the entries came from elsewhere";
  EXPECT_FALSE(board_->get().receiving);
}

// Scenario 70: of a snapshot's own file.
TEST_F(snapshot_sink_test, a_full_disk_ends_a_snapshot_and_nothing_else) {
  ASSERT_TRUE(make(5, "five"));
  files_.set_capacity(files_.used() + 1000);
  EXPECT_FALSE(make(6, std::string(600'000, 'x')));
  EXPECT_EQ(newest(), log_index(5));
  const auto o = elsewhere(7, std::string(600'000, 'x'));
  EXPECT_EQ(ask<staged>(stage{99, o.name, 0, o.bytes, 0}).index(), 1u);
  EXPECT_EQ(files_.list("snapshots").value().size(), 2u) << "one, and what its header says";
  EXPECT_TRUE(store_->removed().empty()) << "nothing that was given up takes room";
  files_.set_capacity(UINT64_MAX);
  EXPECT_TRUE(make(6, std::string(600'000, 'x')));
}

TEST_F(snapshot_sink_test, progress_is_shown_while_it_comes_in) {
  const auto o = elsewhere(7, std::string(700, 'x'));
  stage_bytes(o.name, 0, o.bytes.substr(0, 300));
  EXPECT_EQ(board_->get().receiving, (snapshot_progress{300, o.name.size}));
  stage_bytes(o.name, 300, o.bytes.substr(300));
  stage_bytes(o.name, o.bytes.size(), "");
  EXPECT_FALSE(board_->get().receiving);
}

// A second for each of its blocks.
TEST_F(snapshot_sink_test, what_rots_is_found_and_set_aside_before_it_is_needed) {
  const auto& told = listen();
  ASSERT_TRUE(make(5, std::string(1 << 20, 'x')));
  wait(20s);
  EXPECT_EQ(newest(), log_index(5));
  flip_a_byte(700'000);
  wait(12s);
  EXPECT_EQ(newest(), log_index(0));
  EXPECT_EQ(board_->get().snapshot, log_index(0));
  EXPECT_EQ(told, (std::vector<std::string>{"kept", "lost"}));
  EXPECT_EQ(store_->damaged()->meta, meta_at(5));
  EXPECT_EQ(store_->damaged()->why.find(files_.list("snapshots").value()[0].substr(0, 20)), 10u)
      << store_->damaged()->why;
  ASSERT_TRUE(make(5, "the same again")) << "and nothing is left of the other";
  EXPECT_EQ(files_.list("snapshots").value().size(), 2u) << "one, and what its header says";
}

// One of 20 MiB is freed by 8 MiB.
TEST_F(snapshot_sink_test, one_that_was_replaced_is_freed_a_piece_at_a_time) {
  ASSERT_TRUE(make(5, std::string(20 << 20, 'x')));
  const auto of = std::get<backup_reply>(ask<backup_reply>(backup_request{})).of;
  const auto bytes = *files_.open(store_->newest()->path, storage::open_mode::reading);
  ASSERT_TRUE(make(6, "six"));
  wait(10s);
  EXPECT_EQ(bytes->size().value(), of.size) << "it is copied";
  ask<backup_reply>(backup_request{of, of.size});
  uint64_t at = of.size;
  std::vector<uint64_t> freed;
  const auto left = [&] { return bytes->size().value(); };
  while (run_until([&] { return left() != at; }, 2s))
    freed.push_back(at - left()), at -= freed.back();
  EXPECT_EQ(freed, (std::vector<uint64_t>{8 << 20, 8 << 20, of.size - (16 << 20)}));
  EXPECT_TRUE(store_->removed().empty());
}

// A full disk may be why.
TEST_F(snapshot_sink_test, a_part_that_is_given_up_is_freed_although_the_newest_is_read) {
  ASSERT_TRUE(make(5, "five"));
  ask<backup_reply>(backup_request{});
  const auto o = elsewhere(7, std::string(1 << 20, 'x'));
  stage_bytes(o.name, 0, o.bytes.substr(0, 600'000));
  const auto names = files_.list("snapshots").value();
  const auto name = std::ranges::find_if(names, [](const auto& n) { return n.ends_with(".part"); });
  ASSERT_NE(name, names.end());
  const auto part = *files_.open("snapshots/" + *name, storage::open_mode::reading);
  stage_bytes(elsewhere(8, "eight").name, 0, "");
  wait(100ms);
  EXPECT_EQ(part->size().value(), 0u);
}

TEST_F(snapshot_sink_test, a_copy_that_nobody_goes_on_with_lets_its_file_go) {
  ASSERT_TRUE(make(5, std::string(1 << 20, 'x')));
  const auto piece = std::get<backup_reply>(ask<backup_reply>(backup_request{}));
  const backup_request next{piece.of, piece.bytes.size()};
  ASSERT_TRUE(make(6, "six"));
  wait(50s);
  EXPECT_EQ(ask<backup_reply>(next).index(), 0u) << "it is gone on with although it was replaced";
  wait(50s);
  EXPECT_EQ(ask<backup_reply>(next).index(), 0u);
  wait(70s);
  EXPECT_EQ(ask<backup_reply>(next).index(), 1u);
}

TEST_F(snapshot_sink_test, what_cannot_be_read_is_no_damage) {
  const auto& told = listen();
  ASSERT_TRUE(make(5, "five"));
  files_.set_fault([](std::string_view call, const std::string&) {
    return call == "read" ? absl::UnavailableError("input/output error") : absl::OkStatus();
  });
  wait(10s);
  files_.set_fault(nullptr);
  wait(10s);
  EXPECT_EQ(newest(), log_index(5));
  EXPECT_EQ(told, std::vector<std::string>{"kept"});
}

TEST_F(snapshot_sink_test, an_older_one_that_is_called_damaged_is_gone_already) {
  ASSERT_TRUE(make(5, "five"));
  const auto old = meta_at(5).last.last;
  ASSERT_TRUE(make(9, "nine"));
  EXPECT_EQ(ask<done>(set_aside{old, "damaged"}).index(), 0u);
  EXPECT_EQ(newest(), log_index(9));
}

}  // namespace
}  // namespace troupe
