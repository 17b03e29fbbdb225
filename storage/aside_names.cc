#include "storage/aside_names.h"

#include <algorithm>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "storage/segment_format.h"

namespace troupe::storage {
namespace {

constexpr const char* suffix = ".lost";
constexpr const char* sent = "sent";
// No segment has more: a name that says so was not made here.
constexpr uint64_t most_offset = 1 << 30;

}  // namespace

std::string aside_name(const aside_origin& origin, const std::vector<std::string>& taken) {
  const auto what = origin.sequence == 0 ? std::string(sent) : segment_name(origin.sequence);
  const auto name = origin.offset == 0 ? what : absl::StrCat(what, "-", origin.offset);
  const auto same = std::ranges::count_if(
      taken, [&](const auto& other) { return parse_aside_name(other) == origin; });
  // As many as there are, mostly.
  for (auto n = same + 1;; ++n) {
    auto free = n == 1 ? absl::StrCat(name, suffix) : absl::StrCat(name, ".", n, suffix);
    if (std::ranges::count(taken, free) == 0) return free;
  }
}

std::optional<aside_origin> parse_aside_name(const std::string& name) {
  if (!absl::EndsWith(name, suffix)) return std::nullopt;
  if (absl::StartsWith(name, sent)) return aside_origin{};
  const size_t length = segment_name(1).size();
  const auto sequence = parse_segment_name(name.substr(0, length));
  if (!sequence || name.size() <= length) return std::nullopt;
  absl::string_view rest = absl::string_view(name).substr(length);
  uint64_t offset = 0;
  if (absl::ConsumePrefix(&rest, "-") &&
      (!absl::SimpleAtoi(rest.substr(0, rest.find('.')), &offset) || offset > most_offset))
    return std::nullopt;
  return aside_origin{*sequence, offset};
}

}  // namespace troupe::storage
