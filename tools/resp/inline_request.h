// Commands typed by hand: one line, arguments between spaces, quoted as Redis does.
//
// `"…"` knows \n \r \t \b \a \xHH and \ before any other byte; `'…'` knows \' only. A closing quote
// ends its argument.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::resp {

// Appends the arguments' bytes to `bytes` and the end of each in `bytes` to `ends`. Answers an
// error text, empty when the line was understood. An empty line has no arguments.
std::string_view split_inline(std::string_view line, std::string& bytes, std::vector<size_t>& ends);

}  // namespace troupe::resp
