#include "tools/flags/flags.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "actors/version.h"

namespace troupe::tools {
namespace {

using flags_by_name = std::map<std::string, absl::CommandLineFlag*, std::less<>>;

flags_by_name flags_of(const program& p) {
  flags_by_name found;
  for (const auto& [name, flag] : absl::GetAllFlags())
    if (absl::StrContains(flag->Filename(), p.folder)) found.emplace(name, flag);
  return found;
}

// How many letters must be put in, left out or changed, or swapped with the next (Levenshtein's
// distance with Damerau's swaps); short words only, so without a table.
size_t slips(std::string_view a, std::string_view b, size_t most) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) a.remove_prefix(1), b.remove_prefix(1);
  if (a.empty() || b.empty()) return std::max(a.size(), b.size());
  if (most == 0) return 1;
  const auto rest = [&](size_t of_a, size_t of_b) {
    return slips(a.substr(of_a), b.substr(of_b), most - 1);
  };
  auto least = std::min({rest(1, 0), rest(0, 1), rest(1, 1)});
  if (a.size() > 1 && b.size() > 1 && a[0] == b[1] && a[1] == b[0])
    least = std::min(least, rest(2, 2));
  return least + 1;
}

// What the type of a flag takes.
const char* kind_of_value(const absl::CommandLineFlag& flag) {
  if (flag.IsOfType<absl::Duration>()) return "a duration such as 5s or 150ms";
  if (flag.IsOfType<bool>()) return "true or false";
  if (flag.IsOfType<uint64_t>()) return "a whole number";
  return "a number";
}

[[noreturn]] void mistake(const program& p, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", p.name.c_str(), what.c_str());
  std::exit(2);
}

std::vector<std::string> names(const flags_by_name& flags) {
  std::vector<std::string> all;
  for (const auto& [name, flag] : flags) all.push_back(name);
  return all;
}

[[noreturn]] void help(const program& p) {
  std::printf("%s\n\nFlags:\n", p.usage.c_str());
  for (const auto& [name, flag] : flags_of(p)) {
    const auto standard = flag->DefaultValue();
    std::printf("  --%s%s\n      %s\n", name.c_str(),
                standard.empty() ? "" : absl::StrCat(" (", standard, ")").c_str(),
                flag->Help().c_str());
  }
  std::exit(0);
}

// One flag of the command line, split and found.
struct setting {
  absl::CommandLineFlag* flag = nullptr;
  std::string name;
  std::string value;
  bool has_value = false;
};

setting look_up(const program& p, const flags_by_name& known, std::string_view text) {
  setting s;
  const auto equals = text.find('=');
  s.has_value = equals != std::string_view::npos;
  s.name = text.substr(0, equals);
  if (s.has_value) s.value = text.substr(equals + 1);
  auto it = known.find(s.name);
  if (it == known.end() && !s.has_value && s.name.starts_with("no")) {
    it = known.find(s.name.substr(2));
    if (it != known.end() && !it->second->IsOfType<bool>()) it = known.end();
    s.value = "false";
    s.has_value = true;
  }
  if (it == known.end())
    mistake(p, absl::StrCat("--", s.name, ": no such flag", did_you_mean(s.name, names(known)),
                            "; --help lists them"));
  s.flag = it->second;
  if (!s.has_value && s.flag->IsOfType<bool>()) {
    s.value = "true";
    s.has_value = true;
  }
  return s;
}

// Where the program was started without some of them: a connection must not get what is printed.
void open_standard_descriptors() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  ::close(fd);
}

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  constexpr size_t most = 2;
  for (const auto& name : known)
    if (slips(word, name, most) <= most && name.size() > most)
      return absl::StrCat(", did you mean '", name, "'?");
  return "";
}

std::vector<std::string> parse_flags(const program& p, int argc, char** argv) {
  open_standard_descriptors();
  const auto known = flags_of(p);
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    std::string_view text = argv[i];
    if (!text.starts_with("--")) {
      words.emplace_back(text);
      continue;
    }
    text.remove_prefix(2);
    if (text.empty()) {
      words.insert(words.end(), argv + i + 1, argv + argc);
      break;
    }
    if (text == "help") help(p);
    if (text == "version") {
      std::printf("troupe %s\n", version);
      std::exit(0);
    }
    auto s = look_up(p, known, text);
    if (!s.has_value) {
      if (++i == argc) mistake(p, absl::StrCat("--", s.name, ": needs a value"));
      s.value = argv[i];
    }
    std::string why;
    if (!s.flag->ParseFrom(s.value, &why))
      mistake(p, absl::StrCat("--", s.name, ": '", s.value, "' is not ", kind_of_value(*s.flag)));
  }
  return words;
}

}  // namespace troupe::tools
