"""The devices of the demo: an orchestrator and three supervisors, in network namespaces on a bridge, or
on loopback."""

import contextlib
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "orchestrator"))

from fleet import (Device, Failure, Lan, LanDevice, Orchestrator, Skip,  # noqa: E402  pylint: disable=wrong-import-position
                   until)
from network import run  # noqa: E402  pylint: disable=wrong-import-position

DEVICES = {"hall": ["--cpu", "25%"], "server": [], "lobby": ["--cpu", "50%", "--label", "room=lobby"]}


class House(Lan):
    """The devices' network; this machine is on it too, for the orchestrator fetches packages from elsewhere."""

    def __enter__(self):
        super().__enter__()
        try:
            run("ip", "link", "add", self.prefix, "type", "veth", "peer", "name", "port99", "netns", self.bridge)
            run("ip", "-n", self.bridge, "link", "set", "port99", "master", "br0", "up")
            run("ip", "addr", "add", "10.77.0.254/24", "dev", self.prefix)
            run("ip", "link", "set", self.prefix, "up")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exception):
        subprocess.run(["ip", "link", "del", self.prefix], capture_output=True, check=False)
        super().__exit__(*exception)


class Site(Orchestrator):
    """The orchestrator, on its usual ports if they are free."""

    def own_options(self):
        return self.options


class Demo:
    """Everything that runs; ends with the stack."""

    def __init__(self, build, folder, stack):
        self.programs = {"isomer": os.path.join(build, "isomer"),
                         **{name: os.path.join(build, "isomer-" + name)
                            for name in ("supervisor", "orchestrator", "client")}}
        self.folder, self.stack = folder, stack
        self.site, self.devices, self.lan = None, {}, None

    def isomer(self, *words, tell=True):
        """A command as people type it."""
        if tell:
            print("   $ isomer " + " ".join(words), flush=True)
        result = subprocess.run([self.programs["isomer"], *words], capture_output=True, text=True, check=False,
                                env={**os.environ, "ISOMER_ORCHESTRATOR": self.site.state})
        if result.returncode != 0:
            sys.exit("demo: isomer %s: %s" % (" ".join(words), result.stdout + result.stderr))
        return result.stdout

    def state(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(path)
        return path

    def start(self, camera, outside=False):
        """Starts all; `camera` is the command of the hall's. outside: it needs this machine's network."""
        try:
            self.lan = self.stack.enter_context(House(*DEVICES))
            print("   three devices in network namespaces, on a bridge: 10.77.0.1, .2, .3", flush=True)
        except (Skip, Failure) as reason:
            print("   %s\n   so three processes on loopback instead" % str(reason).strip(), flush=True)
        if self.lan and outside:
            camera = ["nsenter", "--net=/proc/%d/ns/net" % os.getpid(), *camera]
        where = ["--interface", self.lan.prefix] if self.lan else ["--no-mdns"]
        options = [*where, "--https", "[::]:0" if self.lan else "127.0.0.1:0"]
        self.site = self.stack.enter_context(Site(self.programs, state=self.state("site"), options=options))
        offers = {"hall": {"cameras": {"door": camera}}, "lobby": {"displays": ["wall"]}}
        for name, more in DEVICES.items():
            config = os.path.join(self.folder, name + ".json")
            with open(config, "w", encoding="utf-8") as stream:
                json.dump({"devices": {"sensors": False, **offers.get(name, {})}}, stream)
            more = [*more, "--config", config]
            if self.lan:
                device = LanDevice(self.programs, self.lan, name, more, state=self.state(name))
            else:
                more += ["--orchestrator", "https://127.0.0.1:%d" % self.site.ports["https"]]
                device = Device(self.programs, name, options=more, state=self.state(name))
            self.devices[name] = self.stack.enter_context(device)
        self.pair()

    def candidate(self, own, word):
        """Whether the device of that id has been found, and `word` means it and no other."""
        found = {one["id"] for one in self.site.get("/v1/devices")["candidates"] if word in (one["id"], one["name"])}
        return found == {own}

    def pair(self):
        for name, device in self.devices.items():
            own = device.good("GET", "/v1/device").json()["id"]
            until("%s is found" % name, lambda own=own: self.candidate(own, own), 30)
            # Others of this name may be on this machine: then the id says which is meant.
            which = name if self.candidate(own, name) else own
            self.isomer("device", "pair", which, device.good("POST", "/v1/pairing/code").json()["code"])
        for name in self.devices:
            self.site.await_state(name, "up")
        print("   " + self.isomer("device", "ls").replace("\n", "\n   ").rstrip())


@contextlib.contextmanager
def demo(build, folder):
    with contextlib.ExitStack() as stack:
        yield Demo(build, folder, stack)
