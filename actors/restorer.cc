#include "actors/restorer.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/progress_log.h"
#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

// The state in a snapshot's file.
class state_in_file final : public snapshot_source {
 public:
  state_in_file(const restore_machine& m, observed& board)
      : from_(*m.from), stop_(*m.stop), board_(board), log_("restores a snapshot", now()) {}

  absl::StatusOr<std::string> next() override {
    if (stop_) return absl::CancelledError("the node ends");
    auto block = from_.next();
    const snapshot_progress so_far{from_.position(), from_.size()};
    board_.post([&](metrics& m) { m.restoring = so_far; });
    log_.note(so_far, now());
    return block;
  }
  log_index last() const override { return from_.meta().last.last.index; }

 private:
  // It blocks its thread, so this is no time of an actor.
  static instant now() { return std::chrono::steady_clock::now(); }

  storage::snapshot_reader& from_;
  const std::atomic<bool>& stop_;
  observed& board_;
  progress_log log_;
};

// Nothing of a damaged snapshot reaches the machine.
restored_machine restore(const restore_machine& m, observed& board) {
  const auto wanted = [&] { return !*m.stop; };
  if (auto whole = m.from->verify(wanted); !whole.ok()) return {whole, false};
  state_in_file state(m, board);
  try {
    auto how = m.what->restore(state);
    const bool untouched = how.ok() || absl::IsDataLoss(how);
    return {std::move(how), !untouched};
  } catch (const std::exception& e) {
    return {absl::InternalError(e.what()), true};
  } catch (...) {
    return {absl::InternalError("an exception that is no std::exception"), true};
  }
}

// Of this thread, which ends with the actor. Where it is not allowed, all is as without it.
void stand_back() {
  constexpr int a_tenth_of_a_busy_core = 10;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), a_tenth_of_a_busy_core);
}

}  // namespace

restorer_actor::behavior_type restorer(restorer_actor::pointer self,
                                       std::shared_ptr<observed> board, bool own_thread) {
  if (own_thread) stand_back();
  return {
      [=](const restore_machine& m) {
        auto done = restore(m, *board);
        board->post([](metrics& b) { b.restoring = {}; });
        self->quit();
        return done;
      },
  };
}

}  // namespace troupe
