// Redis' glob patterns: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before a byte that means itself.
//
// Not fnmatch, which stops at NUL bytes, follows the locale, and knows other classes.
#pragma once

#include <string_view>

namespace troupe::kv {

// Whether the whole text fits. At most pattern length × text length steps, without recursion: only
// the last `*` is ever tried again. A class that is not closed ends with the pattern.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace troupe::kv
