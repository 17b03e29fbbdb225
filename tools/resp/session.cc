#include "tools/resp/session.h"

#include <algorithm>

#include "tools/kv/reply.h"

namespace troupe::resp {
namespace {

// How many reads are asked for at once before the size of their replies is known.
constexpr uint32_t first_reads_at_once = 8;
// A scratch buffer beyond it is given back.
constexpr size_t keep_bytes = 64 << 10;

struct wording {
  std::string_view word;
  std::string_view usual;
};

wording wording_of(failure why) {
  switch (why) {
    case failure::malformed:
      return {"ERR", "the node does not understand this command; nothing happened"};
    case failure::busy:
      return {"BUSY", "too much is under way; nothing happened, try again"};
    case failure::no_leader:
      return {"NOLEADER", "no leader can be reached; nothing happened, try again"};
    case failure::unknown:
      return {"UNKNOWN", "the leader was lost on the way; it may or may not take effect"};
    case failure::read_only:
      return {"READONLY", "the disk is full or failing; nothing happened"};
  }
  return {"ERR", "unknown failure"};
}

action::kind kind_of(request_kind kind) {
  switch (kind) {
    case request_kind::write:
      return action::kind::propose;
    case request_kind::read:
      return action::kind::read;
    default:
      return action::kind::admin;
  }
}

}  // namespace

session::session(uint64_t id, session_limits limits)
    : limits_(limits),
      parser_(limits.parsing),
      client_{id, {}},
      reply_estimate_(limits.max_bytes / limits.max_runs),
      reads_at_once_(std::min(first_reads_at_once, limits.max_run_commands)) {}

void session::on_bytes(std::string_view bytes) {
  while (!closing_) {
    switch (parser_.next(bytes)) {
      case parser::step::need_more:
        return;
      case parser::step::command:
        translate(parser_.arguments(), client_, scratch_);
        add(scratch_);
        break;
      case parser::step::broken: {
        std::string error;
        kv::append_error(error, "ERR " + parser_.error());
        add_reply(error);
        closing_ = true;
        return;
      }
    }
    if (scratch_.bytes.capacity() > keep_bytes) std::string().swap(scratch_.bytes);
  }
}

void session::add(const request& r) {
  if (r.kind == request_kind::local || r.kind == request_kind::hang_up) {
    add_reply(r.bytes);
    closing_ = r.kind == request_kind::hang_up;
    return;
  }
  if (runs_.empty() || !joins(runs_.back(), r)) {
    run& fresh = runs_.emplace_back();
    fresh.kind = r.kind;
    fresh.todo = {kind_of(r.kind), next_id_++, {}, r.mode, r.admin, r.argument};
  }
  run& back = runs_.back();
  if (r.kind != request_kind::admin) back.todo.commands.add(r.bytes);
  const size_t bytes = r.bytes.size() + sizeof(uint32_t);
  ++back.count;
  back.bytes += bytes;
  request_bytes_ += bytes;
}

bool session::joins(const run& back, const request& r) const {
  if (back.is != state::waiting || back.kind != r.kind || r.kind == request_kind::admin)
    return false;
  const bool read = r.kind == request_kind::read;
  if (read && back.todo.mode != r.mode) return false;
  return back.count < (read ? reads_at_once_ : limits_.max_run_commands) &&
         back.bytes + r.bytes.size() <= limits_.max_run_bytes;
}

void session::add_reply(std::string_view reply) {
  if (runs_.empty()) {
    output_ += reply;
    return;
  }
  if (runs_.back().kind != request_kind::local) {
    run& fresh = runs_.emplace_back();
    fresh.is = state::answered;
    fresh.todo.id = next_id_++;
  }
  runs_.back().reply += reply;
  reply_bytes_ += reply.size();
}

size_t& session::outstanding(request_kind kind) {
  if (kind == request_kind::write) return writes_out_;
  return kind == request_kind::read ? reads_out_ : admins_out_;
}

bool session::may_issue(const run& next) const {
  if (runs_outstanding() >= limits_.max_runs || admins_out_ != 0) return false;
  switch (next.kind) {
    case request_kind::write:
      return reads_out_ == 0;
    case request_kind::read:
      if (!room_for_replies(next)) return false;
      return next.todo.mode == read_mode::linearizable || writes_out_ == 0;
    default:
      return runs_outstanding() == 0;
  }
}

// A client that asks for much and takes nothing must not make the node hold all of it. One run is
// always allowed, as long as what is there already is below the bound.
bool session::room_for_replies(const run& next) const {
  const size_t there = output_.size() + reply_bytes_;
  const size_t expected = (reads_expected_ + next.count) * reply_estimate_;
  return there < limits_.max_bytes && (reads_out_ == 0 || there + expected <= limits_.max_bytes);
}

std::vector<action> session::take_actions() {
  std::vector<action> actions;
  while (next_to_issue_ < next_id_) {
    run& next = runs_[next_to_issue_ - runs_.front().todo.id];
    if (next.kind != request_kind::local) {
      if (!may_issue(next)) break;
      next.is = state::issued;
      ++outstanding(next.kind);
      if (next.kind == request_kind::read) reads_expected_ += next.count;
      const ticket id = next.todo.id;
      actions.push_back(std::move(next.todo));
      next.todo = {.id = id, .commands = {}};
    }
    ++next_to_issue_;
  }
  return actions;
}

session::run* session::find_issued(ticket id) {
  if (runs_.empty() || id < runs_.front().todo.id || id >= next_id_) return nullptr;
  run& r = runs_[id - runs_.front().todo.id];
  return r.is == state::issued ? &r : nullptr;
}

bool session::on_results(ticket id, frames_view replies) {
  run* r = find_issued(id);
  if (r == nullptr) return false;
  if (replies.size() != r->count)
    return on_failure(id, failure::unknown, "the node's answer does not fit the question");
  learn_reply_size(*r, replies.bytes().size());
  settle(*r, [&](std::string& out) {
    out.reserve(out.size() + replies.bytes().size());
    for (const std::string_view reply : replies) out += reply;
  });
  return true;
}

bool session::on_failure(ticket id, failure why, std::string_view detail) {
  run* r = find_issued(id);
  if (r == nullptr) return false;
  // Only a write can leave doubt about what happened.
  if (why == failure::unknown && r->kind != request_kind::write) why = failure::no_leader;
  const auto [word, usual] = wording_of(why);
  std::string line;
  kv::append_error(
      line, std::string(word) + ' ' + std::string(detail.empty() ? usual : detail.substr(0, 200)));
  settle(*r, [&](std::string& out) {
    for (uint32_t i = 0; i < r->count; ++i) out += line;
  });
  return true;
}

// Takes the run's reply, and moves to the output all that is next in order.
template <class Append>
void session::settle(run& r, Append&& append) {
  const bool first = &r == &runs_.front();
  append(first ? output_ : r.reply);
  r.is = state::answered;
  request_bytes_ -= r.bytes;
  reply_bytes_ += r.reply.size();
  --outstanding(r.kind);
  if (r.kind == request_kind::read) reads_expected_ -= r.count;
  if (!first) return;
  runs_.pop_front();
  while (!runs_.empty() && runs_.front().is == state::answered) {
    output_ += runs_.front().reply;
    reply_bytes_ -= runs_.front().reply.size();
    // A reply that waited need not be issued.
    next_to_issue_ = std::max(next_to_issue_, runs_.front().todo.id + 1);
    runs_.pop_front();
  }
}

// Reads of large values are asked for in small runs, so that what was asked bounds what comes.
void session::learn_reply_size(const run& r, size_t bytes) {
  if (r.kind != request_kind::read) return;
  reply_estimate_ = std::max(bytes / r.count, reply_estimate_ / 2);
  if (bytes > limits_.max_bytes / limits_.max_runs)
    reads_at_once_ = std::max(r.count / 4, 1u);
  else if (bytes < limits_.max_bytes / limits_.max_runs / 8)
    reads_at_once_ = std::min(reads_at_once_ * 2, limits_.max_run_commands);
}

std::string session::take_output() {
  std::string taken;
  taken.swap(output_);
  return taken;
}

bool session::wants_input() const {
  return !closing_ && runs_outstanding() < limits_.max_runs && bytes_held() < limits_.max_bytes;
}

}  // namespace troupe::resp
