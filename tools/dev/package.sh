#!/bin/sh
# ./dev package [ARCH...]: Debian packages for amd64, arm64 and armhf in build/packages.
set -eu
. tools/dev/lib.sh
. tools/dev/package_root.sh

[ $# -gt 0 ] || set -- amd64 arm64 armhf
for arch in "$@"; do
    case $arch in
    amd64 | arm64 | armhf) ;;
    *) die "package: there are packages for amd64, arm64 and armhf, not for '$arch'" ;;
    esac
done
need_packages_of build package
[ "$(dpkg --print-architecture)" = amd64 ] || die "package: packages are built on amd64"

# The same commit makes the same packages, byte by byte.
commit=$(git rev-parse HEAD) || die "package: the version comes from git, and this is no clone"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
# A compiler cache that makes paths relative would change what identifies the programs.
unset CCACHE_NOHASHDIR
export CCACHE_BASEDIR='' CCACHE_HASHDIR=1

# 0.1.0-1 where that is released (tag v0.1.0), else what comes before it: 0.1.0~git20260102030405...
package_version() {
    version=$(sed -n 's/^project(isomer VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
    changed=
    [ -z "$(git status --porcelain --untracked-files=no)" ] || changed=.changed
    if [ -z "$changed" ] && [ "$(git tag --points-at HEAD "v$version")" = "v$version" ]; then
        echo "$version-1"
    else
        echo "$version~git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(echo "$commit" | cut -c 1-7)$changed-1"
    fi
}
version=$(package_version)

# What dpkg's tools read: debian/control and debian/changelog.
write_debian_folder() {
    mkdir -p "$work/debian"
    cp packaging/debian/control "$work/debian/control"
    cat >"$work/debian/changelog" <<TEXT
isomer ($version) unstable; urgency=medium

  * Built from commit
    $commit.
    CHANGELOG.md, in the package isomer as changelog.gz, tells what is new.

 -- $(sed -n 's/^Maintainer: //p' packaging/debian/control)  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
TEXT
}

# A text of packaging/debian with the names of a package in it.
fill_in() { # FILE PACKAGE
    state=$2
    [ "$2" != isomer-supervisor ] || state=isomer
    sed "s|@PACKAGE@|$2|g; s|@COMMAND@|${2#isomer-}|g; s|@STATE@|$state|g" "packaging/debian/$1"
}

# Files that are there because the package is one of Debian's.
add_documents() { # PACKAGE
    documents=$stage/usr/share/doc/$1
    mkdir -p "$documents" "$stage/DEBIAN"
    cp packaging/debian/copyright "$documents/copyright"
    gzip -9nc "$work/debian/changelog" >"$documents/changelog.Debian.gz"
    [ "$1" != isomer ] || gzip -9nc CHANGELOG.md >"$documents/changelog.gz"
    [ ! -d "$stage/usr/share/man" ] || find "$stage/usr/share/man" -type f -exec gzip -9n {} +
}

# Options and maintainer scripts of a service.
add_service() { # PACKAGE
    mkdir -p "$stage/etc/default"
    fill_in default "$1" >"$stage/etc/default/$1"
    echo "/etc/default/$1" >"$stage/DEBIAN/conffiles"
    for script in postinst prerm postrm; do
        fill_in "$script" "$1" >"$stage/DEBIAN/$script"
        chmod 755 "$stage/DEBIAN/$script"
    done
}

# The packages that the programs of $stage need: from dpkg's records of the libraries' root.
find_dependencies() { # PACKAGE ARCH
    set -- "$1" "$2" "$(find "$stage/usr" -type f -perm -u+x -name 'isomer*')"
    (
        cd "$work"
        if [ "$2" = amd64 ]; then
            dpkg-shlibdeps -T"$1.substvars" "$3"
        else
            root=$(package_folder "$2")/root
            triplet=$(dpkg-architecture -a "$2" -qDEB_HOST_MULTIARCH 2>/dev/null)
            DEB_HOST_ARCH=$2 dpkg-shlibdeps --admindir="$root/var/lib/dpkg" -l"$root/lib/$triplet" \
                -l"$root/usr/lib/$triplet" -T"$1.substvars" "$3"
        fi
    ) 2>"$work/$1.log" || { cat "$work/$1.log" >&2 && die "package: no dependencies of $1"; }
}

# One .deb, of the files that the build installs for it.
make_deb() { # PACKAGE ARCH
    stage=$work/$1
    rm -rf "$stage"
    DESTDIR=$stage cmake --install "build/package-$2" --component "$1" --strip >"$work/$1.log"
    add_documents "$1"
    [ ! -d "$stage/usr/lib/systemd" ] || add_service "$1"
    find_dependencies "$1" "$2"
    chmod -R u=rwX,go=rX "$stage"
    (cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    (cd "$work" && DEB_HOST_ARCH=$2 dpkg-gencontrol -p"$1" -P"$stage" -T"$1.substvars" -fdebian/files) \
        2>"$work/$1.log" || { cat "$work/$1.log" >&2 && die "package: no control file of $1"; }
    find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$stage" "$out/${1}_${version}_$2.deb" >/dev/null
    echo "package: ${out#"$ROOT/"}/${1}_${version}_$2.deb"
}

out=$ROOT/build/packages
mkdir -p "$out"
for arch in "$@"; do
    need_packages_of "package-$arch"
    [ "$arch" = amd64 ] || make_package_root "$arch"
    build_preset "package-$arch" programs
    work=$ROOT/build/package-$arch/deb
    rm -rf "$work"
    write_debian_folder
    rm -f "$out"/isomer*_"$arch".deb
    sed -n 's/^Package: //p' packaging/debian/control | while read -r package; do
        # What this version does not have yet, it does not package.
        [ ! -x "build/package-$arch/$package" ] || make_deb "$package" "$arch"
    done
    # These packages do not go into Debian, whose first upload would close a request for it.
    lintian --allow-root --suppress-tags initial-upload-closes-no-bugs --fail-on error,warning \
        "$out"/isomer*_"$arch".deb || die "package: lintian does not agree with the packages"
done
