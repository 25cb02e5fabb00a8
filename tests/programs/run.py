#!/usr/bin/env python3
"""Runs real programs with `isomer run` and compares them with what they do elsewhere.

usage: run.py --isomer PROGRAM --build FOLDER [--wrapper COMMAND] [--only NAME]...
       run.py --fetch

  c, cpp, rust       built for Wasm and natively; both runs must print the same, end with the same
                     status and leave the same files
  assemblyscript     against assemblyscript/expected.txt
  python             CPython from npm, against the native python3
  esbuild            from npm: bundles a project; node runs the bundle, against esbuild/expected.txt

What a test lacks (a compiler, npm) makes it skipped by name. Programs from npm are fetched once, by the
exact versions and integrity of package-lock.json, into .cache/npm. The last line is
`N passed, N failed, N skipped`. --fetch only fetches them, if it can.
"""

import argparse
import filecmp
import os
import shlex
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NPM = os.path.join(ROOT, ".cache", "npm")
MODULES = os.path.join(NPM, "node_modules")
STDIN = "line 1\nline two: äöü\n\nlast line without its end"
GREETING = "hello, wörld"
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position
from suite import Failure, Skip, Tally, check_equal, execute, need  # noqa: E402  pylint: disable=wrong-import-position


def compile_with(words, **options):
    result = execute(words, **options)
    if result.returncode != 0:
        raise Failure("%s: %s" % (shlex.join(words), result.stderr.decode("utf-8", "replace")[:2000]))


def compile_for_wasm(words, missing):
    """As compile_with; a toolchain without its Wasm libraries is one that is missing."""
    result = execute(words)
    text = result.stderr.decode("utf-8", "replace")
    if result.returncode != 0 and any(word in text for word in missing):
        raise Skip("the compiler's Wasm libraries are not installed: " + text.strip().split("\n")[0])
    if result.returncode != 0:
        raise Failure("%s: %s" % (shlex.join(words), text[:2000]))


def fetch_npm():
    """Gets what package-lock.json names."""
    npm.fetch(HERE, "npm")


class World:
    """The programs and folders of this run."""

    def __init__(self, options):
        self.isomer = shlex.split(options.wrapper) + [options.isomer]
        self.build = os.path.abspath(options.build)
        os.makedirs(self.build, exist_ok=True)

    def path(self, name):
        return os.path.join(self.build, name)

    def fresh(self, name, source):
        """A fresh copy of a folder of this one."""
        target = self.path(name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(os.path.join(HERE, source), target)
        return target

    def run(self, wasm, args, dirs=(), env=(), stdin=""):
        """`isomer run` with grants."""
        words = self.isomer + ["run"]
        for grant in dirs:
            words += ["--dir", grant]
        for item in env:
            words += ["--env", item]
        return execute(words + [wasm] + list(args), input=stdin.encode())


def first_difference(actual, expected):
    """Two outputs' first lines that differ, for a message."""
    a, b = actual.split(b"\n"), expected.split(b"\n")
    for number, (x, y) in enumerate(zip(a, b), 1):
        if x != y:
            return "line %d is %r, expected %r" % (number, x, y)
    return "%d lines, expected %d" % (len(a), len(b))


def check_output(name, actual, expected, stderr):
    if actual != expected:
        raise Failure("%s: %s; stderr: %s" % (name, first_difference(actual, expected),
                                              stderr.decode("utf-8", "replace")[:1000]))


def check_same_files(ours, theirs):
    """Both folders have the same files with the same contents."""
    comparison = filecmp.dircmp(ours, theirs)
    if comparison.left_only or comparison.right_only or comparison.funny_files:
        raise Failure("files differ: only in ours %s, only native %s" %
                      (comparison.left_only, comparison.right_only))
    _, different, errors = filecmp.cmpfiles(ours, theirs, comparison.common_files, shallow=False)
    if different or errors:
        raise Failure("contents differ: %s" % (different + errors))
    for name in comparison.common_dirs:
        check_same_files(os.path.join(ours, name), os.path.join(theirs, name))


def compare_with_native(world, name, native, wasm, args):
    """Runs both on copies of data/, with the same arguments, environment and standard input."""
    ours = world.fresh(name + "-wasm-data", "data")
    theirs = world.fresh(name + "-native-data", "data")
    env = dict(os.environ, GREETING=GREETING, LC_ALL="C.UTF-8")
    env.pop("NOTHING", None)
    expected = execute([native, theirs] + args, env=env, input=STDIN.encode())
    actual = world.run(wasm, ["/data"] + args, dirs=[ours + "::/data"],
                       env=["GREETING=" + GREETING], stdin=STDIN)
    check_output("output", actual.stdout, expected.stdout, actual.stderr)
    check_equal("standard error", actual.stderr, expected.stderr)
    check_equal("exit status", actual.returncode, expected.returncode)
    check_same_files(ours, theirs)


def test_c(world):
    source = os.path.join(HERE, "c", "census.c")
    native, wasm = world.path("census"), world.path("census.wasm")
    compile_for_wasm([need("clang"), "--target=wasm32-wasi", "-O2", "-o", wasm, source, "-lm"],
                     ("stdio.h", "dirent.h", "crt1", "libclang_rt", "wasm-ld"))
    compile_with([need("gcc", "cc"), "-O2", "-ffp-contract=off", "-o", native, source, "-lm"])
    compare_with_native(world, "c", native, wasm, ["one", "two words", "", "ünïcode"])


def test_cpp(world):
    source = os.path.join(HERE, "cpp", "graph.cpp")
    native, wasm = world.path("graph"), world.path("graph.wasm")
    compile_for_wasm([need("clang++"), "--target=wasm32-wasi", "-O2", "-std=c++17",
                      "-fno-exceptions", "-o", wasm, source],
                     ("file not found", "unable to find library", "wasm-ld"))
    compile_with([need("g++", "c++"), "-O2", "-std=c++17", "-ffp-contract=off", "-o", native, source])
    compare_with_native(world, "cpp", native, wasm, [])


def test_rust(world):
    # Debian's compiler has the libraries for this target; others may be first in the path.
    rustc = "/usr/bin/rustc" if os.path.exists("/usr/bin/rustc") else need("rustc")
    source = os.path.join(HERE, "rust", "inventory.rs")
    native, wasm = world.path("inventory"), world.path("inventory.wasm")
    compile_for_wasm([rustc, "--target", "wasm32-wasi", "-O", "-o", wasm, source],
                     ("may not be installed", "can't find crate", "rust-lld", "target"))
    compile_with([rustc, "-O", "-o", native, source])
    compare_with_native(world, "rust", native, wasm, ["first", "zweites Wort", "→"])


def test_assemblyscript(world):
    node = need("node", "nodejs")
    fetch_npm()
    wasm = world.path("tally.wasm")
    # The compiler looks for the shim's files relative to its folder.
    compile_with([node, "node_modules/assemblyscript/bin/asc.js",
                  os.path.join(HERE, "assemblyscript", "tally.ts"),
                  "--config", "node_modules/@assemblyscript/wasi-shim/asconfig.json", "-O2",
                  "--outFile", os.path.relpath(wasm, NPM)], cwd=NPM)
    with open(os.path.join(HERE, "assemblyscript", "expected.txt"), "rb") as stream:
        expected = stream.read()
    result = world.run(wasm, ["one", "two"], env=["GREETING=hello"])
    check_output("output", result.stdout, expected, result.stderr)
    check_equal("standard error", result.stderr, b"")
    check_equal("exit status", result.returncode, 5)


def test_python(world):
    fetch_npm()
    scripts = world.fresh("python-scripts", "python")
    ours = world.fresh("python-wasm-data", "data")
    theirs = world.fresh("python-native-data", "data")
    expected = execute([sys.executable, os.path.join(HERE, "python", "report.py"), theirs])
    check_equal("exit status of the native python", expected.returncode, 0)
    wasm = os.path.join(MODULES, "@antonz", "python-wasi", "dist", "python.wasm")
    result = world.run(wasm, ["/scripts/report.py", "/data"],
                       dirs=[scripts + "::/scripts:ro", ours + "::/data"],
                       env=["PYTHONDONTWRITEBYTECODE=1"])
    check_output("output", result.stdout, expected.stdout, result.stderr)
    check_equal("exit status", result.returncode, 0)
    check_same_files(ours, theirs)
    status = world.run(wasm, ["-c", "import sys; sys.exit(42)"]).returncode
    check_equal("exit status of sys.exit(42)", status, 42)


def test_esbuild(world):
    node = need("node", "nodejs")
    fetch_npm()
    project = world.fresh("esbuild-project", "esbuild")
    wasm = os.path.join(MODULES, "@esbuild", "wasi-preview1", "esbuild.wasm")
    args = ["src/main.ts", "--bundle", "--outfile=out.js", "--platform=node", "--log-level=warning",
            "--sourcemap"]
    result = world.run(wasm, args, dirs=[project + "::/"], env=["PWD=/"])
    if result.returncode != 0:
        raise Failure("exit status %d: %s" % (result.returncode, result.stderr.decode()[:2000]))
    with open(os.path.join(project, "out.js"), encoding="utf-8") as stream:
        check_equal("whether an unused function is in the bundle", "must not be" in stream.read(), False)
    with open(os.path.join(project, "expected.txt"), "rb") as stream:
        expected = stream.read()
    bundle = execute([node, os.path.join(project, "out.js")])
    check_output("the bundle's output", bundle.stdout, expected, bundle.stderr)
    wrong = world.run(wasm, ["src/missing.ts", "--bundle"], dirs=[project + "::/"], env=["PWD=/"])
    check_equal("exit status for a missing file", wrong.returncode, 1)


TESTS = {"c": test_c, "cpp": test_cpp, "rust": test_rust, "assemblyscript": test_assemblyscript,
         "python": test_python, "esbuild": test_esbuild}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isomer")
    parser.add_argument("--build")
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("--wrapper", default="")
    parser.add_argument("--only", action="append", choices=sorted(TESTS))
    options = parser.parse_args()
    if options.fetch:
        try:
            fetch_npm()
        except (Skip, Failure) as reason:
            print("npm: %s" % reason)
        return 0
    if not options.isomer or not options.build:
        parser.error("--isomer and --build are required")
    world = World(options)
    tally = Tally()
    for name in options.only or TESTS:
        tally.run(name, TESTS[name], world)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
