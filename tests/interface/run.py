#!/usr/bin/env python3
"""Shows that generated bindings and descriptions are right, with the tools of others.

usage: run.py --tool INTERFACE_TOOL --build FOLDER [--worlds N] [--cases N] [--seed N] [--full] [--only NAME]...
              [--other TOOL[=WRAPPER]]...

  c, rust, assemblyscript  random worlds: guests made from the bindings of each give back random values
  thing, openapi           descriptions of the worlds and of examples against validators
  jco                      makes components of the C guests and calls them from node
  carry                    calls of the C guests move from process to process while they run, with --other
                           between architectures

What a test lacks (a compiler, npm) makes it skipped by name. Programs from npm are fetched once, by the
exact versions and integrity of package-lock.json, into .cache/interface and .cache/jco. The last line is
`N passed, N failed, N skipped`.
"""

import argparse
import os
import random
import shlex
import shutil
import sys

import worlds

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position
import suite  # noqa: E402  pylint: disable=wrong-import-position
import wit as wit_texts  # noqa: E402  pylint: disable=wrong-import-position
from suite import Failure, Skip, Tally, need  # noqa: E402  pylint: disable=wrong-import-position


def execute(words, **options):
    return suite.execute(words, text=True, **options)


def must(words, **options):
    result = execute(words, **options)
    if result.returncode != 0:
        raise Failure("%s: %s" % (shlex.join(words), (result.stderr + result.stdout)[:3000]))
    return result


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Bench:
    """What the tests share."""

    def __init__(self, options):
        self.tool = shlex.split(options.wrapper) + [options.tool]
        self.others = [other.partition("=") for other in options.other]
        self.build = os.path.abspath(options.build)
        self.worlds = options.worlds or (40 if options.full else 4)
        self.cases = options.cases or (200 if options.full else 60)
        self.seed = options.seed
        os.makedirs(self.build, exist_ok=True)

    def world(self, number, flags=True):
        """The folder of one world with its echo.wit."""
        folder = os.path.join(self.build, "world-%d%s" % (number, "" if flags else "-small"))
        os.makedirs(folder, exist_ok=True)
        write(os.path.join(folder, "echo.wit"), worlds.World(random.Random(number), flags=flags).text)
        return folder

    def bindings(self, folder, language):
        wit = os.path.join(folder, "echo.wit")
        target = os.path.join(folder, language)
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target)
        must(self.tool + ["bindings", language, wit, target])
        return target

    def round_trips(self, language, compile_guest):
        calls = 0
        for number in range(self.seed, self.seed + self.worlds):
            folder = self.world(number)
            guest = compile_guest(self.bindings(folder, language), number)
            result = execute(self.tool + ["echo", os.path.join(folder, "echo.wit"), guest, str(number),
                                          str(self.cases)])
            if result.returncode != 0:
                raise Failure("world %d: %s" % (number, (result.stdout + result.stderr)[:3000]))
            calls += int(result.stdout.strip().split("\n")[-1].split()[0])
        return "%d calls of %d worlds" % (calls, self.worlds)


def compile_c(target, _number):
    clang = need("clang-19", "clang")
    write(os.path.join(target, "guest.c"), worlds.guest_c(read(os.path.join(target, "echo.h"))))
    words = [clang, "--target=wasm32-wasi", "--sysroot=/usr", "-mexec-model=reactor", "-O1", "-Wall", "-Wextra",
             "-Werror", "guest.c", "echo.c", "-o", "guest.wasm"]
    result = execute(words, cwd=target)
    if result.returncode != 0 and ("libclang_rt" in result.stderr or "crt1-reactor" in result.stderr
                                   or "wasm-ld" in result.stderr):
        words[0] = need("clang")
        result = execute(words, cwd=target)
    if result.returncode != 0 and "No such file" in result.stderr:
        raise Skip("the compiler's Wasm libraries are not installed: " + result.stderr.split("\n")[0])
    if result.returncode != 0:
        raise Failure("%s: %s" % (target, result.stderr[:3000]))
    return os.path.join(target, "guest.wasm")


def rustc():
    """A rustc that has the target's library."""
    for program in ("/usr/bin/rustc", shutil.which("rustc")):
        if program and os.path.exists(program):
            for name in ("wasm32-wasi", "wasm32-wasip1"):
                result = execute([program, "--print", "target-libdir", "--target", name])
                if result.returncode == 0 and os.path.isdir(result.stdout.strip()):
                    return program, name
    raise Skip("there is no rustc with its library for wasm32-wasi")


def compile_rust(target, _number):
    program, name = rustc()
    write(os.path.join(target, "guest.rs"), worlds.guest_rust(read(os.path.join(target, "echo.rs"))))
    must([program, "--edition", "2021", "--target", name, "--crate-type", "cdylib", "-D", "warnings",
          "-C", "opt-level=1", "guest.rs", "-o", "guest.wasm"], cwd=target)
    return os.path.join(target, "guest.wasm")


def compile_assemblyscript(target, number):
    node, modules = need("node"), npm.fetch(HERE, "interface")
    write(os.path.join(target, "index.ts"), worlds.guest_assemblyscript(read(os.path.join(target, "echo.ts"))))
    result = must([node, os.path.join(modules, "assemblyscript", "bin", "asc.js"), "echo.ts", "--transform",
                   "./echo.mjs", "-o", "guest.wasm", "--runtime", ("incremental", "stub")[number % 2]], cwd=target)
    if result.stderr:
        raise Failure("%s: %s" % (target, result.stderr[:3000]))
    return os.path.join(target, "guest.wasm")


def test_c(bench):
    return bench.round_trips("c", compile_c)


def test_rust(bench):
    return bench.round_trips("rust", compile_rust)


def test_assemblyscript(bench):
    return bench.round_trips("assemblyscript", compile_assemblyscript)


def wit_files(bench):
    """Random worlds and every example of modules/ that has a WIT."""
    found = [os.path.join(bench.world(number), "echo.wit") for number in range(bench.seed, bench.seed + bench.worlds)]
    for folder, _, files in sorted(os.walk(os.path.join(ROOT, "modules"))):
        found += [with_devices(bench, os.path.join(folder, file)) for file in sorted(files) if file.endswith(".wit")]
    return found


def with_devices(bench, wit):
    """The file, or one that has the package isomer:device in it too where that is used."""
    path = os.path.join(bench.build, os.path.basename(wit))
    write(path, wit_texts.with_packages(wit_texts.read(wit)))
    return path


def describe(bench, kind):
    node, modules = need("node"), npm.fetch(HERE, "interface")
    places = ([], ["https://device:8443/v1/components/app/part"],
              ["https://device:8443/v1/components/app/part", "coaps://device/c/app/part"])
    made = []
    for number, wit in enumerate(wit_files(bench)):
        path = os.path.join(bench.build, "%s-%d.json" % (kind, number))
        write(path, must(bench.tool + ["describe", kind, wit] + places[number % 3]).stdout)
        made.append(path)
    return must([node, "--no-warnings", os.path.join(HERE, "validate.mjs"), modules, kind] + made).stdout.strip()


def test_thing(bench):
    return describe(bench, "thing")


def test_openapi(bench):
    return describe(bench, "openapi")


def test_jco(bench):
    """Components of the C guests; node calls them with its own values. jco has no more than 32 flags."""
    node, modules = need("node"), npm.fetch(os.path.join(HERE, "jco"), "jco")
    jco = [node, os.path.join(modules, "@bytecodealliance", "jco", "dist", "jco.js")]
    if not os.path.exists(jco[1]):
        jco[1] = os.path.join(modules, "@bytecodealliance", "jco", "src", "jco.js")
    count = 0
    for number in range(bench.seed, bench.seed + max(1, bench.worlds // 4)):
        folder = bench.world(number, flags=False)
        wit = os.path.join(folder, "echo.wit")
        guest = compile_c(bench.bindings(folder, "c"), number)
        embedded, component, out = (os.path.join(folder, name) for name in ("embedded.wasm", "component.wasm", "js"))
        must(jco + ["embed", "--wit", wit, "--world-name", "echo", "-o", embedded, guest])
        must(jco + ["new", embedded, "--wasi-reactor", "-o", component])
        must(jco + ["transpile", component, "-o", out, "--name", "echo", "--map", "test:echo/host=../../host.mjs"])
        values = must(bench.tool + ["values", wit, str(number), str(bench.cases // 4 + 1)]).stdout
        write(os.path.join(folder, "values.mjs"), values)
        shutil.copy(os.path.join(HERE, "jco", "host.mjs"), bench.build)
        link = os.path.join(bench.build, "node_modules")
        if not os.path.islink(link):
            os.symlink(modules, link)
        result = must([node, "--no-warnings", os.path.join(HERE, "jco", "calls.mjs"), folder])
        count += int(result.stdout.split()[0])
    return "%d calls of components" % count


def carry_call(tools, common, source, folder):
    """One call, each leg by a process of the next tool; how many legs. source decides where it is stopped."""
    files = [os.path.join(folder, name) for name in ("carry-0", "carry-1")]
    steps = str(source.randrange(1, 8))
    answer = must(tools[0] + ["begin"] + common + [steps, files[0]]).stdout.strip()
    legs = 1
    while answer == "saved":
        steps = str(source.randrange(1, 8))
        answer = must(tools[legs % len(tools)] + ["go-on"] + common + [files[(legs - 1) % 2], steps,
                                                                       files[legs % 2]]).stdout.strip()
        legs += 1
    if answer != "equal":
        raise Failure("%s: %s after %d legs" % (shlex.join(common), answer, legs))
    return legs


def test_carry(bench):
    """Typed calls under way are saved by one process and continued by another."""
    tools = [bench.tool] + [shlex.split(wrapper) + [os.path.abspath(tool)] for tool, _, wrapper in bench.others]
    source = random.Random(bench.seed)
    legs = calls = 0
    for number in range(bench.seed, bench.seed + max(1, bench.worlds // 4)):
        folder = bench.world(number)
        guest = compile_c(bench.bindings(folder, "c"), number)
        for seed in range(bench.cases // 4):
            legs += carry_call(tools, [os.path.join(folder, "echo.wit"), guest, str(seed)], source, folder)
            calls += 1
    if legs < 2 * calls:
        raise Failure("%d legs of %d calls: too few to show anything" % (legs, calls))
    return "%d calls in %d processes of %d builds" % (calls, legs, len(tools))


TESTS = {"c": test_c, "rust": test_rust, "assemblyscript": test_assemblyscript, "thing": test_thing,
         "openapi": test_openapi, "jco": test_jco, "carry": test_carry}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--wrapper", default="")
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--cases", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--other", action="append", default=[])
    parser.add_argument("--only", action="append", choices=TESTS)
    options = parser.parse_args()
    options.tool = os.path.abspath(options.tool)
    bench = Bench(options)
    tally = Tally()
    for name in options.only or TESTS:
        tally.run(name, TESTS[name], bench)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
