#include "tools/resp/session.h"

#include <algorithm>
#include <utility>

#include "tools/kv/reply.h"

namespace troupe::resp {
namespace {

// What a reply is taken for before one was seen, and what each read is granted at least.
constexpr size_t first_estimate = 128;
constexpr size_t least_grant = 2 << 10;
// Replies that are larger than was granted are first tried with so much.
constexpr size_t second_grant = 1 << 20;
// No more than about so much is asked for at once.
constexpr size_t usual_portion = 4 << 20;
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
      return {"BUSY",
              "too much is under way, or the state is not there yet; nothing happened, try again"};
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

session::session(uint64_t id, session_limits limits, budget& shared, std::function<void()> wake)
    : limits_(limits),
      parser_(limits.parsing),
      client_{id, {}},
      share_(shared, std::move(wake)),
      reply_estimate_(first_estimate) {}

void session::on_bytes(std::string_view bytes) {
  while (!closing_) {
    switch (parser_.next(bytes)) {
      case parser::step::need_more:
        return charge();
      case parser::step::command:
        translate(parser_.arguments(), client_, scratch_);
        add(scratch_);
        break;
      case parser::step::broken: {
        std::string error;
        kv::append_error(error, "ERR " + parser_.error());
        add_reply(error);
        closing_ = true;
        return charge();
      }
    }
    if (scratch_.bytes.capacity() > keep_bytes) std::string().swap(scratch_.bytes);
  }
  charge();
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
    fresh.todo = {kind_of(r.kind), next_id_++, {}, 0, r.mode, r.admin, r.argument};
  }
  run& back = runs_.back();
  if (r.kind != request_kind::admin) back.todo.commands.add(r.bytes);
  const size_t bytes = r.bytes.size() + sizeof(uint32_t);
  ++back.count;
  back.bytes += bytes;
  back.answers += r.answer;
  request_bytes_ += bytes;
}

bool session::joins(const run& back, const request& r) const {
  if (back.is != state::waiting || back.kind != r.kind || r.kind == request_kind::admin)
    return false;
  const bool read = r.kind == request_kind::read;
  if (read && back.todo.mode != r.mode) return false;
  return back.count < limits_.max_run_commands &&
         back.bytes + r.bytes.size() <= limits_.max_run_bytes &&
         back.answers + r.answer <= usual_portion;
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

// -- asking ---------------------------------------------------------------------------------------

bool session::may_issue(const run& next) const {
  if (runs_outstanding() >= limits_.max_runs || admins_out_ != 0) return false;
  switch (next.kind) {
    case request_kind::write:
      return reads_.empty();
    case request_kind::read:
      return next.todo.mode == read_mode::linearizable || writes_out_ == 0;
    default:
      return runs_outstanding() == 0;
  }
}

std::vector<action> session::take_actions() {
  std::vector<action> actions;
  stands_in_line_ = false;
  if (!reads_.empty() && at(reads_.front()).asked == 0) ask(at(reads_.front()), actions);
  for (; next_to_issue_ < next_id_; ++next_to_issue_) {
    run& next = at(next_to_issue_);
    if (next.kind == request_kind::local) continue;
    if (!may_issue(next)) break;
    if (next.kind == request_kind::read ? !ask(next, actions) : !find_room(next)) break;
    issue(next, actions);
  }
  if (!stands_in_line_) share_.leave_line();
  return actions;
}

void session::issue(run& next, std::vector<action>& actions) {
  next.is = state::issued;
  if (next.kind == request_kind::read) return reads_.push_back(next.todo.id);
  ++(next.kind == request_kind::write ? writes_out_ : admins_out_);
  const ticket id = next.todo.id;
  actions.push_back(std::move(next.todo));
  next.todo = {.id = id, .commands = {}};
}

// As many reads as may fit into what is asked for at once, with some room for surprises.
session::portion session::portion_of(const run& r) const {
  if (r.least != 0) return {1, r.least};
  const size_t each = 2 * reply_estimate_;
  const size_t reads = std::clamp<size_t>(usual_portion / each, 1, r.count);
  return {static_cast<uint32_t>(reads),
          std::clamp(each * reads, least_grant, limits_.max_reply_bytes)};
}

// A client that asks for much and takes nothing must not make the node hold all of it: it may ask
// as long as what is there already is below the bound.
bool session::try_grant(run& r, size_t bytes) {
  if (output_.size() >= limits_.max_bytes) return false;
  if (!share_.try_hold(to_be_sent() + bytes)) {
    stands_in_line_ = true;
    return false;
  }
  r.granted = bytes;
  granted_ += bytes;
  return true;
}

// Most writes answer next to nothing, and do not wait.
bool session::find_room(run& r) { return r.answers == 0 || try_grant(r, r.answers); }

// Only the oldest run of reads waits for room.
bool session::ask(run& r, std::vector<action>& actions) {
  const auto [reads, bytes] = portion_of(r);
  if (reads_.empty() || reads_.front() == r.todo.id) {
    if (!try_grant(r, bytes)) return false;
  } else {
    if (granted_ + reply_bytes_ + bytes > budget::free_bytes) return false;
    r.granted = bytes;
    granted_ += bytes;
    charge();
  }
  const frames_view rest(r.todo.commands.view().bytes().substr(r.skip), r.count);
  actions.push_back({.what = action::kind::read,
                     .id = r.todo.id,
                     .commands = frames(rest.first(reads)),
                     .most = bytes,
                     .mode = r.todo.mode});
  r.asked = reads;
  return true;
}

// -- outcomes -------------------------------------------------------------------------------------

session::run* session::find_issued(ticket id) {
  if (runs_.empty() || id < runs_.front().todo.id || id >= next_id_) return nullptr;
  run& r = at(id);
  const bool under_way = r.is == state::issued && (r.kind != request_kind::read || r.asked != 0);
  return under_way ? &r : nullptr;
}

bool session::on_results(ticket id, frames_view replies) {
  run* r = find_issued(id);
  if (r == nullptr) return false;
  const bool read = r->kind == request_kind::read;
  if (read ? replies.size() > r->asked : replies.size() != r->count)
    return on_failure(id, failure::unknown, "the node's answer does not fit the question");
  if (read && replies.empty() && r->granted >= limits_.max_reply_bytes)
    return on_failure(id, failure::malformed, "the answer is too long");
  if (read) return on_read(*r, replies), true;
  for (const std::string_view reply : replies) append(*r, reply);
  settle(*r);
  return true;
}

void session::on_read(run& r, frames_view replies) {
  for (const std::string_view reply : replies) append(r, reply);
  r.least = 0;
  if (!replies.empty())
    learn_reply_size(replies);
  else
    r.least = std::min(r.granted < second_grant ? second_grant : SIZE_MAX, limits_.max_reply_bytes);
  const frames_view rest(r.todo.commands.view().bytes().substr(r.skip), r.count);
  r.skip += rest.first(replies.size()).bytes().size();
  r.count -= replies.size();
  granted_ -= std::exchange(r.granted, 0);
  r.asked = 0;
  if (r.count == 0)
    settle(r);
  else
    charge();
}

bool session::on_failure(ticket id, failure why, std::string_view detail) {
  run* r = find_issued(id);
  if (r == nullptr) return false;
  // Only a write can leave doubt about what happened, and only the node itself answers the others.
  if (why == failure::unknown && r->kind != request_kind::write)
    why = r->kind == request_kind::read ? failure::no_leader : failure::busy;
  const auto [word, usual] = wording_of(why);
  std::string line;
  kv::append_error(
      line, std::string(word) + ' ' + std::string(detail.empty() ? usual : detail.substr(0, 200)));
  for (uint32_t i = 0; i < r->count; ++i) append(*r, line);
  settle(*r);
  return true;
}

void session::append(run& r, std::string_view reply) {
  const bool first = &r == &runs_.front();
  (first ? output_ : r.reply) += reply;
  if (!first) reply_bytes_ += reply.size();
}

void session::settle(run& r) {
  r.is = state::answered;
  granted_ -= std::exchange(r.granted, 0);
  request_bytes_ -= r.bytes;
  if (r.kind == request_kind::read)
    std::erase(reads_, r.todo.id);
  else
    --(r.kind == request_kind::write ? writes_out_ : admins_out_);
  r.todo.commands = {};
  flush();
  charge();
}

// Moves to the output all that is next in order.
void session::flush() {
  while (!runs_.empty()) {
    run& first = runs_.front();
    output_ += first.reply;
    reply_bytes_ -= first.reply.size();
    std::string().swap(first.reply);
    if (first.is != state::answered) return;
    // A reply that waited need not be issued.
    next_to_issue_ = std::max(next_to_issue_, first.todo.id + 1);
    runs_.pop_front();
  }
}

void session::learn_reply_size(frames_view replies) {
  reply_estimate_ = std::max(replies.bytes().size() / replies.size(), reply_estimate_ / 8 * 7);
}

std::string session::take_output() {
  std::string taken;
  taken.swap(output_);
  unsent_ += taken.size();
  return taken;
}

void session::on_sent() {
  unsent_ = 0;
  charge();
}

bool session::wants_input() const {
  return !closing_ && !share_.pressed() && runs_outstanding() < limits_.max_runs &&
         bytes_held() < limits_.max_bytes;
}

}  // namespace troupe::resp
