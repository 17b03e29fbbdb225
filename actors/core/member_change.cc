#include "actors/core/member_change.h"

#include <algorithm>

namespace troupe::core {

absl::StatusOr<membership> goal_of(const membership&, std::span<const member_change>, bool, vote_mode) { return absl::UnimplementedError(""); }
std::optional<membership> next_step(const membership&, const membership&, absl::FunctionRef<bool(node_id)>) { return std::nullopt; }
membership way_back(const membership& current) { return {{current.configs().front()}, current.nodes()}; }
membership way_out(const membership& current) { return {{current.configs().back()}, current.nodes()}; }
bool coherent(std::span<const membership> chain) {
  return std::ranges::any_of(chain.front().configs(), [&](const quorum& q) {
    return std::ranges::all_of(chain, [&](const membership& m) {
      return std::ranges::find(m.configs(), q) != m.configs().end();
    });
  });
}

}  // namespace troupe::core
