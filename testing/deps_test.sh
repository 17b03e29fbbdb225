#!/bin/bash
# deps_test.sh DEPS_FILE TARGET FORBIDDEN…: fails when a forbidden label is in the file
# (deps_test.bzl).
set -euo pipefail

deps_file=$1 target=$2
shift 2

# An empty or misdirected query would pass everything, and so would an empty list of what is
# forbidden.
grep -qxF "$target" "$deps_file" ||
  { echo "$target is not in its own dependencies: a wrong query"; exit 1; }
(($# > 0)) || { echo "nothing is forbidden: a test without a point"; exit 1; }

matches() {  # LABEL PATTERN
  case $2 in
    */...) [[ $1 == "${2%/...}"[:/]* ]] ;;
    *:all) [[ $1 == "${2%all}"* ]] ;;
    *) [[ $1 == "$2" ]] ;;
  esac
}

found=0
while read -r label; do
  for pattern in "$@"; do
    if matches "$label" "$pattern"; then
      echo "$target depends on $label, which is forbidden here. How:"
      echo "  bazel query 'somepath($target, $label)'"
      found=1
    fi
  done
done <"$deps_file"
exit $found
