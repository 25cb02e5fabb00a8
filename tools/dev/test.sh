#!/bin/sh
# ./dev test [--full] [--list] [SUITE...]: builds, then runs suites of tests/suites.txt in order.
#
# A suite is a command whose last line is `N passed, N failed, N skipped`. Each one's output goes to
# build/test-logs/NAME.log. One that ends otherwise, passes its time limit, fails without counting
# a failure, or runs nothing at all counts as one failure. The last line of all is the sum.
set -eu
. tools/dev/lib.sh

table=${SUITES:-tests/suites.txt}
logs=build/test-logs
counts_pattern='^[0-9][0-9]* passed, [0-9][0-9]* failed, [0-9][0-9]* skipped$'
full=no
names=
for argument in "$@"; do
    case $argument in
    --full) full=yes ;;
    --list)
        grep -v '^#' "$table"
        exit 0
        ;;
    -*) die "test: unknown option '$argument'; see ./dev help" ;;
    *)
        grep -q "^$argument *|" "$table" ||
            die "test: no suite is called '$argument'; './dev test --list' shows them"
        names="$names $argument "
        ;;
    esac
done

selected() { # NAME CLASS
    if [ -n "$names" ]; then
        case $names in
        *" $1 "*) return 0 ;;
        esac
        return 1
    fi
    [ "$2" = default ] || [ "$full" = yes ]
}

# Seconds after which a suite is ended.
time_limit=1500
[ "$full" = no ] || time_limit=14400

child=
trap 'if [ -n "$child" ]; then kill "$child" 2>/dev/null || true; fi; exit 130' INT TERM

total_passed=0
total_failed=0
total_skipped=0

run_suite() { # NAME COMMAND
    log=$logs/$1.log
    start=$(date +%s)
    timeout -k 10 "$time_limit" sh -c "$2" >"$log" 2>&1 </dev/null &
    child=$!
    status=0
    wait "$child" || status=$?
    child=
    seconds=$(($(date +%s) - start))
    passed=0 failed=0 skipped=0 note=
    last=$(grep -v '^[[:space:]]*$' "$log" | tail -n 1)
    if printf '%s\n' "$last" | grep -q "$counts_pattern"; then
        # shellcheck disable=SC2086
        set -- "$1" $last
        passed=$2 failed=$4 skipped=$6
    else
        note=" (ended without its counts, status $status)"
    fi
    if [ "$status" -eq 124 ]; then
        note=" (ended after $time_limit seconds)"
    elif [ -z "$note" ] && [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        note=" (status $status)"
    elif [ -z "$note" ] && [ $((passed + failed + skipped)) -eq 0 ]; then
        note=" (ran nothing)"
    fi
    [ -z "$note" ] || [ "$failed" -gt 0 ] || failed=1
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    total_skipped=$((total_skipped + skipped))
    printf '%-16s %7d passed %5d failed %5d skipped %5d s%s\n' "$1" "$passed" "$failed" \
        "$skipped" "$seconds" "$note"
    # What was skipped is said by name.
    [ "$skipped" -eq 0 ] || grep -i '^[0-9: ]*skip' "$log" | head -n 20 | sed 's/^/    /' || true
    [ "$failed" -eq 0 ] || show_failure "$log"
}

show_failure() { # LOG
    echo "    --- $1 ---"
    if [ "$(wc -l <"$1")" -gt 80 ]; then
        grep -n 'FAIL\|[Ff]ailed:\|[Ee]rror' "$1" | head -n 40 | sed 's/^/    /' || true
        echo "    ..."
    fi
    tail -n 80 "$1" | sed 's/^/    /'
    echo "    --- end of $1 ---"
}

need_packages_of build lint test
[ "$full" = no ] || need_packages_of test-full
build_preset release
mkdir -p "$logs"

while IFS='|' read -r name class command; do
    name=$(echo "$name" | tr -d '[:space:]')
    class=$(echo "$class" | tr -d '[:space:]')
    case $name in
    '' | '#'*) continue ;;
    esac
    case $class in
    default | full) ;;
    *) die "$table: suite '$name' must be default or full, not '$class'" ;;
    esac
    if selected "$name" "$class"; then
        run_suite "$name" "$command"
    fi
done <"$table"

echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
