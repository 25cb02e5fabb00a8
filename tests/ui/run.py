#!/usr/bin/env python3
"""The orchestrator's page in a browser: an orchestrator with real supervisors, and Chromium driven by playwright-core.

usage: run.py --build FOLDER [--only NAME]... [--hold]

FOLDER has isomer and its siblings; pictures of every page are left in ui-screenshots beside it. --hold: no tests, the
site and an address to look at it until Enter is pressed. What is missing (chromium, node, npm, clang) makes the suite
skipped by name. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "orchestrator"))

from fleet import Device, Guests, Skip, check, site  # noqa: E402  pylint: disable=wrong-import-position
import npm  # noqa: E402  pylint: disable=wrong-import-position
from suite import free_port, need  # noqa: E402  pylint: disable=wrong-import-position

MODULES = ("camera", "resize", "screen", "counter", "greeter", "seal")
CONFIGURATION = {
    "hall": {"cameras": {"door": "test:160x90@10"}, "simulated-sensors": {"hall/temp": {"unit": "°C", "value": 21.5}}},
    "den": {},
    "loft": {},
    "attic": {"displays": ["wall"], "gpio": {"lamp": {"direction": "output", "initial": False}}},
}
LABELS = {"hall": ["room=hall"], "den": ["room=den", "power=mains"], "loft": ["room=loft"], "attic": ["room=attic"]}
VIDEO = {
    "app": "video",
    "description": "Pictures of the door, twice as large, on the wall",
    "components": {
        "camera": {"package": "file:camera", "mode": "service", "config": {"width": "160", "height": "90"}},
        "scaler": {"package": "file:resize", "place": {"apart": ["camera", "screen"]}},
        "screen": {"package": "file:screen"}},
    "flows": {"show": {"on": {"every": "250ms"}, "overload": "drop-oldest", "steps": [
        {"as": "f", "call": "camera.take-frame"},
        {"as": "big", "call": "scaler.resize", "with": {
            "picture": {"width": "$f.width", "height": "$f.height", "pixels": "$f.pixels"}, "width": 320, "height": 180,
            "filter": None, "colours": None}},
        {"call": "screen.show", "with": {"frame": {
            "width": 320, "height": 180, "format": "rgba8", "time": "$f.time", "number": "$f.number",
            "pixels": "$big.pixels"}}}]}}}
HELLO = {
    "app": "hello",
    "components": {
        "greeter": {"package": "greeter@1.0.0", "place": {"device": "hall"}},
        "counter": {"package": "file:counter", "mode": "service"}}}


LAB = {"app": "lab", "components": {"probe": {"package": "file:probe", "place": {"device": "attic"}}}}


def build_modules(programs):
    out = os.path.join(programs["build"], "tests", "ui-modules")
    result = subprocess.run([os.path.join(ROOT, "modules", "build.sh"), programs["isomer"], out, *MODULES],
                            capture_output=True, text=True, check=False)
    if result.returncode == 77:
        raise Skip(result.stderr.strip())
    check(result.returncode == 0, "building the modules: %s", result.stderr)
    modules = {}
    for name in MODULES:
        with open(os.path.join(out, name + ".wasm"), "rb") as stream:
            modules[name] = stream.read()
    return modules


def options_of(name, folder):
    path = os.path.join(folder, name + ".json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump({"devices": CONFIGURATION[name]}, stream)
    return ["--config", path, *(word for label in LABELS[name] for word in ("--label", label))]


@contextlib.contextmanager
def make_site(programs):
    """Four devices with applications, and one that is not paired: (orchestrator, devices, that one, modules)."""
    modules = build_modules(programs)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        options = {name: options_of(name, folder) for name in CONFIGURATION}
        port = {"options": ["--http", "127.0.0.1:%d" % free_port()]}  # where it is found again when it is started again
        held, devices = stack.enter_context(site(programs, *CONFIGURATION, options=options, orchestrator=port))
        shed = stack.enter_context(Device(programs, name="shed"))
        held.good("POST", "/v1/devices", {"address": "https://127.0.0.1:%d" % shed.ports["https"]})
        held.push(modules["greeter"], "greeter", "1.0.0")
        held.deploy(VIDEO, {name: modules[name] for name in ("camera", "resize", "screen")})
        held.deploy(HELLO, {"counter": modules["counter"]})
        held.deploy(LAB, {"probe": Guests(programs["isomer"], folder).bytes("probe")})
        yield held, devices, shed, modules


def sign_in(held):
    return held.good("POST", "/v1/login", {}).json()["url"]


def hold(programs):
    with make_site(programs) as (held, _, shed, _):
        print(sign_in(held), held.state, flush=True)
        for line in sys.stdin:
            word = line.strip()
            if word == "code":
                print(shed.good("POST", "/v1/pairing/code").json()["code"], flush=True)
            elif word == "login":
                print(sign_in(held), flush=True)
            else:
                break


def do(held, devices, what, *names):
    """What a test in the browser asks for."""
    if what == "kill":
        held.kill()
    elif what == "start":
        held.start()
    else:
        devices[names[0]].process.send_signal({"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}[what])


def browse(programs, node, modules_folder, chromium, only):
    pictures = os.path.join(os.path.dirname(programs["build"]), "ui-screenshots")
    shutil.rmtree(pictures, ignore_errors=True)
    os.makedirs(pictures)
    with make_site(programs) as (held, devices, shed, modules):
        environment = {
            **os.environ, "NODE_PATH": modules_folder, "CHROMIUM": chromium, "PICTURES": pictures,
            "ADDRESS": "http://127.0.0.1:%d" % held.ports["http"], "TOKEN": held.token,
            "READER": held.good("POST", "/v1/tokens", {"role": "read", "label": "looks"}).json()["token"],
            "CODE": shed.good("POST", "/v1/pairing/code").json()["code"],
            "FOLDER": os.path.join(programs["build"], "tests", "ui-modules"), "ONLY": ",".join(only)}
        check(len(modules) == len(MODULES), "the modules are there")
        with subprocess.Popen([node, os.path.join(HERE, "browse.cjs")], env=environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("ask "):
                    do(held, devices, *line.split()[1:])
                    process.stdin.write("done\n")
                    process.stdin.flush()
                else:
                    print(line, end="", flush=True)
        return process.returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--hold", action="store_true")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = {"build": build, **{key: os.path.join(build, name) for key, name in (
        ("isomer", "isomer"), ("supervisor", "isomer-supervisor"), ("orchestrator", "isomer-orchestrator"))}}
    try:
        if options.hold:
            hold(programs)
            return 0
        chromium, node = need("chromium"), need("node")
        folder = npm.fetch(HERE, "ui", 250)
        return browse(programs, node, folder, chromium, options.only)
    except Skip as reason:
        print("skip  the page in a browser: %s\n0 passed, 0 failed, 1 skipped" % reason)
        return 77


if __name__ == "__main__":
    sys.exit(main())
