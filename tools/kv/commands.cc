#include "tools/kv/commands.h"

#include <algorithm>
#include <charconv>

#include "tools/kv/glob.h"
#include "tools/kv/reply.h"

namespace troupe::kv {
namespace {

// A page of SCAN ends when it has this many bytes, and a scratch buffer beyond it is given back.
constexpr size_t page_bytes = 1 << 20;
// More than this for one page would hold up the apply queue.
constexpr int64_t max_scan_count = 100'000;

constexpr std::string_view old_value_too_long =
    "ERR the old value is longer than 65536 bytes; nothing happened, read it with GET";

// As many bytes as the longest number has.
constexpr size_t max_number_bytes = 20;

bool too_long(const std::optional<store::value>& old) {
  return old && old->size > max_old_value_bytes;
}

}  // namespace

void commands::apply(std::string_view bytes, frames& results) {
  command c;
  if (const auto fault = parse(bytes, c); !fault.empty())
    results.add(error(fault));
  else
    results.add(c.sequence == 0 ? execute(c) : execute_once(c));
  if (reply_.capacity() > page_bytes) std::string().swap(reply_);
}

void commands::query(std::string_view question, frames& results) {
  command c;
  if (const auto fault = parse(question, c); !fault.empty())
    results.add(error(fault));
  else
    results.add(answer(c));
  if (reply_.capacity() > page_bytes) std::string().swap(reply_);
}

std::string_view commands::execute_once(command& c) {
  if (const auto* known = sessions_.use(c.session)) {
    if (c.sequence == known->sequence) return known->answer;
    if (c.sequence < known->sequence)
      return error("ERR session is at sequence " + std::to_string(known->sequence) +
                   " already; nothing happened now");
  } else if (c.sequence != 1 || sessions::is_given(c.session)) {
    // It may be one that was forgotten, and this a write that happened before that.
    return error("ERR unknown session; nothing happened now");
  }
  const auto reply = execute(c);
  sessions_.keep(c.session, c.sequence, reply);
  return reply;
}

std::string_view commands::execute(command& c) {
  switch (c.what) {
    case op::set:
      return set(c);
    case op::getset:
      return getset(c);
    case op::del:
      return del(c);
    case op::incr_by:
      return incr_by(c);
    case op::append:
      return append(c);
    case op::mset:
      return mset(c);
    case op::flush_all:
      return data_.clear(), ok_reply;
    case op::cas:
      return cas(c);
    case op::cas_absent:
      return cas_absent(c);
    case op::open_session:
      reply_.clear();
      append_bulk(reply_, sessions_.open());
      return reply_;
    default:
      return error("ERR malformed command: a query is not a write");
  }
}

std::string_view commands::answer(command& c) {
  switch (c.what) {
    case op::get:
      return bulk_or_nil(data_.find(c.args.take()));
    case op::exists:
      return exists(c);
    case op::strlen: {
      const auto value = data_.find(c.args.take());
      return integer(value ? static_cast<int64_t>(value->size) : 0);
    }
    case op::mget:
      return mget(c);
    case op::dbsize:
      return integer(static_cast<int64_t>(data_.size()));
    case op::scan:
      return scan(c);
    default:
      return error("ERR malformed query: a write is not a query");
  }
}

std::string_view commands::set(command& c) {
  const std::string_view key = c.args.take();
  const std::string_view value = c.args.take();
  if (c.flags == 0) {
    data_.put(key, value);
    return ok_reply;
  }
  const auto old = data_.find(key);
  const bool refused =
      (old && (c.flags & only_if_absent) != 0) || (!old && (c.flags & only_if_present) != 0);
  std::string_view reply = refused ? nil_reply : ok_reply;
  if ((c.flags & return_old) != 0) {
    if (too_long(old)) return error(old_value_too_long);
    reply = bulk_or_nil(old);
  }
  if (!refused) data_.put(key, value);
  return reply;
}

std::string_view commands::getset(command& c) {
  const std::string_view key = c.args.take();
  const auto old = data_.find(key);
  if (too_long(old)) return error(old_value_too_long);
  const std::string_view reply = bulk_or_nil(old);
  data_.put(key, c.args.take());
  return reply;
}

std::string_view commands::del(command& c) {
  int64_t count = 0;
  while (!c.args.done()) count += data_.erase(c.args.take()) ? 1 : 0;
  return integer(count);
}

std::string_view commands::incr_by(command& c) {
  const std::string_view key = c.args.take();
  const int64_t by = c.args.take_number();
  const auto old = data_.find(key);
  int64_t n = 0;
  if (old && (old->size > max_number_bytes || !parse_integer(data_.read(*old), n)))
    return error("ERR value is not an integer or out of range");
  if (__builtin_add_overflow(n, by, &n)) return error("ERR increment or decrement would overflow");
  char text[24];
  const char* end = std::to_chars(text, text + sizeof text, n).ptr;
  data_.put(key, {text, static_cast<size_t>(end - text)});
  return integer(n);
}

std::string_view commands::append(command& c) {
  const std::string_view key = c.args.take();
  const std::string_view tail = c.args.take();
  const auto old = data_.find(key);
  if (old && old->size + tail.size() > max_value_bytes)
    return error("ERR string exceeds maximum allowed size (33554432 bytes)");
  return integer(static_cast<int64_t>(data_.append(key, tail)));
}

std::string_view commands::mset(command& c) {
  // Nothing can fail any more: all arguments were checked when the command was parsed.
  while (!c.args.done()) {
    const std::string_view key = c.args.take();
    data_.put(key, c.args.take());
  }
  return ok_reply;
}

std::string_view commands::cas(command& c) {
  const std::string_view key = c.args.take();
  const auto value = data_.find(key);
  const auto expected = c.args.take();
  if (!value || value->size != expected.size() || data_.read(*value) != expected) return integer(0);
  data_.put(key, c.args.take());
  return integer(1);
}

std::string_view commands::cas_absent(command& c) {
  const std::string_view key = c.args.take();
  if (data_.find(key)) return integer(0);
  data_.put(key, c.args.take());
  return integer(1);
}

std::string_view commands::exists(command& c) {
  int64_t count = 0;
  while (!c.args.done()) count += data_.find(c.args.take()) ? 1 : 0;
  return integer(count);
}

std::string_view commands::mget(command& c) {
  reply_.clear();
  append_array(reply_, c.count);
  while (!c.args.done()) {
    const auto value = data_.find(c.args.take());
    if (!value)
      reply_.append(nil_reply);
    else if (reply_.size() + value->size > max_reply_bytes)
      return error("ERR reply is longer than 67108864 bytes");
    else
      append_bulk(reply_, data_.read(*value));
  }
  return reply_;
}

std::string_view commands::scan(command& c) {
  const auto cursor = static_cast<uint64_t>(c.args.take_number());
  const int64_t count = std::clamp<int64_t>(c.args.take_number(), 1, max_scan_count);
  const bool filtered = !c.args.done();
  const std::string_view pattern = c.args.take();
  uint64_t found = 0;
  page_.clear();
  const uint64_t next = data_.scan(
      cursor, count,
      [&](std::string_view key) {
        if (filtered && !glob_match(pattern, key)) return;
        append_bulk(page_, key);
        ++found;
      },
      [&] { return page_.size() < page_bytes; });
  reply_.clear();
  append_array(reply_, 2);
  append_bulk(reply_, std::to_string(next));
  append_array(reply_, found);
  reply_.append(page_);
  if (page_.capacity() > page_bytes) std::string().swap(page_);
  return reply_;
}

std::string_view commands::bulk_or_nil(const std::optional<store::value>& value) {
  if (!value) return nil_reply;
  reply_.clear();
  append_bulk(reply_, data_.read(*value));
  return reply_;
}

std::string_view commands::integer(int64_t n) {
  reply_.clear();
  append_integer(reply_, n);
  return reply_;
}

std::string_view commands::error(std::string_view text) {
  reply_.clear();
  append_error(reply_, text);
  return reply_;
}

}  // namespace troupe::kv
