#!/bin/bash
# expect_failure.sh PROGRAM TEST: passes when this one GoogleTest of the program runs and fails.
set -uo pipefail

# What it reports is not what this test reports.
unset XML_OUTPUT_FILE
out=$("$1" --gtest_filter="$2" 2>&1)
code=$?
echo "$out"
[[ $code == 1 && $out == *"1 FAILED TEST"* ]]
