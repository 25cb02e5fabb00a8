# Shared by the scripts of this folder: sourced, from the top of the repository.
# shellcheck shell=sh

ROOT=$(pwd -P)
BUILD=$ROOT/build/release
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 2)}
export ROOT BUILD JOBS

die() {
    echo "dev: $*" >&2
    exit 1
}

# The default is a folder beside the repository, where there is one.
default_folder() { # VALUE RELATIVE_PATH
    if [ -n "$1" ]; then
        echo "$1"
    elif [ -d "$ROOT/$2" ]; then
        (cd "$ROOT/$2" && pwd -P)
    fi
}

ISOMER_SPEC_TESTS=$(default_folder "${ISOMER_SPEC_TESTS:-}" ../shared/spec/2.0)
ISOMER_WASI_TESTS=$(default_folder "${ISOMER_WASI_TESTS:-}" ../shared/wasi-testsuite)
export ISOMER_SPEC_TESTS ISOMER_WASI_TESTS

# Installs those of the packages that are missing. Asks dpkg only, and the network only for what
# is missing.
need_packages() { # PACKAGE...
    [ $# -gt 0 ] || return 0
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "dev: this is no Debian system; make sure that there are equivalents of: $*" >&2
        return 0
    fi
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p')
    missing=
    for package in "$@"; do
        case "
$installed
" in
        *"
$package
"*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -z "$missing" ] || install_packages "$missing"
}

install_packages() { # "PACKAGE PACKAGE..."
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "packages are missing and there is no sudo; as root: apt-get install$1"
        as_root=sudo
    fi
    echo "dev: installing$1" >&2
    # The lists may be there and recent enough; if not, fetch them and try again.
    # shellcheck disable=SC2086
    apt_install $1 >/dev/null 2>&1 && return 0
    apt_run update -q >&2 || die "apt-get update failed; needed:$1"
    # shellcheck disable=SC2086
    apt_install $1 >&2 || die "could not install$1; try: apt-get install$1"
}

apt_run() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 "$@"
}

apt_install() {
    apt_run install -y -q --no-install-recommends "$@"
}

# The packages that commands of dev need stand in tools/dev/packages/COMMAND.txt: one per line,
# `package [program] # why`; with a program, the package is needed only where that is not found.
need_packages_of() { # COMMAND...
    wanted=
    for list in "$@"; do
        file=tools/dev/packages/$list.txt
        [ -f "$file" ] || continue
        while read -r package program _; do
            case $package in
            '' | '#'*) continue ;;
            esac
            case $program in
            '' | '#'*) ;;
            *) ! command -v "$program" >/dev/null 2>&1 || continue ;;
            esac
            wanted="$wanted $package"
        done <"$file"
    done
    # shellcheck disable=SC2086
    need_packages $wanted
}

# Configures and builds build/PRESET, or only some targets of it. Quiet unless something goes wrong;
# warnings are shown.
build_preset() { # PRESET [TARGET...]
    if [ -z "${BUILT:-}" ]; then
        build_preset_now "$@"
        return
    fi
    # Within one run of ./dev test each of these requests is met once, whoever makes it. (A target need
    # not be one of those that are built without being named.)
    (
        flock 9
        [ -e "$BUILT/$*" ] || build_preset_now "$@"
        : >"$BUILT/$*"
    ) 9>"$BUILT/lock-$1"
}

build_preset_now() { # PRESET [TARGET...]
    preset_to_build=$1
    shift
    mkdir -p build
    if ! cmake --preset "$preset_to_build" -DISOMER_SPEC_TESTS="$ISOMER_SPEC_TESTS" \
        -DISOMER_WASI_TESTS="$ISOMER_WASI_TESTS" >"build/configure-$preset_to_build.log" 2>&1; then
        cat "build/configure-$preset_to_build.log" >&2
        die "configuring '$preset_to_build' failed"
    fi
    grep '^the page is built without' "build/configure-$preset_to_build.log" >&2 || true
    built=yes
    cmake --build "build/$preset_to_build" -j "$JOBS" ${1:+--target "$@"} -- --quiet >"build/build-$preset_to_build.log" 2>&1 || built=no
    sed '/no work to do/d' "build/build-$preset_to_build.log" >&2
    [ "$built" = yes ] || die "building '$preset_to_build' failed"
}

# What runs the programs of a preset for another processor; nothing for those of this one.
emulator_of() { # PRESET
    case $1 in
    aarch64 | riscv64 | mips) echo "qemu-$1" ;;
    armhf) echo qemu-arm ;;
    esac
}

# Runs a script that belongs to another folder, with the environment set up above.
run_script_of() { # FOLDER ARGUMENTS...
    folder=$1
    shift
    [ -f "$folder/run.sh" ] || die "$folder/run.sh is not there"
    exec sh "$folder/run.sh" "$@"
}
