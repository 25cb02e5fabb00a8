#!/usr/bin/env python3
"""Many supervisors held by one orchestrator, all on this machine, as processes.

usage: bench/orchestrator/run.py [--build FOLDER] [--devices N] [--seconds N] [--https] [--rounds N]

  memory    of a supervisor, and of the orchestrator without and with the devices
  adding    time to add all of them by address and token, and until all are up
  health    processor time of the orchestrator per heartbeat, each device being asked every 2 s; and what
            the supervisors take together
  deploying time until one application with a component on every 64th of the devices, then until one
            application for each device, is committed everywhere

Supervisors are as small as options make them: one worker, no mDNS, no CoAP, plain HTTP on loopback (--https: TLS
instead, with pinned keys).
"""

import argparse
import concurrent.futures
import json
import os
import re
import resource
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "orchestrator"))

from fleet import Device, Failure, Guests, Orchestrator, Skip, until  # noqa: E402  pylint: disable=wrong-import-position

TICKS = os.sysconf("SC_CLK_TCK")
HEARTBEAT_S = 2
COMPONENTS_MAX = 64 # of one application


def cpu_seconds(daemon):
    with open("/proc/%d/stat" % daemon.process.pid, encoding="ascii") as stream:
        fields = stream.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kib(daemon, kind):
    """Pss: its share of everything; Pss_Anon: what is its own alone, code and libraries apart."""
    with open("/proc/%d/smaps_rollup" % daemon.process.pid, encoding="ascii") as stream:
        return int(re.search(r"^%s:\s+(\d+)" % kind, stream.read(), re.M).group(1))


class Small(Device):
    """A supervisor that is as small as it can be."""

    def __init__(self, programs, name, state, https):
        listeners = ["--http", "none"] if https else ["--https", "none"]
        super().__init__(programs, name=name, state=state,
                         options=["--workers", "1", "--coaps", "none", "--coap", "none", *listeners])
        self.address = None

    def start(self, wait=False):
        os.makedirs(self.state, exist_ok=True)
        super().start(wait)

    def found(self):
        self.await_start()
        scheme = "https" if self.ports["http"] == 0 else "http"
        self.address = "%s://127.0.0.1:%d" % (scheme, self.ports[scheme])


def start_all(programs, folder, options):
    """All of them, a few dozens starting at a time."""
    fleet = [Small(programs, "d%d" % i, os.path.join(folder, "d%d" % i), options.https)
             for i in range(options.devices)]
    start = time.monotonic()
    for first in range(0, len(fleet), 32):
        for device in fleet[first:first + 32]:
            device.start()
        for device in fleet[first:first + 32]:
            device.found()
    print("start    %d supervisors in %.1f s" % (len(fleet), time.monotonic() - start))
    return fleet


def states(held):
    found = {}
    for device in held.get("/v1/devices")["devices"]:
        found[device["state"]] = found.get(device["state"], 0) + 1
    return found


def add_all(held, fleet):
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda device: held.good("POST", "/v1/devices",
                                               {"address": device.address, "token": device.token}), fleet))
    added = time.monotonic() - start
    until("all are up", lambda: states(held) == {"up": len(fleet)}, 60)
    print("adding   %d devices in %.1f s, all up after %.1f s" % (len(fleet), added, time.monotonic() - start))


def bench_memory(held, fleet, empty_kib):
    each = statistics.mean(memory_kib(device, "Pss") for device in fleet)
    full = memory_kib(held, "Pss_Anon")
    print("memory   %.2f MB a supervisor (its share of everything); orchestrator %.1f MB of its own without devices, "
          "%.1f MB with %d: %.0f kB a device" % (each * 1.024 / 1000, empty_kib * 1.024 / 1000, full * 1.024 / 1000,
                                                len(fleet), (full - empty_kib) * 1.024 / len(fleet)))


def bench_health(held, fleet, options):
    own, others = [], []
    for _ in range(options.rounds):
        before, start = cpu_seconds(held), time.monotonic()
        theirs = sum(map(cpu_seconds, fleet))
        time.sleep(options.seconds)
        elapsed = time.monotonic() - start
        own.append((cpu_seconds(held) - before) / elapsed)
        others.append((sum(map(cpu_seconds, fleet)) - theirs) / elapsed)
    beats = len(fleet) / HEARTBEAT_S
    print("health   %s %% of one processor (target: under 5 %% for 500), %.0f us a heartbeat; the supervisors "
          "together %.1f %%" % (", ".join("%.1f" % (100 * value) for value in own),
                                statistics.median(own) / beats * 1e6, 100 * statistics.median(others)))
    if states(held) != {"up": len(fleet)}:
        raise Failure("not all are up: %s" % states(held))


def manifest_of(app, devices):
    return {"app": app, "components": {"c%d" % i: {"package": "file:probe", "place": {"device": device.name}}
                                       for i, device in enumerate(devices)}}


def deploy_all(held, fleet, data):
    """One application over as many devices as may be; then one for each of all."""
    chosen = fleet[::max(1, -(-len(fleet) // COMPONENTS_MAX))]
    start = time.monotonic()
    held.deploy(manifest_of("wide", chosen), {"probe": data}, 120)
    print("deploy   one application over %d devices in %.2f s" % (len(chosen), time.monotonic() - start))
    body = held.body(manifest_of("x", fleet[:1]), {"probe": data})
    start = time.monotonic()
    for i, device in enumerate(fleet):
        held.good("PUT", "/v1/apps/app%d" % i, {**body, "manifest": json.dumps(manifest_of("app%d" % i, [device]))})
    accepted = time.monotonic() - start

    def running():
        apps = held.get("/v1/apps")
        apps = apps["apps"] if isinstance(apps, dict) else apps
        return sum(app["state"] == "running" for app in apps) == len(fleet) + 1
    until("all run", running, 300)
    print("deploy   to all %d: an application each, accepted in %.1f s, all committed after %.1f s" %
          (len(fleet), accepted, time.monotonic() - start))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--https", action="store_true")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = {name: os.path.join(build, "isomer" + suffix) for name, suffix in
                (("isomer", ""), ("supervisor", "-supervisor"), ("orchestrator", "-orchestrator"))}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * options.devices + 1024)), hard))
    guests = Guests(programs["isomer"], os.path.join(build, "tests", "orchestrator-guests"))
    folder, fleet = tempfile.mkdtemp(prefix="isomer-fleet-"), []
    try:
        with Orchestrator(programs) as held:
            empty_kib = memory_kib(held, "Pss_Anon")
            fleet = start_all(programs, folder, options)
            add_all(held, fleet)
            bench_memory(held, fleet, empty_kib)
            bench_health(held, fleet, options)
            try:
                deploy_all(held, fleet, guests.bytes("probe"))
                bench_memory(held, fleet, empty_kib)
            except Skip as skip:
                print("deploy   skipped: %s" % skip)
    finally:
        for device in fleet:
            if device.process is not None:
                device.process.terminate()
        for device in fleet:
            if device.process is not None:
                device.process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
