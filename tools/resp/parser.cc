#include "tools/resp/parser.h"

#include <algorithm>
#include <charconv>

#include <hiredis/read.h>

#include "tools/resp/inline_request.h"

namespace troupe::resp {
namespace {

// Small, as hiredis moves the rest of its buffer to the front again and again.
constexpr size_t slice_bytes = 8 << 10;
// Buffers above this are given back when a command is done.
constexpr size_t keep_bytes = 64 << 10;
// No length has more digits, so a longer header is wrong whatever follows.
constexpr size_t max_header_bytes = 32;

constexpr std::string_view bad_array = "invalid multibulk length";
constexpr std::string_view bad_bulk = "invalid bulk length";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

char type_byte(int type) {
  switch (type) {
    case REDIS_REPLY_ARRAY:
      return '*';
    case REDIS_REPLY_INTEGER:
      return ':';
    case REDIS_REPLY_STATUS:
      return '+';
    case REDIS_REPLY_ERROR:
      return '-';
    default:
      return '$';
  }
}

std::string expected(char wanted, std::string_view got) {
  return std::string("expected '") + wanted + "', got " + std::string(got);
}

std::string quoted(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7f) return std::string("\"") + c + '"';
  static constexpr char digits[] = "0123456789abcdef";
  return std::string("\"\\x") + digits[byte >> 4] + digits[byte & 15] + '"';
}

// A header that lacks its end already has what no header may have.
bool hopeless_header(std::string_view unread) {
  const size_t newline = unread.find('\n');
  if (newline != std::string_view::npos) return newline == 0 || unread[newline - 1] != '\r';
  return unread.size() > max_header_bytes;
}

}  // namespace

// What hiredis calls while it reads. Null makes it stop with an error.
struct parser::callbacks {
  static parser* self(const redisReadTask* task) { return static_cast<parser*>(task->privdata); }

  static void* bulk(const redisReadTask* task, char* bytes, size_t size) {
    return self(task)->on_bulk(*task, bytes, size) ? self(task) : nullptr;
  }
  static void* array(const redisReadTask* task, int count) {
    return self(task)->on_array(*task, count) ? self(task) : nullptr;
  }
  static void* integer(const redisReadTask*, long long) { return nullptr; }  // NOLINT: its type
  static void* nil(const redisReadTask*) { return nullptr; }
  static void free(void*) {}

  static inline redisReplyObjectFunctions table = {bulk, array, integer, nil, free};
};

void parser::free_reader::operator()(redisReader* r) const { redisReaderFree(r); }

parser::parser(parser_limits limits) : limits_(limits) { new_reader(); }

parser::~parser() = default;

void parser::new_reader() {
  reader_.reset(redisReaderCreateWithFunctions(&callbacks::table));
  reader_->privdata = this;
  reader_->maxbuf = keep_bytes;
}

size_t parser::buffered_bytes() const { return bytes_.size() + unread().size(); }

std::string_view parser::unread() const {
  return {reader_->buf + reader_->pos, reader_->len - reader_->pos};
}

bool parser::between_commands() const {
  return reader_->ridx == -1 || (reader_->ridx == 0 && reader_->rstack[0].type < 0);
}

parser::step parser::next(std::string_view& input) {
  if (!error_.empty()) return step::broken;
  if (!arguments_.empty()) begin();
  while (true) {
    if (!starved_) {
      if (const step s = advance(); s != step::need_more) return s;
      starved_ = true;
    }
    if (input.empty()) return step::need_more;
    const size_t size = std::min(input.size(), slice_bytes);
    if (redisReaderFeed(reader_.get(), input.data(), size) != REDIS_OK)
      return fail("out of memory");
    input.remove_prefix(size);
    starved_ = false;
  }
}

// Forgets the command that the caller has seen.
void parser::begin() {
  arguments_.clear();
  ends_.clear();
  if (bytes_.capacity() > keep_bytes) {
    std::string().swap(bytes_);
    was_large_ = true;
  }
  if (ends_.capacity() > keep_bytes / sizeof(size_t)) {
    std::vector<size_t>().swap(ends_);
    std::vector<std::string_view>().swap(arguments_);
  }
  bytes_.clear();
  if (was_large_ && between_commands() && unread().empty()) {
    new_reader();
    was_large_ = false;
  }
}

parser::step parser::advance() {
  while (true) {
    if (!between_commands()) return read_command();
    if (unread().empty()) {
      // Lets it drop what was consumed.
      redisReaderGetReply(reader_.get(), nullptr);
      return step::need_more;
    }
    if (unread().front() == '*') return read_command();
    if (const step s = read_inline(); s != step::command || !ends_.empty())
      return s == step::command ? finish() : s;
  }
}

parser::step parser::read_inline() {
  const std::string_view text = unread();
  const char first = text.front();
  if (!is_letter(first) && first != ' ' && first != '\t' && first != '\r' && first != '\n')
    return fail(expected('*', quoted(first)));
  const size_t newline = text.find('\n', searched_);
  searched_ = text.size();
  const size_t length = newline == std::string_view::npos ? text.size() : newline;
  if (length > limits_.inline_bytes) return fail("too big inline request");
  if (newline == std::string_view::npos) return step::need_more;
  searched_ = 0;
  std::string_view line = text.substr(0, newline);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (const auto why = split_inline(line, bytes_, ends_); !why.empty()) return fail(why);
  reader_->pos += newline + 1;
  return step::command;
}

parser::step parser::read_command() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) return fail_as_hiredis_did();
  if (reply != nullptr) return finish();
  return check_unfinished();
}

// Refuses as early as possible what can only end badly: hiredis would wait for the rest.
parser::step parser::check_unfinished() {
  const int depth = reader_->ridx;
  const int type = reader_->rstack[depth].type;
  if (type < 0) return step::need_more;
  const std::string_view header = unread();
  const size_t end = header.find("\r\n");
  if (depth == 0) return hopeless_header(header) ? fail(bad_array) : step::need_more;
  if (type != REDIS_REPLY_STRING) return fail(expected('$', quoted(type_byte(type))));
  if (end == std::string_view::npos)
    return hopeless_header(header) ? fail(bad_bulk) : step::need_more;
  // hiredis read this number already and waits for that many bytes.
  size_t size = 0;
  std::from_chars(header.data(), header.data() + end, size);
  if (too_long(size)) return fail(too_long_text());
  was_large_ = was_large_ || size > keep_bytes;
  return step::need_more;
}

bool parser::on_array(const redisReadTask& task, int count) {
  if (task.parent != nullptr) {
    refusal_ = expected('$', quoted('*'));
  } else if (count < 1 || static_cast<size_t>(count) > limits_.arguments) {
    refusal_ = bad_array;
  } else {
    in_command_ = true;
  }
  return refusal_.empty();
}

bool parser::on_bulk(const redisReadTask& task, const char* bytes, size_t size) {
  if (task.type != REDIS_REPLY_STRING) return false;
  if (too_long(size)) {
    refusal_ = too_long_text();
  } else if (bytes[size] != '\r' || bytes[size + 1] != '\n') {
    refusal_ = "a bulk does not end with CRLF";
  } else {
    bytes_.append(bytes, size);
    ends_.push_back(bytes_.size());
  }
  return refusal_.empty();
}

parser::step parser::finish() {
  in_command_ = false;
  size_t begin = 0;
  for (const size_t end : ends_) {
    arguments_.emplace_back(bytes_.data() + begin, end - begin);
    begin = end;
  }
  return step::command;
}

// One text for one fault, whether hiredis or `check_unfinished` met it first.
parser::step parser::fail_as_hiredis_did() {
  if (!refusal_.empty()) return fail(refusal_);
  if (!in_command_) return fail(bad_array);
  const int type = reader_->rstack[1].type;
  if (type == REDIS_REPLY_STRING) return fail(bad_bulk);
  if (type >= 0) return fail(expected('$', quoted(type_byte(type))));
  // An unknown type: only the text tells which.
  const std::string_view text = reader_->errstr;
  const size_t from = text.find(", got ");
  const size_t to = text.find(" as reply");
  if (from == std::string_view::npos || to == std::string_view::npos) return fail(bad_bulk);
  return fail(expected('$', text.substr(from + 6, to - from - 6)));
}

parser::step parser::fail(std::string_view why) {
  error_ = "Protocol error: " + std::string(why);
  // Nothing of it is needed any more, and it may be large.
  arguments_.clear();
  std::string().swap(bytes_);
  new_reader();
  return step::broken;
}

std::string parser::too_long_text() const {
  return "a command is longer than " + std::to_string(limits_.command_bytes) + " bytes";
}

}  // namespace troupe::resp
