// Turns bytes of a Redis client into commands: hiredis' reader does the work, bounds are kept here.
//
// hiredis gets functions that collect arguments in one flat buffer, so nothing is allocated for
// each argument and nothing ever for a length that was only claimed. A bulk that is too long is
// refused when its header was read. Input goes to hiredis in small slices, so that it buffers one
// slice plus the unfinished bulk at most.
//
// The outcome depends on the bytes alone, not on how they were split into calls. One thread at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;
struct redisReadTask;

namespace troupe::resp {

struct parser_limits {
  size_t arguments = 65'536;
  size_t command_bytes = 32 << 20;  // all arguments of one command together
  size_t inline_bytes = 64 << 10;   // one line that was typed by hand
};

class parser {
 public:
  enum class step : uint8_t {
    need_more,  // all input was taken in
    command,    // `arguments()` holds one, never empty
    broken,     // `error()` says why; nothing more will come of this connection
  };

  explicit parser(parser_limits limits = {});
  ~parser();
  parser(const parser&) = delete;
  parser& operator=(const parser&) = delete;

  // Takes from the front of `input` what the next command needs. Call it until it needs more.
  step next(std::string_view& input);
  // Valid until the next call of `next`.
  std::span<const std::string_view> arguments() const { return arguments_; }
  // `Protocol error: …`, without a line's end.
  const std::string& error() const { return error_; }

  // What is held for the unfinished command.
  size_t buffered_bytes() const;

 private:
  struct callbacks;
  friend struct callbacks;
  struct free_reader {
    void operator()(redisReader* r) const;
  };

  bool between_commands() const;
  step advance();
  step read_inline();
  step read_command();
  step check_unfinished();
  step finish();
  step fail(std::string_view why);
  step fail_as_hiredis_did();
  std::string_view unread() const;
  bool too_long(size_t bulk) const { return bulk > limits_.command_bytes - bytes_.size(); }
  std::string too_long_text() const;
  void begin();
  void new_reader();
  // Each answers whether hiredis shall go on; `refusal_` says why not.
  bool on_array(const redisReadTask& task, int count);
  bool on_bulk(const redisReadTask& task, const char* bytes, size_t size);

  parser_limits limits_;
  std::unique_ptr<redisReader, free_reader> reader_;
  bool starved_ = true;      // nothing can come of what is buffered
  bool in_command_ = false;  // an array's header was read
  bool was_large_ = false;   // the reader's buffer may have grown large
  size_t searched_ = 0;      // bytes of an unfinished inline request without a line's end
  std::string bytes_;        // all arguments of this command
  std::vector<size_t> ends_;
  std::vector<std::string_view> arguments_;
  std::string refusal_;
  std::string error_;
};

}  // namespace troupe::resp
