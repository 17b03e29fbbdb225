#include "actors/snapshot_build.h"

#include <algorithm>

#include "caf/typed_event_based_actor.hpp"
#include "proto/trace.h"

namespace troupe {
namespace {

constexpr size_t most_under_way = 4;
// What is kept for it must not grow for as long as its rate allows.
constexpr size_t much_held = 16 << 20;

// It looks again in time.
duration soon(duration pause) { return std::min<duration>(pause, std::chrono::milliseconds(10)); }

}  // namespace

snapshot_build::snapshot_build(self_ptr self, std::unique_ptr<snapshot_source> from, options o)
    : self_(self),
      from_(std::move(from)),
      options_(std::move(o)),
      began_(self->clock().now()),
      pace_(options_.rate),
      log_("makes a snapshot", began_) {}

snapshot_build::~snapshot_build() {
  options_.board->post([](metrics& m) { m.making = {}; });
}

void snapshot_build::begin() {
  TROUPE_EVENT(info) << "makes a snapshot up to " << options_.meta.last.last;
  self_->request(options_.sink, caf::infinite, begin_snapshot{options_.meta})
      .then(
          [me = weak_from_this()](const done&) {
            if (auto build = me.lock()) build->go_on();
          },
          [me = weak_from_this()](const caf::error& e) {
            if (auto build = me.lock()) build->end(code_of(e, raft_errc::storage_failed));
          });
}

void snapshot_build::go_on() {
  waking_ = false;
  if (ended_ || read_ || under_way_ >= most_under_way) return;
  const auto now = self_->clock().now();
  if (!pace_.may_go(now) && from_->held() < much_held)
    return want_to_go_on(soon(pace_.next() - now));
  auto piece = next_piece();
  if (!piece.ok()) {
    TROUPE_EVENT(warn) << "the machine gives up its snapshot: " << piece.status().message();
    return end(raft_errc::machine_failed);
  }
  read_ = piece->empty();
  bytes_ += piece->size();
  pace_.went(piece->size(), now);
  const snapshot_progress so_far{bytes_, options_.likely_size};
  options_.board->post([&](metrics& m) { m.making = so_far; });
  log_.note(so_far, now);
  send(*std::move(piece));
  want_to_go_on({});
}

// An exception is no harm: reading changes nothing.
absl::StatusOr<std::string> snapshot_build::next_piece() {
  try {
    return from_->next();
  } catch (const std::exception& e) {
    return absl::InternalError(e.what());
  } catch (...) {
    return absl::InternalError("an exception that is no std::exception");
  }
}

void snapshot_build::send(std::string piece) {
  ++under_way_;
  self_->request(options_.sink, caf::infinite, add_to_snapshot{std::move(piece)})
      .then(
          [me = weak_from_this()](const done&) {
            const auto build = me.lock();
            if (!build) return;
            --build->under_way_;
            if (build->read_ && build->under_way_ == 0) return build->end(raft_errc::none);
            build->want_to_go_on({});
          },
          [me = weak_from_this()](const caf::error& e) {
            if (auto build = me.lock()) build->end(code_of(e, raft_errc::storage_failed));
          });
}

// Behind all that waits in the mailbox.
void snapshot_build::want_to_go_on(duration pause) {
  if (read_ || under_way_ >= most_under_way || std::exchange(waking_, true)) return;
  pause == duration() ? self_->send(self_, build_on{})
                      : self_->delayed_send(self_, pause, build_on{});
}

void snapshot_build::end(raft_errc how) {
  if (std::exchange(ended_, true)) return;
  from_.reset();
  if (how == raft_errc::none) {
    const std::chrono::duration<double> took = self_->clock().now() - began_;
    TROUPE_EVENT(info) << "made a snapshot up to " << options_.meta.last.last << ", of " << bytes_
                       << " bytes of state, in " << took.count() << " s";
  }
  options_.done(how);
}

}  // namespace troupe
