#!/usr/bin/env python3
"""How long a service stands still when it moves between two supervisors of this machine.

usage: bench/orchestrator/moves.py [--build FOLDER] [--against FOLDER] [--moves N] [--rounds N]

A counting service moves N times in each round, without callers and with four that call all the time; its callers
check that every call counts exactly once. Beside each move a small file is written durably, as a supervisor does
it (written, synced, renamed, the directory synced): the downtime has six of these in a row and a transaction of
SQLite, so it can be no shorter. --against: the same with another build, the two taking turns.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "orchestrator"))

from fleet import Guests, site  # noqa: E402  pylint: disable=wrong-import-position
from test_moves import Callers, counter  # noqa: E402  pylint: disable=wrong-import-position


def write_durably(folder):
    """Milliseconds."""
    start = time.monotonic()
    path = os.path.join(folder, "file")
    with open(path + ".new", "wb") as stream:
        stream.write(b"x" * 400)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(path + ".new", path)
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
    return 1000 * (time.monotonic() - start)


class Figures:
    """Of one build."""

    def __init__(self, build):
        build = os.path.abspath(build)
        self.name = os.path.relpath(build, ROOT)
        self.programs = {name: os.path.join(build, "isomer" + suffix) for name, suffix in
                         (("isomer", ""), ("supervisor", "-supervisor"), ("orchestrator", "-orchestrator"))}
        self.alone, self.called, self.disk = [], [], []
        self.state = 0 # of the last move

    def move(self, held, times, downtimes):
        for _ in range(times):
            home = held.where("lab", "probe")
            moved = held.move("lab", "probe", "den" if home == "hall" else "hall", 60)
            downtimes.append(moved["moves"][0]["downtime-ms"])
            self.state = moved["moves"][0].get("snapshot-bytes", 0)
            self.disk.append(write_durably(tempfile.gettempdir()))

    def round(self, guests, times):
        with site(self.programs, "hall", "den") as (held, devices):
            for name in devices:
                held.good("PATCH", "/v1/devices/" + name, {"labels": {"job": "yes"}})
            held.deploy(counter(), {"probe": guests.bytes("probe"), "caller": guests.bytes("caller")})
            self.move(held, times, self.alone)
            with Callers(held) as callers:
                self.move(held, times, self.called)
            callers.verify(held.value("lab/probe", "get-count"))

    def tell(self):
        for what, values in (("alone", self.alone), ("called", self.called), ("disk", self.disk)):
            print("%-8s median %5.1f ms, 95 %% %5.1f ms, fastest %5.1f ms of %d  %s" % (
                what, statistics.median(values), sorted(values)[int(0.95 * len(values))], min(values), len(values),
                self.name), flush=True)
        print("state    %d kB, with what is remembered of calls" % (self.state / 1000))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--against")
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    builds = [Figures(build) for build in (options.build, options.against) if build]
    guests = Guests(builds[0].programs["isomer"], os.path.join(options.build, "tests", "orchestrator-guests"))
    for _ in range(options.rounds):
        for figures in builds:
            figures.round(guests, options.moves)
    for figures in builds:
        figures.tell()


if __name__ == "__main__":
    main()
