#!/bin/sh
# ./dev test [--full] [--list] [SUITE...]: builds, then runs suites of tests/suites.txt in order; beside them, in
# their own order, those that are said to wait, whose programs are idle most of the time.
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

stop() {
    # shellcheck disable=SC2086
    [ -z "$children" ] || kill $children 2>/dev/null || true
    exit 130
}
children=
trap stop INT TERM

run_suite() { # NAME COMMAND
    log=$logs/$1.log
    start=$(date +%s)
    timeout -k 10 "$time_limit" sh -c "$2" >"$log" 2>&1 </dev/null &
    children=$!
    status=0
    wait "$children" || status=$?
    children=
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
    echo "$passed $failed $skipped" >>"$run/counts"
    report "$1" "$note" >"$run/report-$1" # told in one piece, as others tell theirs
    cat "$run/report-$1"
}

report() { # NAME NOTE
    printf '%-16s %7d passed %5d failed %5d skipped %5d s%s\n' "$1" "$passed" "$failed" \
        "$skipped" "$seconds" "$2"
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

# Runs the suites that wait, or the others, one after the other.
run_lane() { # yes|no
    children=
    trap stop INT TERM
    while IFS='|' read -r name class command; do
        name=$(echo "$name" | tr -d '[:space:]')
        case $name in
        '' | '#'*) continue ;;
        esac
        class=$(echo "$class" | sed 's/^ *//; s/ *$//')
        waits=no
        case $class in
        default | full) ;;
        'default waits' | 'full waits') waits=yes ;;
        *)
            [ "$1" = no ] || continue
            echo "$table: suite '$name' is '$class'; it must be default or full, and may wait"
            echo "0 1 0" >>"$run/counts"
            continue
            ;;
        esac
        if [ "$waits" = "$1" ] && selected "$name" "${class% waits}"; then
            run_suite "$name" "$command"
        fi
    done <"$table"
}

need_packages_of build lint test
[ "$full" = no ] || need_packages_of test-full
mkdir -p "$logs"
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
: >"$run/counts"
# What a suite builds is not built again by the next one.
BUILT=$run
export BUILT
[ -n "${SUITES:-}" ] || build_preset release

run_lane yes &
children=$!
run_lane no &
children="$children $!"
# shellcheck disable=SC2086
wait $children
children=

awk '{ passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit failed > 0 || passed == 0
    }' "$run/counts"
