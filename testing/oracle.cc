#include "testing/oracle.h"

#include <algorithm>
#include <sstream>

namespace troupe::sim {
namespace {

// Answers that promise that nothing happened.
bool is_refusal(raft_errc code) {
  switch (code) {
    case raft_errc::not_leader:
    case raft_errc::quorum_lost:
    case raft_errc::busy:
    case raft_errc::too_large:
    case raft_errc::dropped:
    case raft_errc::invalid:
      return true;
    default:
      return false;
  }
}

}  // namespace

template <class... Parts>
void oracle::require(bool holds, const Parts&... why) {
  if (holds) return;
  std::ostringstream out;
  out << "client oracle: ";
  (out << ... << why);
  complaint_(out.str());
}

void oracle::on_applied(log_index index, uint64_t command, const entry& e) {
  if (e.position <= history_.size()) {
    const auto& first = history_[e.position - 1];
    require(first.command == command && first.index == index && first.after == e, "command ",
            command, " is number ", e.position, " at index ", index, " here, elsewhere ",
            first.command, " at ", first.index);
    return;
  }
  require(e.position == history_.size() + 1, "command ", command, " leaves a gap in the list");
  const auto [before, is_new] = positions_.try_emplace(command, e.position);
  require(is_new, "command ", command, " is applied twice, as number ", before->second, " and ",
          e.position);
  require(!refused_.contains(command), "command ", command, " was refused and is applied at ",
          index);
  history_.push_back({command, index, e});
}

oracle::operation oracle::begin(std::optional<read_mode> read, size_t count) {
  pending op{read, answered_, {}};
  while (op.commands.size() < count) op.commands.push_back(++commands_);
  open_.emplace(++operations_, std::move(op));
  ++totals_.begun;
  return operations_;
}

oracle::operation oracle::begin_write(size_t count) { return begin({}, count); }
oracle::operation oracle::begin_read(read_mode mode) { return begin(mode, 0); }

void oracle::end(operation id, const outcome& o) {
  const auto op = std::move(open_.extract(id).mapped());
  if (o.code == raft_errc::none) {
    if (op.read)
      end_read(op, o);
    else
      end_write(op, o);
  } else if (is_refusal(o.code)) {
    ++totals_.refused;
    for (const auto command : op.commands) {
      require(!positions_.contains(command), "command ", command,
              " was applied, and is refused: ", to_string(o.code));
      refused_.insert(command);
    }
  } else {
    ++totals_.unknown;
  }
}

bool oracle::known(const entry& e) const {
  if (e.position == 0) return e == entry{};
  return e.position <= history_.size() && history_[e.position - 1].after == e;
}

void oracle::end_write(const pending& op, const outcome& o) {
  ++totals_.ok_writes;
  require(o.results.size() == op.commands.size(), "a write has ", o.results.size(), " results");
  auto command = op.commands.begin();
  log_index index = o.index - (op.commands.size() - 1);
  for (const auto bytes : o.results) {
    const entry e = decode_entry(bytes);
    require(known(e) && e.position != 0, "the answer to command ", *command,
            " is no state that ever was");
    if (known(e) && e.position != 0) {
      const auto& real = history_[e.position - 1];
      require(real.command == *command && real.index == index, "command ", *command, " at ", index,
              " is said to be number ", e.position, ", which is ", real.command, " at ",
              real.index);
    }
    require(e.position > op.floor, "command ", *command, " became number ", e.position,
            ", before it was proposed: ", op.floor, " were there");
    answered_ = std::max(answered_, e.position);
    ++command;
    index = index.next();
  }
}

void oracle::end_read(const pending& op, const outcome& o) {
  ++totals_.ok_reads;
  ++totals_.ok_reads_by[*op.read];
  require(o.results.size() == 1, "a read has ", o.results.size(), " results");
  const entry e = decode_entry(*o.results.begin());
  require(known(e), "a read saw a state that never was");
  if (op.read == read_mode::stale) return;
  require(e.position >= op.floor, "a stale read, mode ", static_cast<int>(*op.read), ": it saw ",
          e.position, " commands, and ", op.floor, " were answered before it began");
  answered_ = std::max(answered_, e.position);
}

}  // namespace troupe::sim
