#include "actors/metrics.h"

namespace troupe {

std::string_view to_string(node_role role) {
  switch (role) {
    case node_role::learner:
      return "learner";
    case node_role::follower:
      return "follower";
    case node_role::candidate:
      return "candidate";
    case node_role::leader:
      return "leader";
    case node_role::outsider:
      return "no member";
  }
  return "unknown role";
}

std::string_view to_string(node_life life) {
  switch (life) {
    case node_life::starting:
      return "starting";
    case node_life::running:
      return "running";
    case node_life::stopping:
      return "stopping";
    case node_life::stopped:
      return "stopped";
    case node_life::failed:
      return "failed";
  }
  return "unknown state";
}

}  // namespace troupe
