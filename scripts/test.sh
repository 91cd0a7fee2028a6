#!/usr/bin/env bash
# The test command: sets up what it needs, checks the code, builds, runs every suite, and ends with one line
# 'N passed, N failed, N skipped' over all of them.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

step 'Packages'
setup_packages chromium libvulkan1 dataset-fashion-mnist python3-numpy python3-yaml python3-h5py
setup_node || exit 1
# In CI a missing driver or browser is a failure, never a silent skip.
if [ "${CI:-}" = true ]; then export ISODEX_REQUIRE_GPU=1 ISODEX_REQUIRE_BROWSER=1; fi

failed_checks=0
step "Lint, types, dead code, build, package shape (npm run check)"
npm run --silent check || failed_checks=1

step "Tests"
report=$(mktemp)
vitest run --reporter=default --reporter=json --outputFile.json="$report"
vitest_status=$?
node scripts/summary.mjs "$report" "$failed_checks"
summary_status=$?
rm -f "$report"
[ "$vitest_status" -eq 0 ] && [ "$summary_status" -eq 0 ]
