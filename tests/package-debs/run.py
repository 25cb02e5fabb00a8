#!/usr/bin/env python3
"""The Debian packages: what is in them, that they install, start and go, on each architecture.

usage: run.py [--only NAME]...

The packages are those of build/packages. What a test lacks makes it skipped by name. The last line
is `N passed, N failed, N skipped`.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "supervisor"))

from device import ROOT, Device, Skip, check  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position
from clean_root import CleanRoot, output  # noqa: E402  pylint: disable=wrong-import-position

PACKAGES = os.path.join(ROOT, "build", "packages")


def debs(arch):
    """Name -> file."""
    found = {os.path.basename(path).split("_")[0]: path for path in glob.glob(os.path.join(PACKAGES, "*_%s.deb" % arch))}
    check("isomer" in found and "isomer-supervisor" in found, "no packages for %s in %s", arch, PACKAGES)
    return found


def services():
    return [name for name in ("isomer-supervisor", "isomer-orchestrator") if name in debs("amd64")]


def field(path, name):
    return output("dpkg-deb", "-f", path, name).strip()


def test_dependencies():
    """Each package depends on what its programs link, from the right architecture's records; a device does
    not get the HTTP client, and the runtime needs the C library only."""
    for arch in ("amd64", "arm64", "armhf"):
        found = debs(arch)
        check(re.fullmatch(r"libc6 \(>= [0-9.]+\)", field(found["isomer"], "Depends")), field(found["isomer"], "Depends"))
        supervisor = field(found["isomer-supervisor"], "Depends")
        version = field(found["isomer"], "Version")
        for name in ("isomer (= %s)" % version, "libuv1", "libmicrohttpd12", "libcoap3", "libgnutls30"):
            check(name in supervisor, "%s: %s is not in %s", arch, name, supervisor)
        check("curl" not in supervisor, supervisor)
        check("libcurl3-gnutls" in field(found["isomer-client"], "Depends"), field(found["isomer-client"], "Depends"))
        for name, path in found.items():
            check(field(path, "Architecture") == arch and field(path, "Version") == version, path)
            check("${" not in output("dpkg-deb", "-I", path, "control"), "%s: a variable is left", name)


def test_checksums():
    """The checksums in a package are those of its files, and cover all but configuration."""
    for path in debs("amd64").values():
        with tempfile.TemporaryDirectory(prefix="isomer-deb-") as folder:
            output("dpkg-deb", "-R", path, folder)
            output("sh", "-c", 'cd "$1" && md5sum --quiet -c DEBIAN/md5sums', "sh", folder)
            files = output("sh", "-c", 'cd "$1" && find usr -type f | wc -l', "sh", folder)
            with open(os.path.join(folder, "DEBIAN", "md5sums"), encoding="utf-8") as sums:
                check(len(sums.readlines()) == int(files), path)


def test_reproducible():
    """Made again elsewhere, from nothing and without a cache, the packages are the same bytes."""
    with tempfile.TemporaryDirectory(prefix="isomer-again-") as folder:
        again = os.path.join(folder, "another", "place")
        output("git", "clone", "-q", ROOT, again)
        changes = subprocess.run(["git", "-C", ROOT, "diff", "--binary", "HEAD"], stdout=subprocess.PIPE, check=True)
        if changes.stdout:
            subprocess.run(["git", "-C", again, "apply"], input=changes.stdout, check=True)
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("CCACHE", "CMAKE")) and name != "BUILD"}
        result = subprocess.run(["./dev", "package", "amd64"], cwd=again, capture_output=True, text=True, check=False,
                                env={**env, "CCACHE_DISABLE": "1"})
        check(result.returncode == 0, "%s", (result.stdout + result.stderr)[-2000:])
        for path in debs("amd64").values():
            other = os.path.join(again, "build", "packages", os.path.basename(path))
            check(os.path.exists(other), "%s was not made again", other)
            difference = subprocess.run(["cmp", path, other], stdout=subprocess.PIPE, text=True, check=False).stdout
            check(not difference, "%s", difference)


def test_units():
    """systemd has nothing to say against the units."""
    if shutil.which("systemd-analyze") is None:
        raise Skip("systemd is not installed")
    with tempfile.TemporaryDirectory(prefix="isomer-deb-") as folder:
        for path in debs("amd64").values():
            output("dpkg-deb", "-x", path, folder)
        for unit in glob.glob(os.path.join(folder, "usr/lib/systemd/system/*.service")):
            # The program is where the package will put it, not in this system.
            with open(unit, encoding="utf-8") as file:
                text = file.read()
            check("ExecStart=/usr/bin/isomer " in text, text)
            with open(unit, "w", encoding="utf-8") as file:
                file.write(text.replace("ExecStart=/usr", "ExecStart=%s/usr" % folder))
            result = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
                                    check=False)
            own = [line for line in result.stderr.splitlines() if "isomer" in line]
            check(result.returncode == 0 and not own, "%s", result.stderr)


def install(root, found, *others):
    os.makedirs(os.path.join(root.path, "debs"))
    for path in found.values():
        shutil.copy(path, os.path.join(root.path, "debs"))
    root.run("apt-get -q update")
    root.run("apt-get -q install " + " ".join(others))
    before = root.files()
    root.run("apt-get -q install /debs/*.deb")
    return before


def programs_start(root):
    check("WebAssembly" in root.run("isomer version"), "version")
    check("Usage: isomer" in root.run("isomer ps --help"), "the client")
    for service in services():
        command = service.split("-")[1]
        check("Usage: isomer " + command in root.run("isomer %s --help" % command), command)


def daemon_answers(root, command, question):
    """As its unit would have it, in a network that has a loopback only; the client's words about it."""
    state = {"supervisor": "isomer"}.get(command, "isomer-" + command)
    return root.run("""
        mkdir -p /var/lib/private/{state} && ln -s private/{state} /var/lib/{state}
        STATE_DIRECTORY=/var/lib/{state} isomer {command} --no-mdns >/tmp/log 2>&1 &
        tries=0
        until {question} >/tmp/answer 2>&1; do
            tries=$((tries + 1))
            [ $tries -lt 100 ] || {{ cat /tmp/answer /tmp/log; exit 1; }}
            sleep 0.1
        done
        cat /tmp/answer
        kill $!
        wait $!
    """.format(state=state, command=command, question=question), network=False)


def daemons_answer(root):
    text = daemon_answers(root, "supervisor", "isomer --device :8480 device")
    check("amd64" in text or "x86" in text, text)
    if "isomer-orchestrator" in debs("amd64"):
        text = daemon_answers(root, "orchestrator", "isomer device ls --json")
        check('"devices"' in text, text)


def documents_show(root):
    for page in ("isomer", "isomer-run", "isomer-ps", "isomer-supervisor"):
        text = root.run("MANWIDTH=80 man %s" % page)
        check("NAME\n" in text and "SYNOPSIS" in text, text)
    script = """bash -ec '. /usr/share/bash-completion/bash_completion; set -u; _completion_loader isomer || true
        COMP_WORDS=(isomer res) COMP_CWORD=1 COMP_LINE="isomer res" COMP_POINT=10
        set +u; _isomer; echo "${COMPREPLY[*]}"'"""
    check(root.run(script).strip() == "resume", "completion: %s", root.run(script))


def leaves_nothing(root, before):
    names = " ".join(sorted(debs("amd64")))
    wants = os.path.join(root.path, "etc/systemd/system/multi-user.target.wants")
    os.makedirs(wants, exist_ok=True)
    for service in services(): # what systemctl enable does; this root has no systemd
        os.symlink("/lib/systemd/system/%s.service" % service, os.path.join(wants, service + ".service"))
    root.run("apt-get -q remove " + names)
    check(os.path.exists(os.path.join(root.path, "var/lib/private/isomer/token")), "removing took the state along")
    check(os.path.exists(os.path.join(root.path, "etc/default/isomer-supervisor")), "removing took the options along")
    root.run("apt-get -q purge " + names)
    root.run("apt-get -q autoremove --purge")
    left = sorted(path for path in root.files() - before if "isomer" in path)
    check(not left, "purging left %s", left)
    check("isomer" not in root.read("var/lib/dpkg/status"), "dpkg still knows of it")


def test_clean_root():
    """In a Debian with nothing else in it, apt finds all that the packages need; programs start, a supervisor
    answers, manual and completion are there; a second installation is no trouble; removing keeps the state
    and purging leaves nothing."""
    with CleanRoot() as root:
        before = install(root, debs("amd64"), "man-db", "bash-completion")
        check(not glob.glob(os.path.join(root.path, "etc/systemd/system/*/isomer*")), "a service was enabled")
        programs_start(root)
        daemons_answer(root)
        documents_show(root)
        root.run("apt-get -q install --reinstall /debs/*.deb")
        leaves_nothing(root, before)


SERVICE_SCRIPT = """
set -x
not() {
    if "$@"; then return 1; fi
}
is_another() { # PID: the service runs, as another process than that
    now=$(systemctl show -P MainPID {service})
    [ "$now" != 0 ] && [ "$now" != "$1" ] && systemctl --quiet is-active {service}
}
not systemctl --quiet is-enabled {service}
not systemctl --quiet is-active {service}
systemctl enable --now {service}
systemctl --quiet is-active {service}
[ "$(stat -L -c %a {state})" = 700 ]
first=$(systemctl show -P MainPID {service})
before=$(sha256sum {state}/identity.pem)

systemctl kill -s KILL {service}
tries=0
set +x
until is_another "$first"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ]
    sleep 0.1
done
set -x
second=$(systemctl show -P MainPID {service})

dpkg -i /debs/{service}_*.deb
is_another "$second"
[ "$(sha256sum {state}/identity.pem)" = "$before" ]
{question}

third=$(systemctl show -P MainPID {service})
dpkg --remove {service}
[ ! -e /proc/$third ]
[ -e {state}/token ]
dpkg --purge {service}
[ ! -e {state} ] && [ ! -L {state} ] && [ ! -e /var/lib/private/{name} ]
not systemctl --quiet is-enabled {service}
"""


def test_services():
    """Under systemd: installing starts nothing; enabled, a service is ready when systemctl returns, and comes back
    when it is killed; an upgrade restarts it with the same identity; removing stops it, and purging takes the
    state that systemd kept for it."""
    with CleanRoot() as root:
        install(root, debs("amd64"), "systemd")
        questions = {"isomer-supervisor": "isomer --device :8480 device",
                     "isomer-orchestrator": "isomer device ls"}
        for service in services():
            name = "isomer" if service == "isomer-supervisor" else service
            script = SERVICE_SCRIPT.replace("{service}", service).replace("{state}", "/var/lib/" + name)
            root.boot(script.replace("{name}", name).replace("{question}", questions[service]))


def on_architecture(arch, emulator, machine):
    """Its supervisor, run in an emulator, answers the client of this machine."""
    libraries = os.path.join(ROOT, ".cache", "package", arch, "root")
    if shutil.which(emulator) is None:
        raise Skip("%s is not installed" % emulator)
    with tempfile.TemporaryDirectory(prefix="isomer-deb-") as folder:
        there, here = os.path.join(folder, arch), os.path.join(folder, "amd64")
        for path in debs(arch).values():
            output("dpkg-deb", "-x", path, there)
        for path in debs("amd64").values():
            output("dpkg-deb", "-x", path, here)
        wrap = [emulator, "-L", libraries]
        program = os.path.join(there, "usr/bin/isomer")
        header = output("readelf", "-h", program)
        check(re.search(r"Machine: +%s$" % machine, header, re.MULTILINE), header)
        check("WebAssembly" in output(*wrap, program, "version"), "version")
        for name in glob.glob(os.path.join(there, "usr/libexec/isomer/*")):
            check("Usage: isomer" in output(*wrap, name, "--help"), name)
        with Device({"supervisor": os.path.join(there, "usr/libexec/isomer/isomer-supervisor")}, wrap=wrap) as device:
            check(device.good("GET", "/health", token=False).status == 200, "health")
            answer = subprocess.run([os.path.join(here, "usr/bin/isomer"), "--device", ":%d" % device.ports["http"],
                                     "--token", device.token, "device", "--json"], capture_output=True, text=True,
                                    check=False)
            check(answer.returncode == 0 and '"architecture"' in answer.stdout, answer.stdout + answer.stderr)


def test_arm64():
    """The packages for arm64 have programs for arm64 that work."""
    on_architecture("arm64", "qemu-aarch64", "AArch64")


def test_armhf():
    """The packages for armhf have programs for armhf that work."""
    on_architecture("armhf", "qemu-arm", "ARM")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    tally = suite.Tally()
    for name, test in suite.tests_of(globals(), options.only):
        tally.run(name, test)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
