#!/usr/bin/env python3
"""Measures Isomer beside native code and other engines; see README.md of this folder.

Only Python's own library is needed. The figures go to standard output and to a JSON file.
"""

import argparse
import json
import math
import os
import platform
import statistics
import sys

sys.dont_write_bytecode = True  # the source folder stays as it is

# pylint: disable=wrong-import-position
from engines import BenchError, PrintingEngine, command_run, engines_create
import scenarios

SOURCE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(SOURCE)


class Kernel:
    """A line of kernels.txt."""

    def __init__(self, line):
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 6:
            raise BenchError(f"kernels.txt: six fields are needed in \"{line.strip()}\"")
        self.name = fields[0]
        self.bench, self.test, self.middle = int(fields[1]), int(fields[2]), int(fields[4])
        self.checksum, self.set = fields[3], fields[5]

    def n(self, scale):
        return {"bench": self.bench, "middle": self.middle, "test": self.test}[scale]


def kernels_read(names):
    with open(os.path.join(SOURCE, "kernels.txt"), encoding="utf-8") as file:
        kernels = [Kernel(line) for line in file if line.strip() and not line.startswith("#")]
    unknown = set(names) - {kernel.name for kernel in kernels}
    if unknown:
        raise BenchError(f"no kernel is called {', '.join(sorted(unknown))}; there are "
                         f"{', '.join(kernel.name for kernel in kernels)}")
    return [kernel for kernel in kernels if not names or kernel.name in names]


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


class Samples:
    """Times by kernel, engine and scale, and the checksums that must agree."""

    def __init__(self):
        self.times = {}
        self.sums = {}
        self.errors = []

    def take(self, engine, kernel, scale):
        n = kernel.n(scale)
        try:
            elapsed, checksum = engine.run(kernel, n)
        except BenchError as error:
            self.errors.append(f"{kernel.name}: {error}")
            return
        first = self.sums.setdefault((kernel.name, n), (checksum, engine.name))
        if checksum != first[0]:
            self.errors.append(f"{kernel.name}: run({n}) is {checksum} in {engine.name}, but "
                               f"{first[0]} in {first[1]}")
            return
        self.times.setdefault((kernel.name, engine.name, scale), []).append(elapsed)

    def median(self, kernel, engine, scale):
        values = self.times.get((kernel.name, engine.name, scale))
        return statistics.median(values) if values else None


def measure(kernels, engines, rounds, log):
    """Runs every kernel in every engine, round by round, so that whatever else the machine does meets
    all of them."""
    samples = Samples()
    native, others = engines[0], engines[1:]
    tasks = [(native, scale) for scale in sorted({engine.scale for engine in engines})]
    tasks += [(engine, engine.scale) for engine in others]
    for kernel in kernels:
        for engine in engines:
            try:
                engine.prepare(kernel)
            except BenchError as error:
                samples.errors.append(f"{kernel.name}: {engine.name}: {error}")
    for number in range(rounds):
        shift = number % len(tasks)  # each round begins with another one
        for kernel in kernels:
            for engine, scale in tasks[shift:] + tasks[:shift]:
                samples.take(engine, kernel, scale)
        log(f"round {number + 1} of {rounds}")
    return samples


def summarise(kernels, engines, samples):
    """The figures as one structure: what the JSON file has, and what the table prints."""
    native, others = engines[0], engines[1:]
    rows = {}
    for kernel in kernels:
        row = {"set": kernel.set, "n": kernel.n(native.scale),
               "native_ns": samples.median(kernel, native, native.scale), "engines": {}}
        for engine in others:
            elapsed = samples.median(kernel, engine, engine.scale)
            base = samples.median(kernel, native, engine.scale)
            if elapsed is not None and base:
                row["engines"][engine.name] = {"ns": elapsed, "n": kernel.n(engine.scale),
                                               "ratio": elapsed / base}
        rows[kernel.name] = row
    means = {}
    for name, chosen in (("core", [k for k in kernels if k.set == "core"]), ("all", kernels)):
        means[name] = {"kernels": len(chosen), "ratios": {}}
        for engine in others:
            ratios = [rows[k.name]["engines"][engine.name]["ratio"] for k in chosen
                      if engine.name in rows[k.name]["engines"]]
            if ratios and len(ratios) == len(chosen):
                means[name]["ratios"][engine.name] = geometric_mean(ratios)
    return {"kernels": rows, "geometric_mean": means}


def table_print(figures, engines):
    names = [engine.name for engine in engines[1:]]
    width = max([11] + [len(name) for name in names])
    print(f"{'kernel':<14}{'native ms':>10}" + "".join(f"{name:>{width + 1}}" for name in names))
    for kernel, row in figures["kernels"].items():
        cells = []
        for name in names:
            cell = row["engines"].get(name)
            cells.append(f"{cell['ratio']:.2f}x" if cell else "-")
        time = f"{row['native_ns'] / 1e6:.1f}" if row["native_ns"] else "-"
        print(f"{kernel:<14}{time:>10}" + "".join(f"{cell:>{width + 1}}" for cell in cells))
    for name, mean in figures["geometric_mean"].items():
        if mean["kernels"] == 0:
            continue
        cells = [f"{mean['ratios'][engine]:.2f}x" if engine in mean["ratios"] else "-"
                 for engine in names]
        print(f"{'mean, ' + name:<14}{mean['kernels']:>10}" +
              "".join(f"{cell:>{width + 1}}" for cell in cells))
        if "isomer" in mean["ratios"] and len(mean["ratios"]) > 1:
            others = [f"{mean['ratios'][engine] / mean['ratios']['isomer']:.2f} x {engine}"
                      for engine in names if engine != "isomer" and engine in mean["ratios"]]
            print(f"{'':<14}isomer's speed is {', '.join(others)}")


def machine_describe(build):
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.split(":")[1].strip() for line in file
                         if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = {}
    for name, command in (("gcc", ["gcc", "--version"]), ("clang", ["clang-19", "--version"]),
                          ("dispatch", [os.path.join(build, "bench", "iso_bench"), "dispatch"])):
        try:
            versions[name] = command_run(command, 30).splitlines()[0]
        except (BenchError, IndexError):
            versions[name] = None
    return {"processor": model, "cores": os.cpu_count(), "system": platform.platform(), **versions}


def mode_check(kernels, build, emulator):
    """Native code and Isomer at the test n against the checksums of the table."""
    guests = os.path.join(build, "bench", "guests")
    iso_bench = os.path.join(build, "bench", "iso_bench")
    native = os.path.join(build, "bench", "native")
    engines = [PrintingEngine("native", lambda k, n: [os.path.join(native, k.name), str(n)],
                              needed=os.path.join(native, "fib")),
               PrintingEngine("isomer", lambda k, n: emulator + [
                   iso_bench, "run", os.path.join(guests, k.name + ".wasm"), str(n)],
                              needed=iso_bench)]
    passed, failures, skipped = 0, 0, 0
    for engine in engines:
        if engine.missing:
            print(f"skip  {engine.name}: {engine.missing}")
            skipped += len(kernels)
            continue
        for kernel in kernels:
            try:
                checksum = engine.run(kernel, kernel.test)[1]
            except BenchError as error:
                checksum = str(error)
            if checksum != kernel.checksum:
                failures += 1
                print(f"FAIL  {engine.name} {kernel.name}({kernel.test}): expected "
                      f"{kernel.checksum}, got {checksum}")
            else:
                passed += 1
    print(f"{passed} passed, {failures} failed, {skipped} skipped")
    return 1 if failures else 0


def mode_compare(kernels, builds, guests, rounds, quick, log):
    """Two builds of iso_bench in turns: the second's time as a share of the first's."""
    engines = []
    for number, build in enumerate(builds):
        program = os.path.join(build, "bench", "iso_bench") if os.path.isdir(build) else build
        engines.append(PrintingEngine(f"build {number + 1}", lambda k, n, program=program: [
            program, "run", os.path.join(guests, k.name + ".wasm"), str(n)], needed=program))
        if engines[-1].missing:
            raise BenchError(engines[-1].missing)
        engines[-1].scale = "middle" if quick else "bench"
    samples = measure(kernels, engines, rounds, log)
    figures = summarise(kernels, engines, samples)
    print(f"{'kernel':<14}{'build 1 ms':>12}{'build 2 ms':>12}{'2 / 1':>9}")
    for name, row in figures["kernels"].items():
        second = row["engines"].get("build 2")
        if second:
            print(f"{name:<14}{row['native_ns'] / 1e6:>12.1f}{second['ns'] / 1e6:>12.1f}"
                  f"{second['ratio']:>9.3f}")
    for name, mean in figures["geometric_mean"].items():
        if "build 2" in mean["ratios"]:
            print(f"{'mean, ' + name:<38}{mean['ratios']['build 2']:>9.3f}")
    return samples.errors


def mode_bench(kernels, arguments, log):
    build = arguments.build
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    figures = {"machine": machine_describe(build), "rounds": rounds, "skipped": {}}
    errors = []
    if not arguments.scenarios and not arguments.scenario:
        engines = engines_create(SOURCE, build, arguments.quick)
        if arguments.engine:
            engines = [e for e in engines if e.name in arguments.engine + ["native"]]
        for engine in engines:
            if engine.missing:
                figures["skipped"][engine.name] = engine.missing
                print(f"skipped: {engine.name}: {engine.missing}")
        engines = [engine for engine in engines if not engine.missing]
        if not engines or engines[0].name != "native":
            raise BenchError("the native kernels have not been built; run ./dev build")
        samples = measure(kernels, engines, rounds, log)
        figures.update(summarise(kernels, engines, samples))
        errors += samples.errors
        print("times slower than native code (gcc -O2):")
        table_print(figures, engines)
    if not arguments.kernel and not arguments.engine:
        context = scenarios.Context(SOURCE, ROOT, build, arguments.quick, log)
        figures["scenarios"] = scenarios.scenarios_run(context, arguments.scenario)
        errors += context.errors
    os.makedirs(os.path.dirname(arguments.output), exist_ok=True)
    figures["errors"] = errors
    with open(arguments.output, "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=1)
        file.write("\n")
    print(f"figures: {os.path.relpath(arguments.output)}")
    return errors


def arguments_parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures Isomer beside "
                                     "native code and other engines (bench/README.md).")
    parser.add_argument("--quick", action="store_true",
                        help="less work and two rounds: for a first look only")
    parser.add_argument("--kernel", action="append", default=[], metavar="NAME",
                        help="only this kernel (may be repeated); no scenarios")
    parser.add_argument("--engine", action="append", default=[], metavar="NAME",
                        help="only this engine beside native code (may be repeated); no scenarios")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="default: 5")
    parser.add_argument("--scenarios", action="store_true", help="only what is not a kernel")
    parser.add_argument("--scenario", action="append", choices=scenarios.NAMES,
                        help="only this of them (may be repeated); no kernels")
    parser.add_argument("--compare", nargs=2, metavar=("BUILD1", "BUILD2"),
                        help="two builds of iso_bench (build folders or programs) in turns")
    parser.add_argument("--check", action="store_true",
                        help="only compare checksums of small runs with kernels.txt")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"),
                        help="the build to measure (default: build/release)")
    parser.add_argument("--emulator", default="", help="for --check: what runs the build's programs")
    parser.add_argument("--output", default=os.path.join(ROOT, "build", "bench", "results.json"))
    return parser.parse_args()


def main():
    arguments = arguments_parse()
    arguments.build = os.path.abspath(arguments.build)
    arguments.output = os.path.abspath(arguments.output)

    def log(text):
        print(text, file=sys.stderr, flush=True)

    try:
        kernels = kernels_read(arguments.kernel)
        if arguments.check:
            emulator = [part for part in arguments.emulator.split(";") if part]
            return mode_check(kernels, arguments.build, emulator)
        if arguments.compare:
            guests = os.path.join(arguments.build, "bench", "guests")
            errors = mode_compare(kernels, arguments.compare, guests, arguments.rounds or 5,
                                  arguments.quick, log)
        else:
            errors = mode_bench(kernels, arguments, log)
    except BenchError as error:
        log(f"bench: {error}")
        return 1
    for error in errors:
        log(f"ERROR {error}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
