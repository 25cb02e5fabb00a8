#!/bin/sh
# ./dev lint [--fix]: every check of tools/check-*; --fix formats the sources first.
set -eu
. tools/dev/lib.sh

need_packages_of lint
case ${1:-} in
--fix) tools/check-format --fix ;;
'') ;;
*) die "lint: unknown option '$1'; there is only --fix" ;;
esac

passed=0 failed=0 skipped=0
for check in tools/check-*; do
    status=0
    "$check" 2>&1 || status=$?
    case $status in
    0)
        echo "ok    ${check#tools/}"
        passed=$((passed + 1))
        ;;
    77) skipped=$((skipped + 1)) ;;
    *)
        echo "FAIL  ${check#tools/}"
        failed=$((failed + 1))
        ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
