# Roots with the libraries of another architecture, made for builds: sourced, after lib.sh.
# shellcheck shell=sh
#
# apt runs with a state of its own, for the other architecture, and with the sources, keys and
# network settings of this system; so the packages come from where this system's come from, and the
# system learns nothing of the other architecture.

# The folder of an architecture's packages; its root is the folder `root` in it.
package_folder() { # ARCH
    echo "$ROOT/.cache/package/$1"
}

# The libraries that a build needs, as tools/dev/packages/build.txt has them.
library_packages() {
    sed -n 's/^\(lib[a-z0-9.+-]*-dev\)\( .*\)\{0,1\}$/\1/p' tools/dev/packages/build.txt
}

# The configuration of apt for a folder: all of its state is there.
write_apt_configuration() { # FOLDER ARCH STATUS_FILE
    mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial" "$1/none.d"
    {
        # Where and how to fetch; but none of the system's hooks.
        apt-config dump | grep '^Acquire::'
        cat <<TEXT
Acquire::Languages "none";
APT::Architecture "$2";
#clear APT::Architectures;
APT::Architectures { "$2"; };
APT::Install-Recommends "false";
Dir::Etc::main "$1/none";
Dir::Etc::parts "$1/none.d";
Dir::State "$1/state";
Dir::State::status "$3";
Dir::Cache "$1/cache";
Dir::Log "$1/state";
TEXT
        # Root's apt would become a user who may not write here.
        [ "$(id -u)" -ne 0 ] || echo 'APT::Sandbox::User "root";'
    } >"$1/apt.conf"
}

# Makes the root of an architecture, unless it is there with all that is wanted.
make_package_root() { # ARCH
    folder=$(package_folder "$1")
    wanted="2 $(library_packages | tr '\n' ' ')"
    if [ "$(cat "$folder/made" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    echo "dev: fetching libraries for $1 into ${folder#"$ROOT/"}" >&2
    rm -rf "$folder"
    mkdir -p "$folder/state"
    : >"$folder/state/status"
    write_apt_configuration "$folder" "$1" "$folder/state/status"
    log=$folder/apt.log
    # An index that cannot be had or does not verify is left out, as apt does; to link with, any of
    # the release's versions will do, and where the packages are installed its own apt decides.
    APT_CONFIG=$folder/apt.conf apt-get update -q >"$log" 2>&1 ||
        sed -n 's/^E: Failed/dev: warning: failed/p' "$log" >&2
    # shellcheck disable=SC2046
    if ! APT_CONFIG=$folder/apt.conf apt-get install --download-only -y -q $(library_packages) >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "the libraries for $1 could not be fetched; see $log"
    fi
    mkdir -p "$folder/root/var/lib/dpkg/info"
    echo 1 >"$folder/root/var/lib/dpkg/info/format" # names with architectures
    for package in "$folder"/cache/archives/*.deb; do
        unpack_into_root "$package" "$folder/root"
    done
    relative_links "$folder/root"
    echo "$wanted" >"$folder/made"
}

# Files, and what dpkg would know of them; that lists them where they are, for dpkg-shlibdeps.
unpack_into_root() { # PACKAGE_FILE ROOT
    admin=$2/var/lib/dpkg
    dpkg-deb -x "$1" "$2"
    rm -rf "$2.control"
    dpkg-deb -e "$1" "$2.control"
    name=$(dpkg-deb -f "$1" Package)
    if [ "$(dpkg-deb -f "$1" Multi-Arch)" = same ]; then
        name=$name:$(dpkg-deb -f "$1" Architecture)
    fi
    for part in symbols shlibs; do
        [ ! -f "$2.control/$part" ] || cp "$2.control/$part" "$admin/info/$name.$part"
    done
    dpkg-deb --fsys-tarfile "$1" | tar -t | sed "s|^\.|$2|; s|/\$||" >"$admin/info/$name.list"
    {
        cat "$2.control/control"
        printf 'Status: install ok installed\n\n'
    } >>"$admin/status"
    rm -rf "$2.control"
}

# Links with absolute targets mean the root.
relative_links() { # ROOT
    find "$1" -type l -lname '/*' | while read -r link; do
        target=$(readlink "$link")
        ln -snf "$(realpath -m -s --relative-to="$(dirname "$link")" "$1$target")" "$link"
    done
}
