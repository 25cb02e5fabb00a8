"""Several devices on a network: they find each other, run a flow together, and get over losses."""

import base64
import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time

from device import GRANTS, Skip, check, document, until
from network import Lan, LanDevice, inside, run
from registrations import Registry

HOSTS = ("a", "b", "c")


def key(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def peers_of(lan, host, ids, calls):
    """How `host` reaches each other one, and they it: a key for each direction."""
    peers = {}
    for other in HOSTS:
        if other == host:
            continue
        peers[other] = {"device": ids[other],
                        "connect": {"addresses": [lan.address(other) + ":5684"], "transport": "tls",
                                    "identity": "test.%s.%s" % (host, other), "key": key(host + other)},
                        "accept": {"identity": "test.%s.%s" % (other, host), "key": key(other + host),
                                   "calls": calls}}
    return peers


def step(name, at, host, value, plus):
    made = {"as": name, "component": "probe-" + at, "call": "add", "epoch": 1, "with": {"a": value, "b": plus}}
    if at != host:
        made["at"] = at
    return made


def document_for(lan, host, ids, modules, generation=1):
    """Each device has a probe; a flow goes a, b, c, b, a; a's caller is linked to c's probe."""
    components = {"probe-" + host: (modules["probe"], {"grants": GRANTS, "mode": "service"})}
    if host == "a":
        links = {"test:probe/calc@1.0.0": {"peer": "c", "component": "probe-c", "epoch": 1}}
        components["caller"] = (modules["caller"], {"links": links, "limits": {"time": "60s"}})
    flow = {"on": {"call": True}, "overload": "wait", "window": 4,
            "steps": [step("one", "a", host, "$input", 1), step("two", "b", host, "$one", 10),
                      step("three", "c", host, "$two", 100), step("four", "b", host, "$three", 1000),
                      step("five", "a", host, "$four", 10000)]}
    return document("test", components, generation, peers=peers_of(lan, host, ids, ["probe-" + host]),
                    flows={"tour": flow})


@contextlib.contextmanager
def three(programs, guests):
    with contextlib.ExitStack() as stack:
        lan = stack.enter_context(Lan(*HOSTS))
        devices = {host: stack.enter_context(LanDevice(programs, lan, host)) for host in HOSTS}
        ids = {host: device.get("/v1/device")["id"] for host, device in devices.items()}
        modules = {}
        for host, device in devices.items():
            for name in ("probe", "caller") if host == "a" else ("probe",):
                modules[name] = device.put_module(guests.bytes(name))
        for host, device in devices.items():
            device.deploy(document_for(lan, host, ids, modules))
        yield lan, devices


def test_three_devices(programs, guests):
    """Three supervisors find each other by mDNS; a flow runs through all of them, twice through one function,
    and links work; when the bridge is down for 20 s, and when one is killed, they come back."""
    with three(programs, guests) as (lan, devices):
        a = devices["a"]
        for host in HOSTS:
            until("%s finds the others" % host, lambda h=host: {n["name"] for n in devices[h].get(
                "/v1/device")["neighbours"]} == set(HOSTS) - {h})

        def tour(value):
            return a.request("POST", "/v1/flows/test/tour", str(value), headers={"Content-Type": "application/json"})
        answer = until("the flow runs", lambda: (lambda x: x if x.status == 200 else None)(tour(7)))
        check(answer.json() == 11118, "the flow: %s", answer)
        for i in range(20):
            check(tour(i).json() == i + 11111, "run %d", i)
        check(a.value("test/caller", "twice", {"value": 21}) == 42, "a link to c")
        data = bytes(range(256)) * 2000
        answer = a.request("POST", "/v1/components/test/caller/pass", data,
                           headers={"Content-Type": "application/octet-stream", "Accept": "application/octet-stream"})
        check(answer.status == 200 and answer.body == data, "half a megabyte over a link: %d", answer.status)

        lan.switch(False)
        down = time.monotonic()
        answer = a.call("test/caller", "twice", {"value": 1}, timeout=100)
        # Whatever became of it: it was answered, and when the bridge is back all goes on.
        until("20 s have passed", lambda: time.monotonic() - down > 20)
        lan.switch(True)
        until("the link is back", lambda: a.call("test/caller", "twice", {"value": 4}, timeout=100).status == 200)
        until("the flow is back", lambda: tour(1).status == 200)
        check(tour(2).json() == 11113, "the flow goes on")

        devices["b"].kill()
        devices["b"].start()
        until("b is back", lambda: tour(3).status == 200)
        check(tour(3).json() == 11114, "the flow goes on with b")
        flows = a.get("/v1/flows")
        check([flow["flow"] for flow in flows["flows"]] == ["tour"], "figures: %r", flows)


def test_avahi_sees_devices(programs, guests):
    """avahi-browse on another host sees the device with its TXT record, and not any more when it has
    stopped."""
    for program in ("avahi-browse", "/usr/sbin/avahi-daemon", "dbus-daemon"):
        if not shutil.which(program):
            raise Skip("%s is not installed" % program)
    with Lan("a", "b") as lan, LanDevice(programs, lan, "a") as device:
        with avahi(lan, "b") as browse:
            seen = until("avahi sees it", lambda: (lambda text: text if "td=/.well-known/wot" in text else None)(
                browse("_wot._tcp")))
            check('"type=Thing"' in seen and '"scheme=https"' in seen and ";8443;" in seen, "%s", seen)
            identity = device.get("/v1/device")["id"]
            until("and its id", lambda: "id=" + identity in browse("_isomer._tcp"))
            device.stop()
            until("it has gone", lambda: "td=" not in browse("_wot._tcp"))


@contextlib.contextmanager
def avahi(lan, host):
    """avahi-daemon on a host, with a message bus of its own; yields a function that browses."""
    folder = tempfile.mkdtemp(prefix="isomer-avahi-")
    with open(folder + "/bus.conf", "w", encoding="ascii") as stream:
        stream.write("<busconfig><type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
                     "<policy context='default'><allow user='*'/><allow own='*'/><allow send_destination='*'/>"
                     "<allow receive_sender='*'/></policy></busconfig>" % folder)
    with open(folder + "/avahi.conf", "w", encoding="ascii") as stream:
        stream.write("[server]\nhost-name=other\nallow-interfaces=eth0\n[wide-area]\nenable-wide-area=no\n")
    env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=%s/bus" % folder}
    # avahi-daemon's own files are in /run: a mount namespace keeps them apart.
    enter = ["ip", "netns", "exec", lan.name(host)]
    bus = subprocess.Popen(["dbus-daemon", "--config-file", folder + "/bus.conf", "--nofork"], env=env,
                           stderr=subprocess.DEVNULL)
    until("the bus is there", lambda: os.path.exists(folder + "/bus"))
    daemon = subprocess.Popen([*enter, "unshare", "--mount", "sh", "-c",
                               'mount -t tmpfs none /run && mkdir -p /run/avahi-daemon && '
                               'exec /usr/sbin/avahi-daemon --no-drop-root --no-rlimits --no-chroot -f "$0"', folder + "/avahi.conf"],
                              env=env, stderr=subprocess.DEVNULL)

    def browse(kind, check=True):
        return subprocess.run([*enter, "avahi-browse", "-rpt", kind], env=env, capture_output=True, text=True,
                              check=check, timeout=60)
    try:
        until("avahi-daemon answers", lambda: browse("_wot._tcp", check=False).returncode == 0)
        yield lambda kind: browse(kind).stdout
    finally:
        daemon.terminate()
        daemon.wait()
        bus.terminate()
        bus.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_registers_again_with_a_new_address(programs, guests):
    """An orchestrator elsewhere on the network is told again as soon as the device has another address."""
    del guests
    with Lan("a", "b") as lan:
        with inside(lan.name("b")):
            registry = Registry(address=lan.address("b"))
        with registry, LanDevice(programs, lan, "a",
                                 ["--orchestrator", "http://%s:%d" % (lan.address("b"), registry.port)]):
            until("it has registered", lambda: registry.seen)
            for number in (100, 101, 102): # a link-local address may come late, and count as one of them
                before = len(registry.seen)
                run("ip", "-n", lan.name("a"), "addr", "add", "10.77.0.%d/24" % number, "dev", "eth0")
                until("it registers again", lambda count=before: len(registry.seen) > count)
            check(registry.seen[-1] == registry.seen[0], "%s", registry.seen)
