#!/usr/bin/env python3
"""Calls a module that wasm-bindgen made for JavaScript (npm: @jsquash/resize) and compares with what
node says through the module's own JavaScript.

usage: run.py FOREIGN_RESIZE [--emulator COMMAND]

The package is fetched once, by the version and integrity of package-lock.json, into .cache/foreign.
Ends with status 77 when npm or node are missing or the package cannot be fetched; the last line is
`N passed, N failed, N skipped`.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(ROOT, ".cache", "foreign")
PACKAGE = os.path.join(CACHE, "node_modules", "@jsquash", "resize", "lib", "resize", "pkg")
# Width, height, new width, new height, filter, premultiply, linear light.
CASES = ((16, 12, 40, 31, 3, 1, 0), (40, 31, 16, 12, 0, 0, 0), (33, 7, 33, 7, 1, 1, 1),
         (1, 1, 64, 64, 2, 0, 1), (320, 240, 640, 480, 3, 1, 1))


sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position
from suite import Skip, Tally, check, check_equal, need  # noqa: E402  pylint: disable=wrong-import-position


def read(path):
    with open(path, "rb") as file:
        return file.read()


def case_run(case, foreign, node, folder):
    picture = os.path.join(folder, "picture")
    with open(picture, "wb") as file:
        file.write(random.Random(str(case)).randbytes(case[0] * case[1] * 4))
    module = os.path.join(PACKAGE, "squoosh_resize_bg.wasm")
    numbers = [str(number) for number in case]
    ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
    wit = os.path.join(ROOT, "modules", "scaler", "scaler.wit")
    subprocess.run([*foreign, wit, module, picture, ours, *numbers], check=True, timeout=250)
    subprocess.run([node, "--no-warnings", os.path.join(HERE, "resize.mjs"),
                    os.path.join(folder, "squoosh_resize.mjs"), module, picture, theirs, *numbers],
                   check=True, timeout=60)
    size = case[2] * case[3] * 4
    check_equal("the size in bytes", len(read(ours)), size)
    check(read(ours) == read(theirs), "not the same as through JavaScript")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--emulator", default="")
    arguments = parser.parse_args()
    foreign = [part for part in arguments.emulator.split(";") if part] + [arguments.program]
    tally = Tally()
    try:
        node = need("node")
        npm.fetch(HERE, "foreign", 250)
    except Skip as reason:
        tally.note("skip", "resize", reason)
        tally.end()
        return 77
    with tempfile.TemporaryDirectory() as folder:
        # The glue is an ES module whatever its package says.
        shutil.copy(os.path.join(PACKAGE, "squoosh_resize.js"),
                    os.path.join(folder, "squoosh_resize.mjs"))
        for case in CASES:
            tally.run(f"resize {case[0]}x{case[1]} to {case[2]}x{case[3]}, filter {case[4]}", case_run, case, foreign, node,
                      folder)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
