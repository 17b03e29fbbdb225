#!/bin/bash
# mutate.sh FROM TO LINE INSTEAD…: copies a file with some of its text replaced. Fails unless each
# text stands there exactly once.
set -euo pipefail

from=$1 to=$2
shift 2

text=$(<"$from")
while (($# > 0)); do
  rest=${text#*"$1"}
  [[ $rest != "$text" && $rest != *"$1"* ]] ||
    { echo "$from: not there exactly once: $1"; exit 1; }
  text=${text%%"$1"*}$2$rest
  shift 2
done
printf '%s\n' "$text" >"$to"
