// One client connection without its socket: bytes in, actions for the node, outcomes in, replies
// out.
//
//   s.on_bytes(read_from_socket);         // or s.on_results / s.on_failure
//   write_to_socket(s.take_output());     // when what was taken before has been written
//   for (auto& a : s.take_actions()) …;   // answer each by on_results or on_failure
//   go on reading if s.wants_input(), close if s.finished()
//
// Replies come in the order of the requests. Consecutive requests of one kind form a run, which is
// one action. Runs are issued in order:
//   - a write run follows outstanding write runs at once: the way to the leader keeps their order;
//   - a linearizable read follows outstanding writes at once: the leader's read index covers all
//     that it received before; any other read waits for them, so that it sees its connection's
//     writes;
//   - a write waits for outstanding reads, which must not see it;
//   - a question to the node waits for everything before it, and everything behind it waits for it.
//
// Room for the answers of writes that return a value is found before they are issued. A run of
// reads is asked for with a bound on the bytes of its answers, which grows with what
// answers turn out to be. The reads whose answers did not fit are asked for again.
//
// Memory: `bytes_held()` exceeds `max_bytes` by no more than what one call of `on_bytes` brought
// in, the replies to runs that were issued, and the parser's one unfinished command. Replies also
// have to fit into a budget that sessions share; only the oldest run of reads waits for it, and
// what is behind that one holds next to nothing, so that no two sessions wait for each other. One
// thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/frames.h"
#include "tools/resp/budget.h"
#include "tools/resp/parser.h"
#include "tools/resp/translate.h"

namespace troupe::resp {

struct session_limits {
  size_t max_runs = 16;               // issued and not answered
  uint32_t max_run_commands = 1024;   // a longer run is split
  size_t max_run_bytes = 1 << 20;     // the same; one larger command is a run of its own
  size_t max_bytes = 16 << 20;        // requests not answered and replies not taken
  size_t max_reply_bytes = 65 << 20;  // no reply is larger
  parser_limits parsing = {};
};

// Names one run of one session; never used again.
using ticket = uint64_t;

// What the node is asked to do. Its outcome is reported with its id.
struct action {
  enum class kind : uint8_t { propose, read, admin };

  kind what = kind::propose;
  ticket id = 0;
  frames commands;                              // of propose and read
  size_t most = 0;                              // of read: bytes of results, as frames
  read_mode mode = read_mode::linearizable;     // of read
  admin_request admin = admin_request::status;  // of admin
  uint64_t argument = 0;                        // of admin
};

// Why a run got no results. The client reads it as the first word of its errors.
enum class failure : uint8_t {
  malformed,  // ERR: nothing happened and trying again does not help
  busy,       // BUSY: refused before the log
  no_leader,  // NOLEADER: refused before the log
  unknown,    // UNKNOWN: it may or may not take effect; of a read it is NOLEADER
  read_only,  // READONLY: the disk is full or failing
};

class session {
 public:
  // `id` is what CLIENT ID answers. `wake` is called when the budget has room for what was not
  // issued: take actions then, but not in that call.
  session(uint64_t id, session_limits limits, budget& shared, std::function<void()> wake);

  // Takes in what the client sent, all of it. Ignored once `finished()` is only a matter of time.
  void on_bytes(std::string_view bytes);

  // As when the client says QUIT: what was taken in is answered, and nothing more is.
  void close() { closing_ = true; }

  // The run succeeded: `replies` holds the bytes of one RESP2 reply for each of its commands (for
  // an admin request, one), of a read for those that fit. Any other number of them counts as an
  // unknown outcome. Both answer false for an id that is not outstanding, and change nothing then.
  bool on_results(ticket id, frames_view replies);
  // The run failed: one error for each command. An empty `detail` gives the failure's usual text.
  bool on_failure(ticket id, failure why, std::string_view detail = {});

  // What may be issued now, in the order in which it must reach the leader.
  std::vector<action> take_actions();
  // Replies for the client. Taking them makes room, so take actions after it. The budget counts
  // them until `on_sent`, which speaks of all that was taken.
  std::string take_output();
  void on_sent();
  bool has_output() const { return !output_.empty(); }

  // False: leave the client's bytes in the socket until outcomes or taken output made room.
  bool wants_input() const;
  // All replies are in the output, and the connection is to be closed behind them.
  bool finished() const { return closing_ && runs_.empty(); }

  size_t bytes_held() const { return request_bytes_ + reply_bytes_ + output_.size(); }
  size_t runs_outstanding() const { return writes_out_ + reads_.size() + admins_out_; }

 private:
  enum class state : uint8_t { waiting, issued, answered };
  struct run {
    request_kind kind = request_kind::local;
    state is = state::waiting;
    action todo;         // of a read, it stays until all of it is answered
    uint32_t count = 0;  // not answered
    size_t bytes = 0;
    size_t skip = 0;     // bytes of the reads that were answered
    uint32_t asked = 0;  // reads under way, and
    size_t granted = 0;  // how much the answers that are under way may take
    size_t answers = 0;  // of writes that return a value: at most so many bytes
    size_t least = 0;    // the next read alone takes more than was granted: ask for so much
    std::string reply;
  };
  // Of a run of reads, what is asked for at once.
  struct portion {
    uint32_t reads;
    size_t bytes;
  };

  void add(const request& r);
  void add_reply(std::string_view reply);
  bool joins(const run& back, const request& r) const;
  bool may_issue(const run& next) const;
  void issue(run& next, std::vector<action>& actions);
  portion portion_of(const run& r) const;
  bool ask(run& r, std::vector<action>& actions);
  bool find_room(run& r);
  bool try_grant(run& r, size_t bytes);
  void on_read(run& r, frames_view replies);
  void learn_reply_size(frames_view replies);
  run& at(ticket id) { return runs_[id - runs_.front().todo.id]; }
  run* find_issued(ticket id);
  void append(run& r, std::string_view reply);
  void settle(run& r);
  void flush();
  void charge() { share_.hold(to_be_sent()); }
  size_t to_be_sent() const { return granted_ + reply_bytes_ + output_.size() + unsent_; }

  session_limits limits_;
  parser parser_;
  client client_;
  request scratch_;
  budget::share share_;
  std::deque<run> runs_;  // not yet in the output, oldest first; ids without gaps
  ticket next_id_ = 1;    // of the next run
  ticket next_to_issue_ = 1;
  size_t writes_out_ = 0;
  size_t admins_out_ = 0;
  std::deque<ticket> reads_;  // issued and not answered, oldest first
  bool stands_in_line_ = false;
  size_t request_bytes_ = 0;  // of runs that were not answered
  size_t reply_bytes_ = 0;    // of answers behind a run that was not
  size_t granted_ = 0;        // of all runs
  size_t reply_estimate_;     // of one read, as replies turn out large or small
  std::string output_;
  size_t unsent_ = 0;  // of what was taken
  bool closing_ = false;
};

}  // namespace troupe::resp
