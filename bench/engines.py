"""Engines that the bench runs kernels in.

Each engine is an object with a name, `missing` (None, or what is not there) and `run(kernel, n)`,
which gives nanoseconds and checksum of one call of the kernel's `run`, made by a fresh process.
"""

import os
import re
import resource
import shutil
import subprocess


class BenchError(Exception):
    """Something that makes the figures worthless; the text says what."""


def command_run(command, timeout, env=None):
    """Runs a command and gives its output (both streams) as text."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout, check=False, env=env)
    except OSError as error:
        raise BenchError(f"cannot start {command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{' '.join(command)} took more than {timeout} s") from error
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)} ended with status {done.returncode}: "
                         f"{done.stdout.strip()[:500]}")
    return done.stdout


def find_program(variable, name):
    """A program by environment variable or on the path; None when there is none."""
    return os.environ.get(variable) or shutil.which(name)


def children_cpu_ns():
    """Processor time of all processes that were started and have ended, in nanoseconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)


class Engine:
    """What the engines have in common. `scale` says which n of the table suits: "bench" or, for the
    very slow, "middle"; the harness compares with native code at the same n."""

    scale = "bench"
    timeout = 300

    def __init__(self, name, missing=None):
        self.name = name
        self.missing = missing

    def prepare(self, kernel):
        """Whatever has to be done once before the kernel runs."""

    def run(self, kernel, n):
        raise NotImplementedError


class PrintingEngine(Engine):
    """An engine whose driver prints the nanoseconds of the call and the checksum."""

    def __init__(self, name, command, missing=None, needed=None):
        super().__init__(name, missing)
        if self.missing is None and needed is not None and not os.path.exists(needed):
            self.missing = f"{needed} has not been built"
        self.command = command

    def run(self, kernel, n):
        text = command_run(self.command(kernel, n), self.timeout)
        match = re.fullmatch(r"(\d+) ([0-9a-f]{16})\s*", text)
        if match is None:
            raise BenchError(f"{self.name} printed no time and checksum for {kernel.name}: "
                             f"{text.strip()[:200]}")
        return int(match[1]), match[2]


class WholeEngine(Engine):
    """An engine that does not tell the time: the processor time of the whole process counts, less
    that of the same process computing nothing."""

    def __init__(self, name, program, missing):
        super().__init__(name, None if program else missing)
        self.program = program

    def commands(self, kernel, n):
        """The command, the one that computes nothing, and a pattern for the checksum as a decimal
        number."""
        raise NotImplementedError

    def run(self, kernel, n):
        full, empty, pattern = self.commands(kernel, n)
        start = children_cpu_ns()
        command_run(empty, self.timeout)
        middle = children_cpu_ns()
        text = command_run(full, self.timeout)
        end = children_cpu_ns()
        match = re.search(pattern, text)
        if match is None:
            raise BenchError(f"{self.name} printed no result for {kernel.name}: "
                             f"{text.strip()[:200]}")
        return max(1, (end - middle) - (middle - start)), f"{int(match[1]) % 2**64:016x}"


class Wasm3(WholeEngine):
    def __init__(self, guests):
        super().__init__("wasm3", find_program("WASM3", "wasm3"),
                         "no program wasm3 on the path or in $WASM3")
        self.guests = guests

    def commands(self, kernel, n):
        guest = os.path.join(self.guests, kernel.name + ".wasm")
        common = [self.program, "--func", "run", guest]
        return common + [str(n)], common + ["0"], r"Result: (-?\d+)"


class WasmInterp(WholeEngine):
    """wabt's interpreter. It passes no arguments, so that it has guests with the middle n in them."""

    scale = "middle"

    def __init__(self, fixed):
        super().__init__("wasm-interp", find_program("WASM_INTERP", "wasm-interp"),
                         "no program wasm-interp on the path (Debian: wabt)")
        self.fixed = fixed

    def commands(self, kernel, n):
        if n != kernel.middle:
            raise BenchError("wasm-interp has guests for the middle n only")
        common = [self.program, os.path.join(self.fixed, kernel.name + ".wasm")]
        return common + ["--run-all-exports"], common, r"run_fixed\(\) => i64:(\d+)"


class Wasm2c(PrintingEngine):
    """wabt's compiler to C, with gcc -O2 behind it."""

    runtime = "/usr/share/wabt/wasm2c"

    def __init__(self, bench_source, guests, work):
        super().__init__("wasm2c", lambda kernel, n: [os.path.join(work, kernel.name), str(n)])
        self.source, self.guests, self.work = bench_source, guests, work
        program = find_program("WASM2C", "wasm2c")
        if program is None or shutil.which("gcc") is None:
            self.missing = "no program wasm2c or gcc on the path (Debian: wabt, gcc)"
        elif command_run([program, "--version"], 10).strip() != "1.0.32":
            self.missing = "wasm2c is there, but not version 1.0.32"
        elif not os.path.exists(os.path.join(self.runtime, "wasm-rt-impl.c")):
            self.missing = f"no {self.runtime}/wasm-rt-impl.c"
        self.program = program

    def prepare(self, kernel):
        folder = os.path.join(self.work, "source-" + kernel.name)
        os.makedirs(folder, exist_ok=True)
        translated = os.path.join(folder, "kernel_w2c.c")
        command_run([self.program, os.path.join(self.guests, kernel.name + ".wasm"),
                     "-n", "kernel", "-o", translated], 60)
        command_run(["gcc", "-O2", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-w",
                     "-I", self.source, "-I", folder, "-I", self.runtime, translated,
                     os.path.join(self.source, "wasm2c_shim.c"),
                     os.path.join(self.source, "native_main.c"),
                     os.path.join(self.runtime, "wasm-rt-impl.c"), "-lm",
                     "-o", os.path.join(self.work, kernel.name)], 120)


def engines_create(source, build, middle_only):
    """Native code first, then Isomer, then the others. middle_only: all use the middle n."""
    bench = os.path.join(build, "bench")
    guests = os.path.join(bench, "guests")
    node = find_program("NODE", "node")
    node_missing = None if node else "no program node on the path (Debian: nodejs)"
    script = os.path.join(source, "node_bench.mjs")

    def guest(kernel):
        return os.path.join(guests, kernel.name + ".wasm")

    iso_bench = os.path.join(bench, "iso_bench")
    native = os.path.join(bench, "native")
    engines = [
        PrintingEngine("native", lambda k, n: [os.path.join(native, k.name), str(n)],
                       needed=os.path.join(native, "fib")),
        PrintingEngine("isomer", lambda k, n: [iso_bench, "run", guest(k), str(n)],
                       needed=iso_bench),
        Wasm3(guests),
        WasmInterp(os.path.join(bench, "fixed")),
        PrintingEngine("liftoff", lambda k, n: [node, "--liftoff-only", script, guest(k), str(n)],
                       node_missing),
        PrintingEngine("node", lambda k, n: [node, script, guest(k), str(n)], node_missing),
        Wasm2c(source, guests, os.path.join(bench, "wasm2c")),
    ]
    if middle_only:
        for engine in engines:
            engine.scale = "middle"
    return engines
