"""Our mDNS with other people's, on a bridge: called by run.sh inside namespaces of its own.

Three hosts a (10.77.0.1), b (.2) and c (.3) hang on a bridge. On a runs avahi-daemon; python3-zeroconf
runs on c; ours wherever it is tried. Nothing sleeps: each step waits for a line of output that must
come, and fails when it does not within WAIT seconds."""
import argparse
import json
import os
import queue
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from suite import Failure, Skip, Tally  # noqa: E402  pylint: disable=wrong-import-position


WAIT = 60.0  # and less than 120 s, after which what nobody has said again would be lost without a goodbye
# avahi-browse -p: event;interface;protocol;name;type;domain;host;address;port;txt


def run(*arguments):
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Program:
    """A program on a host whose lines of output are waited for."""

    def __init__(self, host, arguments, env=None):
        self.name = os.path.basename(arguments[0])
        self.lines = queue.Queue()
        self.seen = []
        self.process = subprocess.Popen(
            ["nsenter", "--net=/run/netns/" + host] + arguments, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace",
            env=dict(os.environ, **(env or {})))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait_for(self, what, wanted, seconds=WAIT):
        """The first line from now on for which wanted(line) is true."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise Failure("%s: no %s; it said %s" % (self.name, what, self.seen[-8:]))
            self.seen.append(line)
            if wanted(line):
                return line

    def event(self, event, seconds=WAIT, **members):
        """For mdns_tool and peer.py: the next event with these members."""
        def wanted(line):
            try:
                value = json.loads(line)
            except ValueError:
                return False
            return value.get("event") == event and all(
                value.get(key) == member for key, member in members.items())
        return json.loads(self.wait_for("%s %s" % (event, members), wanted, seconds))

    def events_of(self, *expected):
        """Waits for these events, in any order."""
        missing = list(expected)

        def wanted(line):
            try:
                return json.loads(line) in missing
            except ValueError:
                return False
        while missing:
            missing.remove(json.loads(self.wait_for(missing, wanted)))

    def events(self):
        """All that has been said so far."""
        while not self.lines.empty():
            line = self.lines.get()
            if line is not None:
                self.seen.append(line)
        return [json.loads(line) for line in self.seen if line.startswith("{")]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure("%s does not stop" % self.name)
        return self.process.returncode


class Network:
    def __init__(self, tool, folder):
        self.tool = os.path.abspath(tool)
        self.folder = folder
        self.programs = []
        self.avahi_env = None
        run("mount", "-t", "tmpfs", "none", "/run")
        os.makedirs("/run/netns")
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "link", "set", "br0", "up")
        for number, host in enumerate("abc", 1):
            run("ip", "netns", "add", host)
            run("ip", "link", "add", "port" + host, "type", "veth", "peer", "name", "eth0",
                "netns", host)
            run("ip", "link", "set", "port" + host, "master", "br0", "up")
            run("ip", "-n", host, "link", "set", "lo", "up")
            run("ip", "-n", host, "addr", "add", "10.77.0.%d/24" % number, "dev", "eth0")
            run("ip", "-n", host, "link", "set", "eth0", "up")

    @staticmethod
    def addresses(host):
        """The addresses of a host's eth0, as text."""
        shown = subprocess.run(["ip", "-json", "-n", host, "address", "show", "eth0"],
                               capture_output=True, check=True)
        return [address["local"] for address in json.loads(shown.stdout)[0]["addr_info"]]

    def start(self, host, *arguments, env=None):
        program = Program(host, list(arguments), env)
        self.programs.append(program)
        return program

    def ours(self, host, *arguments):
        return self.start(host, self.tool, *arguments)

    def announce(self, host, name, instance, *txt, port="8080", options=()):
        return self.ours(host, "--host", name, *options, "announce", instance, "_wot._tcp", port,
                         *txt)

    def browse(self, host, *options):
        return self.ours(host, "--host", "viewer-" + host, *options, "browse", "_wot._tcp")

    def peer(self, *arguments):
        probe = subprocess.run(["/usr/bin/python3", "-c", "import zeroconf"],
                               stderr=subprocess.DEVNULL)
        if probe.returncode != 0:
            raise Skip("python3-zeroconf is not there")
        return self.start("c", "/usr/bin/python3", os.path.join(os.path.dirname(__file__),
                                                               "peer.py"), *arguments)

    def avahi(self):
        """The environment of programs that talk to avahi-daemon, which is started the first time."""
        for program in ("dbus-daemon", "avahi-daemon", "avahi-browse", "avahi-publish"):
            if shutil.which(program) is None and not os.path.exists("/usr/sbin/" + program):
                raise Skip("%s is not there" % program)
        if self.avahi_env is not None:
            return self.avahi_env
        bus = os.path.join(self.folder, "bus")
        with open(bus + ".conf", "w") as stream:
            stream.write("<busconfig><type>system</type><listen>unix:path=%s</listen>"
                         "<auth>EXTERNAL</auth><policy context='default'><allow user='*'/>"
                         "<allow own='*'/><allow send_destination='*'/>"
                         "<allow receive_sender='*'/></policy></busconfig>" % bus)
        env = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + bus}
        daemon = self.start("a", "dbus-daemon", "--nofork", "--print-address", "--nopidfile",
                            "--config-file=" + bus + ".conf")
        daemon.wait_for("address", lambda line: line.startswith("unix:"))
        with open(bus + ".avahi", "w") as stream:
            stream.write("[server]\nhost-name=alpha\nuse-ipv4=yes\nuse-ipv6=yes\n"
                         "[publish]\npublish-workstation=no\n[reflector]\n[rlimits]\n")
        daemon = self.start("a", "/usr/sbin/avahi-daemon", "--no-drop-root", "--no-rlimits",
                            "--no-chroot", "-f", bus + ".avahi", env=env)
        try:
            daemon.wait_for("start", lambda line: "Server startup complete" in line)
        except Failure:
            with open("/proc/self/uid_map") as stream:
                users = int(stream.read().split()[2])
            if users > 1:
                raise
            raise Skip("avahi-daemon needs a user of its own, here is only one")
        self.avahi_env = env
        return env

    def stop(self, *programs):
        for program in programs:
            self.programs.remove(program)
            program.stop()

    def stop_others(self, kept):
        for program in [p for p in self.programs if p not in kept]:
            self.programs.remove(program)
            program.stop()


# ---- What is tried ---------------------------------------------------------------------------


def avahi_sees_ours(net):
    env = net.avahi()
    browser = net.start("a", "avahi-browse", "-rpk", "_wot._tcp", env=env)
    ours = net.announce("b", "pi", "Lamp in the hall", "td=/.well-known/wot", "type=Thing",
                        "scheme=https")
    line = browser.wait_for("service", lambda line: line.startswith("=;eth0;IPv4;Lamp"))
    fields = line.split(";")
    # Asked over IPv4 too, avahi gives the first of the host's addresses that it comes upon, of both
    # families: avahi-browse cannot ask for one of them.
    if fields[6] != "pi.local" or fields[7] not in net.addresses("b") or fields[8] != "8080":
        raise Failure("avahi resolved it to %s" % fields)
    if set(shlex.split(fields[9])) != {"td=/.well-known/wot", "type=Thing", "scheme=https"}:
        raise Failure("avahi sees the TXT %s" % fields[9])
    resolved = subprocess.run(["nsenter", "--net=/run/netns/a", "avahi-resolve", "-4", "-n",
                               "pi.local"], env=dict(os.environ, **env), capture_output=True,
                              text=True, timeout=WAIT)
    if "10.77.0.2" not in resolved.stdout:
        raise Failure("avahi-resolve says %s%s" % (resolved.stdout, resolved.stderr))
    net.stop(ours)
    browser.wait_for("goodbye", lambda line: line.startswith("-;eth0;IPv4;Lamp"))


def avahi_sees_ours_by_ipv6(net):
    env = net.avahi()
    browser = net.start("a", "avahi-browse", "-rpk", "_wot._tcp", env=env)
    net.announce("b", "pi", "Six")
    browser.wait_for("service", lambda line: line.startswith("=;eth0;IPv6;Six"))


def avahi_sees_our_subtype(net):
    env = net.avahi()
    browser = net.start("a", "avahi-browse", "-rpk", "_bulb._sub._wot._tcp", env=env)
    net.announce("b", "pi", "Bulb", options=("--subtype", "_bulb"))
    browser.wait_for("service", lambda line: line.startswith("=;eth0;IPv4;Bulb"))


def we_see_avahis(net):
    env = net.avahi()
    browser = net.browse("b")
    publisher = net.start("a", "avahi-publish", "-s", "Printer X", "_wot._tcp", "9090", "td=/x",
                          "type=Thing", env=env)
    found = browser.event("found", instance="Printer X", host="alpha.local", port=9090)
    if set(found["txt"]) != {"td=/x", "type=Thing"}:
        raise Failure("the TXT is %s" % found["txt"])
    if "10.77.0.1" not in found["addresses"]:
        browser.wait_for("IPv4 address", lambda line: "10.77.0.1" in line)
    net.stop(publisher)
    browser.event("lost", instance="Printer X")


def we_see_avahis_subtype(net):
    env = net.avahi()
    browser = net.browse("b", "--subtype", "_bulb")
    every = net.browse("c")
    net.start("a", "avahi-publish", "-s", "No bulb", "_wot._tcp", "9091", env=env)
    net.start("a", "avahi-publish", "-s", "--subtype=_bulb._sub._wot._tcp", "Bulb", "_wot._tcp",
              "9090", env=env)
    browser.event("found", instance="Bulb")
    every.event("found", instance="No bulb")
    if any(event.get("instance") == "No bulb" for event in browser.events()):
        raise Failure("it was reported without the subtype")


def we_yield_to_avahi(net):
    env = net.avahi()
    browser = net.browse("c")
    net.start("a", "avahi-publish", "-s", "Taken", "_wot._tcp", "9090", env=env)
    browser.event("found", instance="Taken", host="alpha.local")
    ours = net.announce("b", "alpha", "Taken")
    ours.events_of({"event": "host", "name": "alpha-2.local"}, {"event": "instance", "name": "Taken (2)"})
    browser.event("found", instance="Taken (2)", host="alpha-2.local", port=8080)


def avahi_yields_to_us(net):
    env = net.avahi()
    browser = net.browse("c")
    ours = net.announce("b", "pi", "Mine")
    browser.event("found", instance="Mine", host="pi.local")
    net.start("a", "avahi-publish", "-s", "Mine", "_wot._tcp", "9090", env=env)
    browser.event("found", host="alpha.local", port=9090)
    if any(event["event"] == "instance" for event in ours.events()):
        raise Failure("we gave our name away")


def beside_avahi(net):
    """On one machine with avahi-daemon, under the same host name."""
    env = net.avahi()
    browser = net.browse("b")
    beside = net.browse("a")
    ours = net.announce("a", "alpha", "Beside")
    browser.event("found", instance="Beside", host="alpha.local")
    net.start("a", "avahi-publish", "-s", "Avahi's", "_wot._tcp", "9090", env=env)
    browser.event("found", instance="Avahi's", host="alpha.local")
    beside.event("found", instance="Avahi's", host="alpha.local")
    local = net.start("a", "avahi-browse", "-rpk", "_wot._tcp", env=env)
    local.wait_for("service", lambda line: line.startswith("=;eth0;IPv4;Beside"))
    if any(event["event"] in ("host", "instance") for event in ours.events()):
        raise Failure("renamed: %s" % ours.events())


def zeroconf_sees_ours(net):
    browser = net.peer("browse", "_wot._tcp.local.")
    ours = net.announce("b", "pi", "Lamp in the hall", "td=/.well-known/wot", "scheme=http")
    found = browser.event("found", instance="Lamp in the hall")
    if found["port"] != 8080 or "10.77.0.2" not in found["addresses"] or \
            found["txt"] != {"td": "/.well-known/wot", "scheme": "http"} or \
            found["host"] != "pi.local.":
        raise Failure("it sees %s" % found)
    net.stop(ours)
    browser.event("lost", instance="Lamp in the hall")


def we_see_zeroconfs(net):
    browser = net.browse("b")
    peer = net.peer("announce", "_wot._tcp.local.", "Snake", "9191", "10.77.0.3", "td=/z")
    found = browser.event("found", instance="Snake", port=9191)
    if found["txt"] != ["td=/z"] or found["addresses"] != ["10.77.0.3"]:
        raise Failure("we see %s" % found)
    net.stop(peer)
    browser.event("lost", instance="Snake")


def a_plain_resolver_is_answered(net):
    browser = net.browse("c")
    net.announce("b", "pi", "Lamp")
    browser.event("found", instance="Lamp")
    answer = net.start("c", "/usr/bin/python3",
                       os.path.join(os.path.dirname(__file__), "peer.py"), "resolve",
                       "10.77.0.3", "pi.local").event("answer")
    if answer != {"event": "answer", "id": 4711, "questions": 1, "ttl": 10,
                  "address": "10.77.0.2", "class": 1}:
        raise Failure("it gets %s" % answer)


def interfaces_come_and_go(net):
    """A cable is pulled and plugged in again, addresses change: nobody has to be restarted."""
    there = net.browse("c")
    here = net.browse("b")
    net.announce("b", "pi", "Lamp")
    net.announce("c", "pc", "Screen")
    there.event("found", instance="Lamp")
    here.event("found", instance="Screen")
    run("ip", "-n", "b", "link", "set", "eth0", "down")
    here.event("lost", instance="Screen")
    run("ip", "-n", "b", "link", "set", "eth0", "up")
    here.event("found", instance="Screen")
    run("ip", "-n", "b", "addr", "add", "10.77.0.99/24", "dev", "eth0")
    there.wait_for("the new address", lambda line: "10.77.0.99" in line and "Lamp" in line)
    run("ip", "-n", "b", "addr", "del", "10.77.0.99/24", "dev", "eth0")
    there.wait_for("its end", lambda line: "changed" in line and "10.77.0.99" not in line)
    run("ip", "link", "add", "porty", "type", "veth", "peer", "name", "eth1", "netns", "b")
    run("ip", "link", "set", "porty", "master", "br0", "up")
    run("ip", "-n", "b", "addr", "add", "10.77.0.22/24", "dev", "eth1")
    run("ip", "-n", "b", "link", "set", "eth1", "up")
    index = int(subprocess.run(["ip", "-n", "b", "-o", "link", "show", "eth1"], check=True,
                               capture_output=True, text=True).stdout.split(":")[0])
    here.event("found", instance="Screen", interface=index)
    run("ip", "link", "del", "porty")
    here.event("lost", instance="Screen", interface=index)
    run("ip", "-n", "b", "addr", "replace", "10.77.0.2/24", "dev", "eth0")


def only_named_interfaces(net):
    """One that is restricted to another interface neither hears nor says anything."""
    there = net.browse("c")
    mute = net.announce("b", "mute", "Mute", options=("--interface", "eth9"))
    net.announce("b", "pi", "Lamp", options=("--interface", "eth0"))
    there.event("found", instance="Lamp")
    if any(event.get("instance") == "Mute" for event in there.events()):
        raise Failure("it was announced on an interface that was not named")
    net.stop(mute)


TESTS = [avahi_sees_ours, avahi_sees_ours_by_ipv6, avahi_sees_our_subtype, we_see_avahis,
         we_see_avahis_subtype, we_yield_to_avahi, avahi_yields_to_us, beside_avahi,
         zeroconf_sees_ours, we_see_zeroconfs, a_plain_resolver_is_answered,
         interfaces_come_and_go, only_named_interfaces]


def alone(net, test):
    """What the test started is ended after it; avahi's daemons stay for the next one where nothing went wrong."""
    kept = []
    try:
        test(net)
        for program in net.programs:
            if program.process.poll() not in (None, 0):
                raise Failure("%s ended with %d" % (program.name, program.process.returncode))
        kept = [p for p in net.programs if "daemon" in p.name]
    except BaseException:
        net.avahi_env = None
        raise
    finally:
        net.stop_others(kept)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("only", nargs="*")
    options = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        try:
            net = Network(options.tool, folder)
        except (subprocess.CalledProcessError, OSError) as error:
            said = (getattr(error, "stderr", b"") or b"").decode().strip()
            for test in TESTS:
                tally.note("skip", test.__name__, "no network can be made here: %s %s" % (error, said))
            return tally.end()
        for test in TESTS:
            if not options.only or any(part in test.__name__ for part in options.only):
                tally.run(test.__name__, alone, net, test)
        net.stop_others([])
    return tally.end()


sys.exit(main())
