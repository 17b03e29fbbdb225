#include "tools/ctl/report.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "actors/metrics.h"
#include "proto/text_of.h"

namespace troupe::tools {
namespace {

std::string vote_text(const vote& v) {
  if (!v.leader) return "none yet";
  return absl::StrCat("term ", v.leader.in.value, " of node ", v.leader.node.value,
                      v.committed ? ", elected" : ", promised");
}

std::string leader_text(const status& s) {
  if (s.leader == s.id || s.role == to_string(node_role::outsider)) return "";
  if (!s.leader) return ", no leader known";
  return absl::StrCat(" of node ", s.leader.value);
}

// As of a leader that was just elected, or who has nothing.
bool unheard_of(const status::peer& p) {
  return !p.matched && (p.state == "probing" || p.state == "unreachable");
}

// How far the leader has brought it; only the leader knows.
std::string progress_text(const status& s, node_id id) {
  if (id == s.leader) return ", leads";
  for (const auto& p : s.replication) {
    if (p.id != id) continue;
    if (p.state == "replaced")
      return ", came back with another data directory: remove it, then add it again";
    if (p.state == "refuses") return ", refuses what it is sent: its log says why";
    if (unheard_of(p)) return absl::StrCat(", ", p.state, ", nothing heard of its log yet");
    const auto lacks = s.last.value - std::min(s.last, p.matched).value;
    return absl::StrCat(", ", p.state, ", lacks ",
                        lacks == 0 ? "nothing" : absl::StrCat(lacks, " entries"));
  }
  return "";
}

// `sends 40 % of 1024 MiB`; nothing while there is none.
std::string progress_text(absl::string_view what, const snapshot_progress& p) {
  if (!p) return "";
  const auto mib = [](uint64_t bytes) { return (bytes + (1 << 19)) >> 20; };
  if (p.size == 0) return absl::StrCat(what, " ", mib(p.bytes), " MiB");
  return absl::StrCat(what, " ", std::min<uint64_t>(100, 100 * p.bytes / p.size), " % of ",
                      mib(p.size), " MiB");
}

std::string configs_text(const core::membership& m) {
  return absl::StrJoin(m.configs(), " and ", absl::StreamFormatter());
}

}  // namespace

std::string members_text(const status& s) {
  if (s.members.empty()) return "none yet\n";
  std::string out;
  for (const auto& [id, node] : s.members.nodes()) {
    absl::StrAppend(&out, id.value, " ", node.address,
                    s.members.is_voter(id) ? " voter" : " learner", progress_text(s, id));
    if (node.priority != 0) absl::StrAppend(&out, ", priority ", node.priority);
    if (node.incarnation == 0) absl::StrAppend(&out, ", its data directory is not known yet");
    out += '\n';
  }
  return absl::StrCat(out, s.members.joint() ? "joint, " : "", configs_text(s.members), " since ",
                      text_of(s.membership_at),
                      s.membership_committed ? "\n" : ", not committed\n");
}

std::string status_text(const status& s) {
  auto out = absl::StrCat("node ", s.id.value, ": ", s.role, leader_text(s), ", version ",
                          s.version, "\nvote: ", vote_text(s.vote), "\nlog: last ", s.last.value,
                          ", committed ", s.committed.value, ", applied ", s.applied.value, "\n");
  if (s.snapshot)
    absl::StrAppend(&out, "snapshot: up to ", s.snapshot.value,
                    s.purged ? absl::StrCat("; the log begins behind ", s.purged.value) : "", "\n");
  for (const auto& text : {progress_text("makes a snapshot,", s.making),
                           progress_text("receives a snapshot,", s.receiving),
                           progress_text("restores a snapshot,", s.restoring)})
    if (!text.empty()) absl::StrAppend(&out, text, "\n");
  if (!s.state_lost.empty())
    absl::StrAppend(
        &out, "THE MACHINE'S STATE IS LOST here, and asked of other nodes: ", s.state_lost, "\n");
  if (s.members.empty()) return out + "members: none yet\n";
  absl::StrAppend(&out, "members", s.members.joint() ? ", joint" : "",
                  s.membership_committed ? "" : ", not committed", ": ", configs_text(s.members),
                  "\n");
  for (const auto& [id, node] : s.members.nodes()) {
    absl::StrAppend(&out, "  ", id.value, " ", node.address,
                    s.members.is_voter(id) ? " voter" : " learner");
    for (const auto& p : s.replication)
      if (p.id == id)
        absl::StrAppend(&out, ", ", p.state, ", ",
                        unheard_of(p) ? "nothing heard of its log yet"
                                      : absl::StrCat("has up to ", p.matched.value, ", answered ",
                                                     p.last_ack_ms, " ms ago"),
                        p.snapshot ? ", " : "", progress_text("is sent a snapshot,", p.snapshot));
    out += '\n';
  }
  return out;
}

result parse_result(std::string_view reply) {
  result r;
  r.text = "the answer cannot be read";
  if (reply.empty()) return r;
  const std::string line(reply.substr(1, reply.find("\r\n") - 1));
  switch (reply.front()) {
    case '+':
      return {result::kind::text, line};
    case '-':
      return {result::kind::error, line};
    case ':':
      if (absl::SimpleAtoi(line, &r.number)) r.what = result::kind::number;
      return r;
    case '$': {
      if (line == "-1") return {result::kind::nil};
      size_t size = 0;
      if (absl::SimpleAtoi(line, &size) && reply.size() == line.size() + size + 5)
        return {result::kind::text, std::string(reply.substr(line.size() + 3, size))};
      return r;
    }
    default:
      return r;
  }
}

std::string result_text(const result& r) {
  switch (r.what) {
    case result::kind::number:
      return std::to_string(r.number);
    case result::kind::nil:
      return "(nil)";
    default:
      return r.text;
  }
}

std::string result_json(const result& r) {
  nlohmann::json value;  // null
  if (r.what == result::kind::number) value = r.number;
  if (r.what == result::kind::text) value = r.text;
  // A value may be any bytes; JSON takes text only.
  return nlohmann::json{{"result", value}}.dump(-1, ' ', false,
                                                nlohmann::json::error_handler_t::replace);
}

}  // namespace troupe::tools
