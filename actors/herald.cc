#include "actors/herald.h"

#include <algorithm>

#include "actors/end_after.h"
#include "actors/patience.h"
#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

herald::herald(self_ptr self, std::shared_ptr<observed> board)
    : self_(self), board_(std::move(board)) {
  board_->attend([me = herald_actor{self}] { caf::anon_send(me, stir{}); });
}

herald::~herald() {
  auto last = board_->close();
  add(last);
  tell(last.facts);
  for (auto& w : waits_) w.what.done(waited::shutting_down);
}

void herald::add(observed::news& news) {
  const auto now = self_->clock().now();
  for (auto& w : news.waits) {
    const auto until = now + bounded(w.patience);
    waits_.push_back({until, std::move(w)});
  }
  for (auto& l : news.listeners) listeners_.push_back(std::move(l));
}

size_t herald::tell(const metrics& facts) {
  for (auto& listener : listeners_) listener(facts);
  return std::erase_if(waits_, [&](pending& w) {
    if (!w.what.holds(facts)) return false;
    w.what.done(waited::ok);
    return true;
  });
}

size_t herald::give_up() {
  const auto now = self_->clock().now();
  const auto over = std::erase_if(waits_, [&](pending& w) {
    if (now < w.until) return false;
    w.what.done(waited::timed_out);
    return true;
  });
  if (waits_.empty())
    next_.cancel();
  else
    next_.set(self_, std::ranges::min_element(waits_, {}, &pending::until)->until);
  return over;
}

void herald::on_stir() {
  auto news = board_->take();
  add(news);
  const auto held = tell(news.facts);
  board_->answered(held + give_up());
}

void herald::on_tick(const tick& t) {
  if (next_.on_tick(self_, t)) on_stir();
}

herald_actor::behavior_type herald_behavior(herald_actor::stateful_pointer<herald_state> self,
                                            std::shared_ptr<observed> board,
                                            std::vector<caf::actor> subjects) {
  self->state.me = std::make_unique<herald>(self, std::move(board));
  end_after(self, subjects);
  auto* me = self->state.me.get();
  return {
      [me](const stir&) { me->on_stir(); },
      [me](const tick& t) { me->on_tick(t); },
  };
}

}  // namespace troupe
