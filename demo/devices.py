#!/usr/bin/env python3
"""Two devices on this machine: a component is called on one, moves to the other in the midst of the call, and
the caller gets the answer. What an orchestrator will do is done here by hand, as docs/deployment.md says.

usage: devices.py BUILD MODULE LIMIT
"""

import base64
import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

PRIMES_BELOW_4000000 = 283146


class Device:
    """A supervisor with its state in a folder of its own, on ports that the system chooses."""

    def __init__(self, build, name, folder):
        self.name, self.state = name, os.path.join(folder, name)
        os.mkdir(self.state)
        self.log = os.path.join(self.state, "log")
        command = [os.path.join(build, "isomer"), "supervisor", "--state", self.state, "--name", name, "--no-mdns",
                   "--https", "127.0.0.1:0", "--http", "127.0.0.1:0", "--coaps", "127.0.0.1:0", "--coap", "none"]
        with open(self.log, "wb") as stream:
            self.process = subprocess.Popen(command, stderr=stream)
        found = None
        for _ in range(600):
            with open(self.log, encoding="utf-8") as stream:
                found = re.search(r"http=(\d+) coaps=(\d+)", stream.read())
            if found or self.process.poll() is not None:
                break
            time.sleep(0.05)
        if not found:
            sys.exit("demo: the supervisor does not start; see " + self.log)
        self.http, self.coaps = int(found.group(1)), int(found.group(2))
        with open(os.path.join(self.state, "token"), encoding="ascii") as stream:
            self.token = stream.read().strip()
        self.id = self.ask("GET", "/v1/device")["id"]

    def ask(self, method, path, body=None, media="application/json", tell=False):
        """A request; its answer, parsed when it is JSON."""
        if tell:
            print("   %-6s %s %s" % (self.name, method, path), flush=True)
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=600)
        data = json.dumps(body).encode() if media == "application/json" and body is not None else body
        connection.request(method, path, data, {"Authorization": "Bearer " + self.token,
                                                **({"Content-Type": media} if body is not None else {})})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            sys.exit("demo: %s %s: %d %s" % (method, path, answer.status, data.decode(errors="replace")))
        return json.loads(data) if answer.headers.get("Content-Type") == "application/json" else data

    def stop(self):
        self.process.terminate()
        self.process.wait()


def key(text):
    return base64.b64encode(hashlib.sha256(os.urandom(16) + text.encode()).digest()).decode()


def move(source, target, component):
    """As docs/deployment.md has it, "Moving": prepare, freeze, carry the state, commit."""
    keys = {"out": key("out"), "back": key("back")}

    def peer(other, out, back, calls):
        return {other.name: {"device": other.id,
                             "connect": {"addresses": ["127.0.0.1:%d" % other.coaps], "transport": "tls",
                                         "identity": "demo." + out, "key": keys[out]},
                             "accept": {"identity": "demo." + back, "key": keys[back], "calls": calls}}}
    here = {"isomer": 1, "app": "demo", "generation": 2, "components": {}, "peers": peer(target, "out", "back", [])}
    there = {"isomer": 1, "app": "demo", "generation": 2, "peers": peer(source, "back", "out", ["primes"]),
             "components": {"primes": {**component, "epoch": 2, "from": {"snapshot": True}}}}
    steps = "/v1/moves/demo/primes/"
    target.ask("POST", "/v1/deployments/demo/2/prepare", there, tell=True)
    source.ask("POST", "/v1/deployments/demo/2/prepare", here, tell=True)
    source.ask("POST", steps + "freeze", {"epoch": 1}, tell=True)
    snapshot = source.ask("GET", steps + "snapshot", tell=True)
    print("          %d bytes: the component, in the midst of its call" % len(snapshot))
    target.ask("PUT", steps + "snapshot", snapshot, media="application/octet-stream", tell=True)
    target.ask("POST", "/v1/deployments/demo/2/commit", {}, tell=True)
    target.ask("POST", steps + "own", {"epoch": 2}, tell=True)
    source.ask("POST", steps + "release", {"epoch": 2, "to": target.name}, tell=True)
    source.ask("POST", "/v1/deployments/demo/2/commit", {}, tell=True)


def main():
    build, module, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the devices are stopped
    with open(module, "rb") as stream:
        data = stream.read()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    devices = []
    with tempfile.TemporaryDirectory(prefix="isomer-demo-") as folder:
        try:
            for name in ("attic", "cellar"):
                devices.append(Device(build, name, folder))
                print("   device %s: %s, HTTP on port %d" % (name, devices[-1].id, devices[-1].http))
            attic, cellar = devices
            for device in devices:
                device.ask("PUT", "/v1/modules/" + digest, data, media="application/wasm")
            component = {"module": digest, "mode": "service", "epoch": 1, "limits": {"time": "10min"}}
            attic.ask("PUT", "/v1/deployments/demo", {"isomer": 1, "app": "demo", "generation": 1,
                                                      "components": {"primes": component}}, tell=True)
            answers = []
            call = threading.Thread(target=lambda: answers.append(
                attic.ask("POST", "/v1/components/demo/primes/count", {"limit": limit}, tell=True)))
            call.start()
            time.sleep(0.5)  # it computes for some seconds
            if not call.is_alive():
                sys.exit("demo: this machine counted too quickly; give a larger limit")
            move(attic, cellar, component)
            call.join()
            print("   attic  answers the call that it was asked: %d primes below %d" % (answers[0], limit))
            here = cellar.ask("GET", "/v1/components/demo/primes")
            print("   cellar runs the component now: %s, epoch %d" % (here["state"], here["epoch"]))
            if limit == 4000000 and answers[0] != PRIMES_BELOW_4000000:
                sys.exit("demo: that is wrong: there are %d" % PRIMES_BELOW_4000000)
        finally:
            for device in devices:
                device.stop()


if __name__ == "__main__":
    main()
