// Commands that are answered without the cluster: what clients say when they connect, and what
// redis-cli and redis-benchmark ask before they start.
//
// Each appends one RESP2 reply to `out`.
#pragma once

#include "tools/resp/translate.h"

namespace troupe::resp {

// The bool answers: whether to close the connection behind the reply.
bool on_quit(words command, client& who, std::string& out);
bool on_ping(words command, client& who, std::string& out);
bool on_echo(words command, client& who, std::string& out);
bool on_select(words command, client& who, std::string& out);
bool on_info(words command, client& who, std::string& out);
bool on_hello(words command, client& who, std::string& out);
bool on_client(words command, client& who, std::string& out);
bool on_config(words command, client& who, std::string& out);

// Whether both are the same but for the case of ASCII letters.
bool same_word(std::string_view a, std::string_view b);
// The text as it may stand in an error: its beginning, on one line.
std::string shown(std::string_view text);

}  // namespace troupe::resp
