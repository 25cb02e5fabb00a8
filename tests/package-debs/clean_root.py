"""A Debian of its own, as small as it can be: for what installs and removes packages."""

import os
import shutil
import subprocess
import tempfile

from device import ROOT, Failure, Skip, check

SUITE = "bookworm"
CACHE = os.path.join(ROOT, ".cache", "package", "clean-root.tar")


def output(*words, env=None):
    result = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    if result.returncode != 0:
        raise Failure("%s: %s" % (" ".join(words), (result.stdout + result.stderr)[-2000:]))
    return result.stdout


def sources():
    """What this system's apt reads of Debian: (address, suite, component), without repeats."""
    lines = output("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)",
                   "Created-By: Packages", "Origin: Debian").splitlines()
    return [line.split() for line in dict.fromkeys(lines) if line.split()[1].startswith(SUITE)]


def network_settings():
    """Lines of apt's configuration that say how to fetch."""
    return [line for line in output("apt-config", "dump").splitlines()
            if line.startswith("Acquire::http") and "Credential" not in line]


def debootstrap(folder):
    mirrors = [address for address, suite, _ in sources() if suite == SUITE]
    if not mirrors:
        raise Skip("apt has no sources of Debian " + SUITE)
    include = ["--include=ca-certificates"] if mirrors[0].startswith("https") else []
    env = dict(os.environ)
    for line in network_settings():
        if line.startswith("Acquire::http::Proxy "):
            env["http_proxy"] = line.split('"')[1]
    output("debootstrap", "--variant=minbase", *include, SUITE, folder, mirrors[0], env=env)
    partial = CACHE + ".new"
    output("tar", "-C", folder, "-cf", partial, ".")
    os.rename(partial, CACHE)


class CleanRoot:
    """The root, while the context lasts. Programs in it have mounts and process ids of their own."""

    def __init__(self):
        if os.geteuid() != 0:
            raise Skip("a root of its own needs to be made by root")
        if shutil.which("debootstrap") is None:
            raise Skip("debootstrap is not installed")
        self.path = None

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="isomer-root-")
        try:
            os.chmod(self.path, 0o755)
            if os.path.exists(CACHE):
                output("tar", "-C", self.path, "-xf", CACHE)
            else:
                os.makedirs(os.path.dirname(CACHE), exist_ok=True)
                debootstrap(self.path)
            self.write("etc/apt/sources.list", "".join("deb %s %s %s\n" % tuple(entry) for entry in sources()))
            self.write("etc/apt/apt.conf.d/99test", "\n".join(
                [*network_settings(), 'APT::Install-Recommends "false";', 'Acquire::Languages "none";',
                 'APT::Get::Assume-Yes "true";', 'APT::Sandbox::User "root";']) + "\n")
            shutil.copy("/etc/resolv.conf", os.path.join(self.path, "etc/resolv.conf"))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exception):
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, path, text):
        with open(os.path.join(self.path, path), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path):
        with open(os.path.join(self.path, path), encoding="utf-8") as file:
            return file.read()

    def start(self, script, network=True):
        """A shell script inside; without network it has a loopback of its own only. Everything that
        it started ends with it."""
        spaces = ["--mount", "--pid", "--fork", "--kill-child"] + ([] if network else ["--net"])
        prepare = "" if network else "ip link set lo up && "
        prepare += "mount -t proc proc %s/proc && exec chroot %s sh -euc \"$1\"" % (self.path, self.path)
        return subprocess.Popen(["unshare", *spaces, "sh", "-euc", prepare, "sh", script], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                                     "DEBIAN_FRONTEND": "noninteractive"})

    def run(self, script, network=True, seconds=300):
        """What the script prints; it must succeed."""
        process = self.start(script, network)
        try:
            text, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failure("not done in %d s: %s" % (seconds, script)) from None
        check(process.returncode == 0, "%s: status %s: %s", script, process.returncode, text[-3000:])
        return text

    def boot(self, script, seconds=300):
        """What a shell script prints that runs under the root's systemd, which must be installed there; in a
        network of its own. The script must succeed."""
        for path in ("status", "output"):
            self.write(path, "")
        self.write("check.sh", "set -eu\nexport PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8\n" + script)
        self.write("etc/systemd/system/check.service", """[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh /check.sh
ExecStopPost=/bin/sh -c 'echo "$EXIT_STATUS" >/status'
StandardOutput=append:/output
StandardError=inherit
""")
        name = os.path.basename(self.path).replace("_", "-")
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "-M", name,
                   "-D", self.path]
        if shutil.which("systemd-nspawn") is None:
            raise Skip("systemd-nspawn (package systemd-container) is not installed")
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            raise Skip("systemd-nspawn does not work here: " + tried.stderr.strip())
        result = subprocess.run(["timeout", "-k", "10", str(seconds), *command, "--boot", "systemd.unit=check.service"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        shutil.rmtree(os.path.join("/run/systemd/nspawn/propagate", name), ignore_errors=True)
        check(self.read("status"), "systemd did not come so far: %s", result.stdout[-3000:])
        text = self.read("output")
        check(self.read("status") == "0\n", "status %s: %s", self.read("status").strip(), text[-3000:])
        return text

    def files(self):
        """Every path, but for those of other worlds and of programs that keep notes."""
        passed_over = ("./proc", "./dev", "./run", "./tmp", "./var/cache", "./var/log", "./var/lib/apt", "./var/lib/dpkg")
        out = set()
        for folder, folders, names in os.walk(self.path):
            name = "." + folder[len(self.path):]
            if name.startswith(passed_over):
                folders.clear()
                continue
            out |= {os.path.join(name, entry) for entry in names + folders}
        return out
