// A state_machine with snapshots over memory, in virtual time.
#pragma once

#include <functional>

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
    if (doubts) return absl::DataLossError("no text at all");
    text.clear();
    at = from.last();
    if (meanwhile) meanwhile();
    for (;;) {
      auto piece = from.next();
      if (!piece.ok()) return piece.status();
      if (piece->empty()) return refuses ? absl::InternalError("no such text") : absl::OkStatus();
      text += *piece;
    }
  }
  log_index applied() const override { return durable ? at : log_index(); }
  void skip(log_index last) override { at = last; }

  std::string text;
  log_index at;
  bool durable = false;
  bool defers = false, throws = false, breaks = false, refuses = false, doubts = false;
  int begun = 0, pieces = 0;
  size_t held = 0;                  // by a source
  std::function<void()> meanwhile;  // it is restored

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

inline constexpr core::compaction never{0, byte_count(0), 0, byte_count(0)};
inline constexpr core::compaction after_five{5, byte_count(0), 0, byte_count(0)};

class state_machine_snapshot_test : public virtual_raft_test {
 protected:
  void start(core::compaction policy, bool restore_first = false) {
    store_ = *storage::snapshot_store::open(files_, "snapshots");
    sink_ = system_.spawn(snapshot_sink, store_, board_, byte_count(0));
    state_machine_options o;
    o.hosted = hosted_;
    o.beginning = beginning_;
    if (restore_first) o.beginning.newest = store_->newest_meta();
    if (disk_)
      o.log = system_.spawn(log_store, disk_, *find_beginning(*disk_, store_.get()), board_,
                            byte_count(0));
    o.sink = sink_;
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
  log_beginning beginning_;
  std::vector<std::string> states_;
  snapshot_sink_actor sink_;
  state_machine_actor machine_;
  log_tail tail_;
};

}  // namespace troupe
