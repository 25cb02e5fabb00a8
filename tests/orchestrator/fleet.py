"""An orchestrator of its own for each test, with some supervisors."""

import contextlib
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "supervisor"))

from device import (ROOT, Daemon, Device, Failure, Guests, Skip, check,  # noqa: E402,F401  pylint: disable=wrong-import-position
                    digest, until)
from network import Lan, LanDevice, OnLan, inside  # noqa: E402,F401  pylint: disable=wrong-import-position

ENDED = ("committed", "failed", "superseded", "replaced")


class Orchestrator(Daemon):
    """A running orchestrator."""

    program = "orchestrator"
    serving = r"serving .*https=(\d+) http=(\d+)"
    port_names = ("https", "http")

    def __init__(self, programs, name="site", **options):
        super().__init__(programs, name, **options)

    def own_options(self):
        given = " ".join(self.options)
        options = []
        for option in ("--https", "--http"):
            if option + " " not in given + " ":
                options += [option, "127.0.0.1:0"]
        if "--mdns" in self.options:
            self.options.remove("--mdns")
        elif "--interface" not in given:
            options.append("--no-mdns")
        return options + self.options

    # ---- Devices ----

    def add(self, device, **more):
        """Adds a Device by its plain HTTP address and token."""
        return self.good("POST", "/v1/devices", {"address": "http://127.0.0.1:%d" % device.ports["http"],
                                                 "token": device.token, **more}).json()

    def device(self, name):
        return self.get("/v1/devices/" + name)

    def await_state(self, name, state, seconds=60.0):
        until("%s is %s" % (name, state), lambda: self.device(name)["state"] == state, seconds)

    # ---- Packages and applications ----

    def push(self, data, name=None, version=None):
        """Keeps a module; its digest."""
        path = "/v1/packages" + ("?name=%s&version=%s" % (name, version) if name else "")
        return self.good("POST", path, data, headers={"Content-Type": "application/wasm"}).json()["digest"]

    def body(self, manifest, files=None):
        """What PUT /v1/apps and its like take; files: name -> bytes of `file:NAME`."""
        known = {"file:" + name: {"digest": self.push(data)} for name, data in (files or {}).items()}
        text = manifest if isinstance(manifest, str) else json.dumps(manifest, indent=2)
        return {"manifest": text, "files": known}

    def start_deploy(self, manifest, files=None):
        """The number of the generation that was accepted."""
        app = manifest["app"]
        return self.good("PUT", "/v1/apps/" + app, self.body(manifest, files)).json()["generation"]

    def deploy(self, manifest, files=None, seconds=60.0):
        """Deploys and waits for success; the status of the application."""
        number = self.start_deploy(manifest, files)
        ended = self.await_end(manifest["app"], number, seconds)
        check(ended["state"] == "committed", "generation %d: %s", number, json.dumps(ended)[:3000])
        return self.get("/v1/apps/" + manifest["app"])

    def generation(self, app, number):
        return self.get("/v1/apps/%s/generations/%d" % (app, number))

    def await_end(self, app, number, seconds=60.0):
        """The generation, when it has ended one way or the other."""
        found = []

        def ended():
            found[:] = [self.generation(app, number)]
            return found[0]["state"] in ENDED
        try:
            until("generation %d of %s ends" % (number, app), ended, seconds)
        except Failure as failure:
            raise Failure("%s; it is %s" % (failure, json.dumps(found)[:3000])) from None
        return found[0]

    def where(self, app, component):
        """Name of the device that has the component."""
        for item in self.get("/v1/apps/" + app)["components"]:
            if item["name"] == component:
                return item["device-name"]
        raise Failure("%s has no component %s" % (app, component))

    def move(self, app, component, to, seconds=60.0):
        """Moves and waits; the generation."""
        number = self.good("POST", "/v1/apps/%s/components/%s/move" % (app, component),
                           {"to": to} if to else {}).json()["generation"]
        ended = self.await_end(app, number, seconds)
        check(ended["state"] in ("committed", "replaced"), "move of %s to %s: %s", component, to,
              json.dumps(ended)[:3000])
        return ended

    def events(self):
        return self.get("/v1/events?tail=10000")


@contextlib.contextmanager
def site(programs, *names, options=None, orchestrator=None):
    """An orchestrator with supervisors of those names on loopback, all added and up: (it, {name: Device})."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(Orchestrator(programs, **(orchestrator or {})))
        devices = {}
        for name in names:
            devices[name] = stack.enter_context(Device(programs, name=name, options=(options or {}).get(name, ())))
            held.add(devices[name])
        for name in names:
            held.await_state(name, "up")
        yield held, devices


class LanOrchestrator(OnLan, Orchestrator):
    """An orchestrator in a host's namespace."""

    def __init__(self, programs, lan, host, options=(), **others):
        super().__init__(programs, lan, host, ["--mdns", "--https", "[::]:8491", "--http", "127.0.0.1:8490", *options],
                         **others)

    def pair(self, device):
        """Pairs with a LanDevice that it has found."""
        code = device.good("POST", "/v1/pairing/code").json()["code"]
        until("%s is found" % device.name, lambda: any(
            candidate["name"] == device.name for candidate in self.get("/v1/devices")["candidates"]))
        return self.good("POST", "/v1/devices", {"address": device.name, "code": code}).json()


def now():
    return time.monotonic()
