#!/bin/bash
# Levels above TROUPE_TRACE_LEVEL leave no string behind; those below it and the full binary lose none.
# Usage: strip_test.sh BINARY_WITH_ALL_LEVELS BINARY_UP_TO_INFO
set -u
full=$1
info=$2
failed=0

# expect yes|no BINARY STRING: whether STRING stands anywhere in BINARY.
expect() {
  local found=no
  grep --quiet --text --fixed-strings -e "$3" "$2" && found=yes
  if [[ $found != "$1" ]]; then
    echo "FAIL: '$3' in $2: expected $1, found $found"
    failed=1
  fi
}

for kept in probe_{error,warn,info}_event probe_info_{span,field}; do
  expect yes "$full" "$kept"
  expect yes "$info" "$kept"
done
for stripped in probe_{debug,trace}_{event,span,field,file}; do
  expect yes "$full" "$stripped"
  expect no "$info" "$stripped"
done

# What was kept still runs: the full binary writes all five events, the other one three.
for run in "$full 5" "$info 3"; do
  read -r binary events <<<"$run"
  written=$("$binary" 2>&1 | grep --count 'probe_[a-z]*_event')
  if [[ $written != "$events" ]]; then
    echo "FAIL: $binary wrote $written events instead of $events"
    failed=1
  fi
done
exit $failed
