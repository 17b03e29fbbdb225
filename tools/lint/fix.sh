#!/bin/bash
# Formats all C++ in place. `bazel run` names the source tree in BUILD_WORKSPACE_DIRECTORY.
set -euo pipefail
cd "$BUILD_WORKSPACE_DIRECTORY"
git ls-files -z --cached --others --exclude-standard -- '*.h' '*.cc' |
  while IFS= read -r -d '' file; do if [[ -f $file ]]; then printf '%s\0' "$file"; fi; done |
  xargs -0 --no-run-if-empty clang-format -i
