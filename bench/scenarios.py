"""What the bench measures beside kernels: starting, loading, images, snapshots.

Each scenario returns a dictionary for the JSON file and prints a line or two, with the project's
target where there is one. A scenario for which something is missing is skipped by name.
"""

import hashlib
import json
import os
import shutil
import statistics
import sys
import time

from engines import BenchError, command_run, find_program
from large_module import large_module
from programs import programs_run

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position


class Skipped(Exception):
    """What is missing."""


class Context:
    """Where things are, and what is common to the scenarios."""

    def __init__(self, source, root, build, quick, log):
        self.source, self.root, self.build, self.quick, self.log = source, root, build, quick, log
        self.bench = os.path.join(build, "bench")
        self.iso_bench = os.path.join(self.bench, "iso_bench")
        self.errors = []

    def need(self, path):
        if not os.path.exists(path):
            raise Skipped(f"{os.path.relpath(path, self.root)} is not there")
        return path

    def isomer(self):
        path = os.path.join(self.build, "isomer")
        if not os.path.exists(path):
            raise Skipped("the program isomer has not been built")
        return path

    def guest(self, name):
        return self.need(os.path.join(self.bench, "guests", name + ".wasm"))

    def packages(self, name):
        """The folder node_modules with what the tests of real programs ("npm") or of foreign modules
        ("foreign") name, by exact version and integrity."""
        tests = os.path.join(self.root, "tests")
        try:
            return npm.fetch(os.path.join(tests, {"npm": "programs"}.get(name, name)), name)
        except (npm.Missing, npm.Broken) as error:
            raise Skipped(f"what .cache/{name} should have is not there: {error}") from error

    def python_guest(self):
        return self.need(os.path.join(self.packages("npm"), "@antonz", "python-wasi", "dist",
                                      "python.wasm"))

    def esbuild_guest(self):
        return self.need(os.path.join(self.packages("npm"), "@esbuild", "wasi-preview1",
                                      "esbuild.wasm"))

    def node(self):
        node = find_program("NODE", "node")
        if node is None:
            raise Skipped("no program node on the path (Debian: nodejs)")
        return node

    def large_guest(self):
        path = os.path.join(self.bench, "large.wasm")
        with open(path, "wb") as file:
            file.write(large_module())
        return path

    def iso_bench_json(self, *arguments):
        self.need(self.iso_bench)
        return json.loads(command_run([self.iso_bench, *map(str, arguments)], 600))


def measure_processes(context, commands, count, rounds):
    """Runs each named command count times per round, in turns; medians of wall time (ms) and of peak
    memory (KiB)."""
    measure = context.need(os.path.join(context.bench, "measure"))
    samples = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            lines = command_run([measure, str(count), *command], 600).splitlines()
            samples[name] += [tuple(map(int, line.split())) for line in lines]
    return {name: {"wall_ms": statistics.median(wall for wall, _ in values) / 1e6,
                   "fastest_ms": min(wall for wall, _ in values) / 1e6,
                   "peak_kib": statistics.median(peak for _, peak in values)}
            for name, values in samples.items()}


def scenario_hello(context):
    isomer, guest = context.isomer(), context.guest("hello")
    native = context.need(os.path.join(context.bench, "native", "hello"))
    if command_run([isomer, "run", guest], 60) != command_run([native], 60):
        raise BenchError("isomer's hello world says something else than the native one")
    commands = {"native": [native], "isomer": [isomer, "run", guest]}
    wasm3 = find_program("WASM3", "wasm3")
    if wasm3:
        commands["wasm3"] = [wasm3, guest]
    figures = measure_processes(context, commands, 2, 20 if context.quick else 100)
    extra = figures["isomer"]["wall_ms"] - figures["native"]["wall_ms"]
    for name, row in figures.items():
        print(f"  {name:<8}{row['wall_ms']:>8.2f} ms, fastest {row['fastest_ms']:.2f} ms, "
              f"{row['peak_kib']:.0f} KiB")
    print(f"  isomer takes {extra:.2f} ms more than native (target: at most 1 ms, 3 MB)")
    return {**figures, "extra_ms": extra}


def scenario_python(context):
    isomer, guest = context.isomer(), context.python_guest()
    commands = {"isomer": [isomer, "run", guest, "-c", "print(1)"]}
    if command_run(commands["isomer"], 300) != "1\n":
        raise BenchError("CPython's print(1) printed something else than 1")
    try:
        script = os.path.join(context.source, "node_wasi.mjs")
        commands["node"] = [context.node(), "--no-warnings", script, guest, "-c", "print(1)"]
    except Skipped as skipped:
        print(f"  without node: {skipped}")
    figures = measure_processes(context, commands, 1, 3 if context.quick else 7)
    for name, row in figures.items():
        print(f"  {name:<8}{row['wall_ms']:>8.0f} ms {row['peak_kib'] / 1024:>7.1f} MiB")
    if "node" in figures:
        ratio = figures["isomer"]["wall_ms"] / figures["node"]["wall_ms"]
        print(f"  isomer / node: {ratio:.2f} (target: at most 1)")
        figures["ratio"] = ratio
    return figures


def scenario_image(context):
    figures = context.iso_bench_json("image", context.large_guest(), 100 if context.quick else 1000)
    print(f"  module of {figures['size_bytes'] / 1e6:.2f} MB: fresh instance from its image "
          f"{figures['image_ns'] / 1e3:.1f} us (target: at most 50 us), until a short call returned "
          f"{figures['image_call_ns'] / 1e3:.1f} us; from the module "
          f"{figures['instance_ns'] / 1e3:.1f} us")
    return figures


def yardsticks(context, guest, code_bytes, rounds):
    """What else this machine does with the same bytes, in MB/s of processor time: node's
    WebAssembly.validate (of code), and SHA-256 (of the file)."""
    with open(guest, "rb") as file:
        content = file.read()
    times = []
    for _ in range(rounds):
        start = time.process_time_ns()
        hashlib.sha256(content).digest()
        times.append(time.process_time_ns() - start)
    result = {"sha256_mb_per_s": len(content) / statistics.median(times) * 1e3}
    try:
        script = os.path.join(context.source, "node_validate.mjs")
        elapsed = int(command_run([context.node(), script, guest, str(rounds)], 600))
        result["node_validate_mb_per_s"] = code_bytes / elapsed * 1e3
    except Skipped as skipped:
        print(f"  without node: {skipped}")
    return result


def scenario_load(context):
    guests = {"large": context.large_guest()}
    try:
        guests["python"] = context.python_guest()
        guests["esbuild"] = context.esbuild_guest()
    except Skipped as skipped:
        print(f"  without real programs: {skipped}")
    result, rounds = {}, 3 if context.quick else 9
    print("  (MB of Wasm code per second of processor time; targets: validate 150, translate 60, "
          "memory 6 times the Wasm code)")
    for name, guest in guests.items():
        row = context.iso_bench_json("load", guest, rounds)
        size = row["wasm_code_bytes"]
        row["validate_mb_per_s"] = size / row["validate_ns"] * 1e3
        row["translate_mb_per_s"] = size / row["translate_ns"] * 1e3
        row.update(yardsticks(context, guest, size, rounds))
        node = row.get("node_validate_mb_per_s")
        print(f"  {name:<8}{size / 1e6:>6.1f} MB: decode and validate "
              f"{row['validate_mb_per_s']:.0f} MB/s, translate everything "
              f"{row['translate_mb_per_s']:.0f} MB/s, into {row['code_bytes'] / size:.1f} times as much")
        print(f"  {'':<8}beside it: node's WebAssembly.validate "
              f"{f'{node:.0f}' if node else '-'} MB/s, SHA-256 {row['sha256_mb_per_s']:.0f} MB/s")
        result[name] = row
    result["kernels_memory"] = kernels_memory(context)
    return result


def kernels_memory(context):
    """Memory of the translated code of the kernels, as a multiple of their Wasm code."""
    folder = context.need(os.path.join(context.bench, "guests"))
    kernels = [name[:-2] for name in sorted(os.listdir(os.path.join(context.source, "kernels")))
               if name.endswith(".c") and os.path.exists(os.path.join(folder, name[:-2] + ".wasm"))]
    ratios = {}
    for kernel in kernels:
        row = context.iso_bench_json("load", os.path.join(folder, kernel + ".wasm"), 1)
        ratios[kernel] = row["code_bytes"] / row["wasm_code_bytes"]
    worst = max(ratios, key=ratios.get)
    print(f"  the {len(ratios)} kernels: translated into {statistics.geometric_mean(ratios.values()):.1f} "
          f"times as much (geometric mean), {worst} into {ratios[worst]:.1f} times")
    return ratios


# Kernel, n and fuel: stopped in the middle of their work.
SNAPSHOTS = (("fib", 25, 500000), ("nbody", 5000, 500000), ("sha256", 50, 500000),
             ("sort", 5, 500000), ("gemm", 10, 500000))


def scenario_snapshot(context):
    result = {}
    for name, n, fuel in SNAPSHOTS:
        row = context.iso_bench_json("snapshot", context.guest(name), n, fuel,
                                     20 if context.quick else 200)
        print(f"  {name:<8}{row['snapshot_bytes']:>8} bytes, capture "
              f"{row['capture_ns'] / 1e3:>7.1f} us, restore {row['restore_ns'] / 1e3:>7.1f} us")
        result[name] = row
    print("  (targets with a few pages in use: at most 8 KB, 500 us, 300 us)")
    return result


def scenario_typed(context):
    guest, program = context.guest("abi"), context.need(os.path.join(context.bench, "abi_bench"))
    small, large = (2000, 4) if context.quick else (20000, 20)
    result = {mode: json.loads(command_run([program, mode, guest, str(count)], 600))
              for mode, count in (("add", small), ("list", large), ("json", small), ("host", large))}
    add, data, text, host = (result[mode] for mode in ("add", "list", "json", "host"))
    print(f"  add(s32, s32): {add['typed_ns']:.0f} ns (target: at most 300 ns), without types "
          f"{add['core_ns']:.0f} ns")
    print(f"  4 MiB list<u8> in and out: {data['copied_ns'] / 1e6:.2f} ms, as a view "
          f"{data['viewed_ns'] / 1e6:.2f} ms; {data['copied_ratio']:.2f} and "
          f"{data['viewed_ratio']:.2f} times two calls of memcpy (target: at "
          f"most 1.5)")
    print(f"  the same add as JSON: {text['calls_per_s'] / 1e3:.0f}k calls/s (target: at least 300k)")
    print(f"  imports: add {host['host_add_ns']:.0f} ns, 4 MiB list<u8> {host['host_copied_ns'] / 1e6:.2f} "
          f"ms, as a view {host['host_viewed_ns']:.0f} ns")
    return result


def run_script(context, words, limit):
    """A bench of its own: its lines are shown; what it says in its lines is kept."""
    for word in words:
        if word.startswith(context.build):
            context.need(word)
    text = command_run(words, limit)
    lines = [line for line in text.splitlines() if line]
    for line in lines:
        print("  " + line)
    return {"lines": lines}


def scenario_supervisor(context):
    if shutil.which("wrk") is None:
        raise Skipped("wrk is not installed")
    script = os.path.join(context.source, "supervisor", "run.py")
    return run_script(context, [sys.executable, script, "--build", context.build] +
                      (["--rounds", "1", "--seconds", "1"] if context.quick else []), 1800)


def scenario_coap(context):
    script = os.path.join(context.source, "coap", "bench.py")
    return run_script(context, [sys.executable, script, "--tool",
                                os.path.join(context.build, "tests", "coap", "coap_tool")], 900)


def scenario_planner(context):
    program = context.need(os.path.join(context.bench, "planner_bench"))
    lines = command_run([program, "1" if context.quick else "9"], 600).splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        print(f"  {row['devices']:>5} devices x {row['components']:>3} components: "
              f"{row['plan_ms']:>8.2f} ms (at most {row['plan_max_ms']:.2f}), explained in "
              f"{row['explain_ms']:.2f} ms; {row['proven']} of {row['rounds']} proven the best")
    print("  (target: 1,000 devices x 100 components within a few seconds)")
    return {"rows": rows}


def scenario_orchestrator(context):
    for name in ("isomer", "isomer-supervisor", "isomer-orchestrator"):
        context.need(os.path.join(context.build, name))
    script = os.path.join(context.source, "orchestrator", "run.py")
    return run_script(context, [sys.executable, script, "--build", context.build] +
                      (["--devices", "50", "--seconds", "10"] if context.quick else []), 1800)


SCENARIOS = (
    ("hello", "hello world, start to end", scenario_hello),
    ("python", "CPython's print(1), start to end", scenario_python),
    ("programs", "real programs, beside node", programs_run),
    ("image", "fresh instances", scenario_image),
    ("load", "loading modules", scenario_load),
    ("snapshot", "snapshots of kernels in mid-computation", scenario_snapshot),
    ("typed", "typed calls", scenario_typed),
    ("supervisor", "the supervisor: calls over HTTP, memory, links between devices", scenario_supervisor),
    ("planner", "planning: which device for which component", scenario_planner),
    ("coap", "CoAP beside libcoap's example server", scenario_coap),
    ("orchestrator", "500 supervisors held by one orchestrator", scenario_orchestrator),
)


NAMES = [name for name, _, _ in SCENARIOS]


def scenarios_run(context, wanted=None):
    results = {}
    for name, title, function in SCENARIOS:
        if wanted and name not in wanted:
            continue
        print(f"{title}:")
        try:
            results[name] = function(context)
        except Skipped as skipped:
            results[name] = {"skipped": str(skipped)}
            print(f"skipped: {name}: {skipped}")
        except BenchError as error:
            context.errors.append(f"{name}: {error}")
            results[name] = {"error": str(error)}
    return results
