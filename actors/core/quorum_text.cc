#include "actors/core/quorum_text.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/ids.h"

namespace troupe::core {
namespace {

bool is_word_char(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.'; }

// By how it starts.
bool is_word(absl::string_view token) { return !token.empty() && absl::ascii_isalpha(token[0]); }
bool is_number(absl::string_view token) { return !token.empty() && absl::ascii_isdigit(token[0]); }

uint64_t weight_of(const std::vector<quorum::child>& children) {
  uint64_t total = 0;
  for (const auto& child : children) total += child.weight;
  return total;
}

// Recursive descent, one function for each rule of the grammar. Each returns nothing after it has
// noted an error.
class parser {
 public:
  explicit parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<quorum> run() {
    auto tree = group(1);
    if (tree && !peek().empty()) tree = expected("the end");
    if (!tree) return error_;
    return *std::move(tree);
  }

 private:
  // -- tokens --

  // A word, a number or one other character from `from` on; empty at the end.
  absl::string_view token(size_t from) const {
    const auto rest = absl::StripLeadingAsciiWhitespace(text_.substr(from));
    if (!is_word(rest) && !is_number(rest)) return rest.substr(0, 1);
    const auto end = std::ranges::find_if_not(rest, [word = is_word(rest)](char c) {
      return word ? is_word_char(c) : absl::ascii_isdigit(c);
    });
    return rest.substr(0, end - rest.begin());
  }

  size_t end_of(absl::string_view token) const { return token.end() - text_.begin(); }
  absl::string_view peek() const { return token(at_); }
  absl::string_view peek_second() const { return token(end_of(peek())); }

  bool accept(absl::string_view wanted) {
    const auto next = peek();
    if (next != wanted) return false;
    at_ = end_of(next);
    return true;
  }

  bool expect(absl::string_view wanted) {
    if (accept(wanted)) return true;
    expected(absl::StrCat("'", wanted, "'"));
    return false;
  }

  // -- errors --

  std::nullopt_t fail(absl::string_view token, absl::string_view why) {
    const size_t column = token.begin() - text_.begin() + 1;
    error_ = absl::InvalidArgumentError(absl::StrCat("quorum: column ", column, ": ", why));
    return std::nullopt;
  }

  std::nullopt_t expected(absl::string_view what) {
    const auto next = peek();
    const auto found =
        next.empty() ? "the end" : absl::StrCat("'", absl::CHexEscape(next.substr(0, 32)), "'");
    return fail(next, absl::StrCat("expected ", what, ", found ", found));
  }

  // -- grammar --

  std::optional<uint64_t> number(absl::string_view what,
                                 uint64_t most = std::numeric_limits<uint64_t>::max()) {
    const auto next = peek();
    uint64_t value = 0;
    if (!is_number(next) || !absl::SimpleAtoi(next, &value) || value == 0 || value > most)
      return expected(what);
    at_ = end_of(next);
    return value;
  }

  std::optional<quorum> group(size_t depth) {
    if (depth > quorum::max_depth)
      return fail(peek(), absl::StrCat("more than ", quorum::max_depth, " groups in each other"));
    if (accept("majority")) return majority(depth);
    const bool two = accept("read");
    if (!two && !is_number(peek()))
      return expected(depth == 1 ? "majority, read or a threshold" : "a voter or a group");
    return with_thresholds(two, depth);
  }

  std::optional<quorum> majority(size_t depth) {
    auto children = list(depth);
    if (!children) return std::nullopt;
    const uint64_t half_and_one = weight_of(*children) / 2 + 1;
    return quorum(*std::move(children), half_and_one, half_and_one);
  }

  std::optional<quorum> with_thresholds(bool two, size_t depth) {
    const auto read_at = peek();
    const auto read = number("a threshold");
    if (!read || (two && !expect("write"))) return std::nullopt;
    const auto write_at = two ? peek() : read_at;
    const auto write = two ? number("a threshold") : read;
    if (!write || !expect("of")) return std::nullopt;
    auto children = list(depth);
    if (!children) return std::nullopt;
    const uint64_t total = weight_of(*children);
    if (*read > total || *write > total)
      return fail(*read > total ? read_at : write_at,
                  absl::StrCat("the threshold exceeds the total weight ", total));
    return quorum(*std::move(children), *read, *write);
  }

  std::optional<std::vector<quorum::child>> list(size_t depth) {
    const bool named = accept("{");
    if (!named && !accept("(")) return expected("'(' or '{'");
    std::vector<quorum::child> children;
    do {
      std::optional<std::string> label = "";
      if (named) label = name();
      if (!label) return std::nullopt;
      auto next = child(depth);
      if (!next) return std::nullopt;
      next->name = *std::move(label);
      children.push_back(*std::move(next));
    } while (accept(","));
    if (!accept(named ? "}" : ")")) return expected(named ? "',' or '}'" : "',' or ')'");
    return children;
  }

  // Empty where none stands.
  std::optional<std::string> name() {
    if (!is_word(peek()) || peek_second() != ":") return std::string();
    std::string found(peek());
    if (!is_quorum_name(found))
      return expected(absl::StrCat("a name of at most ", quorum::max_name, " bytes"));
    at_ = end_of(peek_second());
    return found;
  }

  std::optional<quorum::child> child(size_t depth) {
    if (++children_ > quorum::max_children)
      return fail(peek(), absl::StrCat("more than ", quorum::max_children, " voters and groups"));
    quorum::child found;
    if (is_number(peek()) && peek_second() != "of") {
      const auto id = voter();
      if (!id) return std::nullopt;
      found.kind = *id;
    } else {
      auto below = group(depth + 1);
      if (!below) return std::nullopt;
      found.kind = *std::move(below);
    }
    if (!accept("*")) return found;
    const auto weight =
        number(absl::StrCat("a weight from 1 to ", quorum::max_weight), quorum::max_weight);
    if (!weight) return std::nullopt;
    found.weight = *weight;
    return found;
  }

  std::optional<node_id> voter() {
    const auto at = peek();
    const auto id = number("a node id");
    if (!id) return std::nullopt;
    if (!voters_.insert(node_id(*id)).second)
      return fail(at, absl::StrCat("voter ", *id, " stands twice"));
    return node_id(*id);
  }

  const absl::string_view text_;
  size_t at_ = 0;  // where the next token is looked for
  absl::Status error_;
  size_t children_ = 0;
  std::set<node_id> voters_;
};

void write_rule(std::string& out, const quorum& q) {
  const uint64_t read = q.read_threshold(), write = q.write_threshold();
  if (read != write)
    absl::StrAppend(&out, "read ", read, " write ", write, " of ");
  else if (read == weight_of(q.children()) / 2 + 1)
    out += "majority";
  else
    absl::StrAppend(&out, read, " of ");
}

void write_tree(std::string& out, const quorum& q) {
  const auto& children = q.children();
  const bool named = std::ranges::any_of(children, [](const auto& c) { return !c.name.empty(); });
  const bool groups = std::ranges::any_of(
      children, [](const auto& c) { return std::holds_alternative<quorum>(c.kind); });
  write_rule(out, q);
  out += named ? '{' : '(';
  const char* separator = "";
  for (const auto& child : children) {
    out += std::exchange(separator, named || groups ? ", " : ",");
    if (!child.name.empty()) absl::StrAppend(&out, child.name, ": ");
    if (const auto* voter = std::get_if<node_id>(&child.kind))
      absl::StrAppend(&out, voter->value);
    else
      write_tree(out, std::get<quorum>(child.kind));
    if (child.weight != 1) absl::StrAppend(&out, "*", child.weight);
  }
  out += named ? '}' : ')';
}

}  // namespace

bool is_quorum_name(absl::string_view name) {
  return is_word(name) && name.size() <= quorum::max_name &&
         std::ranges::all_of(name, is_word_char);
}

absl::StatusOr<quorum> parse_quorum(std::string_view text) {
  return parser({text.data(), text.size()}).run();
}

std::string print(const quorum& q) {
  std::string out;
  write_tree(out, q);
  return out;
}

std::ostream& operator<<(std::ostream& out, const quorum& q) { return out << print(q); }

}  // namespace troupe::core
