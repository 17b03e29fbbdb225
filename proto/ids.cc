#include "proto/ids.h"

namespace troupe {

std::ostream& operator<<(std::ostream& out, const leader_id& id) {
  return out << 'T' << id.in << ".N" << id.node;
}

std::ostream& operator<<(std::ostream& out, const log_id& id) {
  return out << id.leader << '/' << id.index;
}

std::ostream& operator<<(std::ostream& out, const vote& v) {
  return out << v.leader << (v.committed ? "!" : "?");
}

}  // namespace troupe
