#!/usr/bin/env python3
"""How much of a machine the programs take, from outside: the figures of the table in docs/comparison.md.

usage: bench/footprint.py [--build FOLDER] [--rounds N]

  hello         `isomer run hello.wasm`, a native hello world, and node's WASI: time on the wall from start to
                end, and the peak of resident memory
  supervisor    time until it serves; memory when idle, with 10 and 50 services, and of one beside another one
  orchestrator  time until it serves; memory when idle

Resident memory counts shared libraries in full. Proportional memory (Pss) shares them among those who use them at the
time, so it depends on what else runs. Private memory is what nobody else has mapped: of a second supervisor, what one
more costs. Medians over the rounds.
"""

import argparse
import os
import re
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(ROOT, "tests", "supervisor"), os.path.join(ROOT, "tests", "orchestrator")]

# pylint: disable=wrong-import-position
from device import Device, Guests, Skip, document  # noqa: E402
from fleet import Orchestrator  # noqa: E402
from scenarios import Context, Skipped, measure_processes  # noqa: E402


def memory_mb(daemon):
    """Resident, proportional and private memory, in MB."""
    with open("/proc/%d/smaps_rollup" % daemon.process.pid, encoding="ascii") as stream:
        text = stream.read()
    return [sum(int(kib) for kib in re.findall(r"^(?:%s):\s+(\d+)" % kinds, text, re.M)) * 1.024 / 1000
            for kinds in ("Rss", "Pss", "Private_Clean|Private_Dirty")]


def memory_print(what, samples):
    print("  %-30s %5.1f MB resident, %5.1f proportional, %5.1f private" %
          (what, *(statistics.median(column) for column in zip(*samples))))


def hello_print(context, rounds):
    """From start to end."""
    guest = context.guest("hello")
    commands = {"native": [context.need(os.path.join(context.bench, "native", "hello"))],
                "isomer run": [context.isomer(), "run", guest]}
    try:
        commands["node"] = [context.node(), "--no-warnings", os.path.join(HERE, "node_wasi.mjs"), guest]
    except Skipped as skipped:
        print("  without node: %s" % skipped)
    for name, row in measure_processes(context, commands, 2, rounds * 5).items():
        print("  hello world, %-21s %6.1f MB at most, %.1f ms (fastest %.1f ms)" %
              (name, row["peak_kib"] * 1.024 / 1000, row["wall_ms"], row["fastest_ms"]))


def daemon_measure(daemon, more=None):
    """Seconds until it serves, and memory when idle; more(daemon) measures on."""
    start = time.monotonic()
    with daemon as running:
        started = time.monotonic() - start
        return started, memory_mb(running), more(running) if more else None


def components_measure(guests):
    """A function that deploys small services, calls each once, and tells the memory."""
    def measure(device):
        module, rows = device.put_module(guests.bytes("probe")), []
        for generation, count in enumerate((10, 50), 1):
            device.deploy(document("bench", {"c%d" % i: (module, {"mode": "service"})
                                             for i in range(count)}, generation))
            rows.append(memory_mb(device))
        return rows
    return measure


def second_measure(programs):
    """Memory of an idle supervisor beside another one."""
    with Device(programs), Device(programs) as second:
        return memory_mb(second)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = {name: os.path.join(build, "isomer" + suffix) for name, suffix in
                (("isomer", ""), ("supervisor", "-supervisor"), ("orchestrator", "-orchestrator"))}
    guests = Guests(programs["isomer"], os.path.join(build, "tests", "supervisor-guests"))
    context = Context(HERE, ROOT, build, False, print)
    hello_print(context, options.rounds)
    try:
        guests.bytes("probe")
        more = components_measure(guests)
    except Skip as skip:
        print("  without components: %s" % skip)
        more = None
    devices = [daemon_measure(Device(programs), more) for _ in range(options.rounds)]
    memory_print("supervisor, idle", [row[1] for row in devices])
    for i, count in enumerate((10, 50) if more else ()):
        memory_print("supervisor, %d services" % count, [row[2][i] for row in devices])
    memory_print("one more supervisor", [second_measure(programs) for _ in range(options.rounds)])
    sites = [daemon_measure(Orchestrator(programs)) for _ in range(options.rounds)]
    memory_print("orchestrator, idle", [row[1] for row in sites])
    for name, rows in (("supervisor", devices), ("orchestrator", sites)):
        print("  %s serves after %.0f ms" % (name, statistics.median(row[0] for row in rows) * 1000))


if __name__ == "__main__":
    main()
