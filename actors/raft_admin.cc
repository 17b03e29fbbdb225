// What the handle asks of its server: status, members and leadership, switches.
#include "actors/ask.h"
#include "actors/raft.h"

namespace troupe {
namespace {

template <class Reply, class Result, class Request>
std::future<Result> ask_server(const raft::parts& p, Request request, duration deadline,
                               Result (*told)(const Reply&), Result (*failed)(raft_errc)) {
  auto promise = std::make_shared<std::promise<Result>>();
  auto future = promise->get_future();
  ask<Reply>(
      p, p.server, std::move(request), deadline,
      [=](const Reply& r) { promise->set_value(told(r)); },
      [=](raft_errc why) { promise->set_value(failed(why)); });
  return future;
}

template <class Request>
std::future<raft_errc> tell(const raft::parts& p, Request request, duration deadline) {
  return ask_server<done, raft_errc>(
      p, std::move(request), deadline, [](const done&) { return raft_errc::none; },
      [](raft_errc why) { return why; });
}

}  // namespace

std::future<result<status>> raft::status(duration deadline) {
  using answer = result<troupe::status>;
  return ask_server<troupe::status, answer>(
      *p_, status_request{}, deadline,
      [](const troupe::status& s) {
        return answer{raft_errc::none, s};
      },
      [](raft_errc why) {
        return answer{why, {}};
      });
}

std::future<raft_errc> raft::initialize(core::membership members, duration deadline) {
  return tell(*p_, troupe::initialize{std::move(members)}, deadline);
}

std::future<admin_reply> raft::order(admin_command command, duration patience, duration deadline) {
  patience = bounded(patience);
  return ask_server<admin_reply, admin_reply>(
      *p_, admin_request{request_id(p_->id.value << 48), std::move(command), patience},
      patience + bounded(deadline), [](const admin_reply& r) { return r; },
      [](raft_errc why) {
        return admin_reply{why, {}, {}, std::string(to_string(why))};
      });
}

std::future<raft_errc> raft::enable_elections(bool on, duration deadline) {
  return tell(*p_, configure{on, {}, {}}, deadline);
}

std::future<raft_errc> raft::enable_heartbeats(bool on, duration deadline) {
  return tell(*p_, configure{{}, on, {}}, deadline);
}

std::future<raft_errc> raft::set_compaction(const core::compaction& policy, duration deadline) {
  return tell(*p_, configure{{}, {}, policy}, deadline);
}

}  // namespace troupe
