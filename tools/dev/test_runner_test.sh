#!/bin/sh
# The runner of suites and the one of ctest: whatever goes wrong in a suite is a failure in the sum.
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0
mkfifo "$folder/pipe" || exit 1

# Runs ./dev test over a table with one suite, or two; compares the last line and the status.
expect() { # WHAT COMMAND LAST_LINE STATUS [CLASS COMMAND]
    echo "self-test | default | $2" >"$folder/suites.txt"
    [ $# -eq 4 ] || echo "self-test-beside | $5 | $6" >>"$folder/suites.txt"
    SUITES=$folder/suites.txt sh tools/dev/test.sh >"$folder/output" 2>&1
    check "$1" $? "$3" "$4"
}

check() { # WHAT STATUS LAST_LINE EXPECTED_STATUS
    last=$(tail -n 1 "$folder/output")
    if [ "$last" = "$3" ] && [ "$2" -eq "$4" ]; then
        echo "ok    $1"
        passed=$((passed + 1))
    else
        echo "FAIL  $1: '$last', status $2; expected '$3', status $4"
        sed 's/^/      /' "$folder/output"
        failed=$((failed + 1))
    fi
}

expect "counts are passed on" \
    'echo 3 passed, 0 failed, 2 skipped' '3 passed, 0 failed, 2 skipped' 0
expect "a failure is a failure" \
    'echo 3 passed, 1 failed, 0 skipped; exit 1' '3 passed, 1 failed, 0 skipped' 1
expect "a failure counts although the status is 0" \
    'echo 3 passed, 1 failed, 0 skipped' '3 passed, 1 failed, 0 skipped' 1
expect "a bad status counts although nothing failed" \
    'echo 3 passed, 0 failed, 0 skipped; exit 9' '3 passed, 1 failed, 0 skipped' 1
expect "a crash counts" \
    'echo working; kill -SEGV $$' '0 passed, 1 failed, 0 skipped' 1
expect "counts that are not the last line do not count" \
    'echo 3 passed, 0 failed, 0 skipped; echo more' '0 passed, 1 failed, 0 skipped' 1
expect "silence counts" 'true' '0 passed, 1 failed, 0 skipped' 1
expect "a suite that runs nothing counts" \
    'echo 0 passed, 0 failed, 0 skipped' '0 passed, 1 failed, 0 skipped' 1
expect "only skipped is not passed" \
    'echo 0 passed, 0 failed, 4 skipped' '0 passed, 0 failed, 4 skipped' 1
expect "one beside it is counted" \
    'echo 3 passed, 0 failed, 2 skipped' '4 passed, 0 failed, 2 skipped' 0 'default waits' 'echo 1 passed, 0 failed, 0 skipped'
expect "the two run at once" \
    "timeout 60 cat $folder/pipe && echo 1 passed, 0 failed, 0 skipped" '2 passed, 0 failed, 0 skipped' 0 \
    'default waits' "timeout 60 sh -c 'echo here >$folder/pipe' && echo 1 passed, 0 failed, 0 skipped"
expect "a failure beside it counts" \
    'echo 3 passed, 0 failed, 0 skipped' '3 passed, 1 failed, 0 skipped' 1 'default waits' 'kill -SEGV $$'
expect "what is in no set is a failure" \
    'echo 3 passed, 0 failed, 0 skipped' '3 passed, 1 failed, 0 skipped' 1 'sometimes' 'echo 1 passed, 0 failed, 0 skipped'
expect "a suite of the full set is not run" \
    'echo 3 passed, 0 failed, 0 skipped' '3 passed, 0 failed, 0 skipped' 0 'full' 'false'

# A build folder as ctest sees it, with tests of every kind.
ctest_folder() { # NAME COMMAND...
    {
        echo "add_test(good sh -c \"echo 2 passed, 0 failed, 1 skipped\")"
        while [ $# -ge 2 ]; do
            echo "add_test($1 sh -c \"$2\")"
            shift 2
        done
    } >"$folder/CTestTestfile.cmake"
    JOBS=1 tools/run-ctest "$folder" >"$folder/output" 2>&1
}

ctest_folder
check "ctest: counts are added" $? '2 passed, 0 failed, 1 skipped' 0
ctest_folder other 'echo 5 passed, 0 failed, 0 skipped'
check "ctest: counts of two are added" $? '7 passed, 0 failed, 1 skipped' 0
ctest_folder bad 'echo 1 passed, 2 failed, 0 skipped; false'
check "ctest: failures are added" $? '3 passed, 2 failed, 1 skipped' 1
ctest_folder crash 'kill -SEGV $$'
check "ctest: a crash counts" $? '2 passed, 1 failed, 1 skipped' 1
ctest_folder silent 'true'
check "ctest: silence counts" $? '2 passed, 1 failed, 1 skipped' 1
ctest_folder status 'echo 1 passed, 0 failed, 0 skipped; false'
check "ctest: a bad status counts" $? '3 passed, 1 failed, 1 skipped' 1
ctest_folder missing_program 'exec nothing-of-this-name'
check "ctest: a program that is missing counts" $? '2 passed, 1 failed, 1 skipped' 1

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
