#include "actors/errors.h"

#include "caf/atom.hpp"

namespace troupe {
namespace {

constexpr caf::atom_value category = caf::atom("raft");

}  // namespace

std::string_view to_string(raft_errc code) {
  switch (code) {
    case raft_errc::none:
      return "none";
    case raft_errc::not_leader:
      return "not the leader";
    case raft_errc::busy:
      return "busy";
    case raft_errc::too_large:
      return "too large";
    case raft_errc::dropped:
      return "dropped";
    case raft_errc::outcome_unknown:
      return "outcome unknown";
    case raft_errc::fenced:
      return "fenced by a greater vote";
    case raft_errc::storage_failed:
      return "storage failed";
    case raft_errc::unreachable:
      return "peer unreachable";
    case raft_errc::deposed:
      return "deposed";
    case raft_errc::quorum_lost:
      return "quorum lost";
    case raft_errc::shutting_down:
      return "shutting down";
    case raft_errc::not_allowed:
      return "not allowed";
    case raft_errc::invalid:
      return "invalid";
    case raft_errc::change_in_progress:
      return "another change is in progress";
    case raft_errc::not_ready:
      return "not ready";
    case raft_errc::precondition_failed:
      return "precondition failed";
    case raft_errc::machine_failed:
      return "the state machine failed";
    case raft_errc::read_only:
      return "the disk is full";
  }
  return "unknown error";
}

caf::error make_error(raft_errc code) { return caf::error{static_cast<uint8_t>(code), category}; }

raft_errc code_of(const caf::error& error, raft_errc otherwise) {
  return error.category() == category ? static_cast<raft_errc>(error.code()) : otherwise;
}

}  // namespace troupe
