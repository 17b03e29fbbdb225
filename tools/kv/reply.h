// Writes RESP2 replies, the form that the machine's results have, so that the gateway copies them.
//
// Every function appends to `out` and never fails. Thread safe: there is no state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::kv {

inline constexpr std::string_view ok_reply = "+OK\r\n";
inline constexpr std::string_view nil_reply = "$-1\r\n";
inline constexpr std::string_view empty_array_reply = "*0\r\n";

// `$LENGTH BYTES`: any bytes.
void append_bulk(std::string& out, std::string_view bytes);
// `:N`.
void append_integer(std::string& out, int64_t n);
// `*COUNT`; the elements follow.
void append_array(std::string& out, uint64_t count);
// `-TEXT`: the first word is the error's kind. Control characters become spaces, so that it stays
// one line.
void append_error(std::string& out, std::string_view text);

}  // namespace troupe::kv
