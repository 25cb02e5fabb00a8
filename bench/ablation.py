#!/usr/bin/env python3
"""What each of the engine's techniques is worth: builds without it, and runs the kernels in turns.

usage: ablation.py [--quick] [--rounds N] [--only NAME]... [--kernel NAME]... [--keep]

The techniques stand in src/engine/ablate.h. Each build is the release preset in build/ablation with
-DISO_ABLATE=MASK, of which only the file that differs is compiled again; the programs iso_bench are
kept beside it, and are there again with --keep. Printed is by how many percent the kernels take
longer without the technique: the geometric mean over the set core and over all, and the kernels that
lose most. A figure below 0 says that it does not pay.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # the source folder stays as it is

# pylint: disable=wrong-import-position
from bench import ROOT, kernels_read, measure, summarise
from engines import BenchError, PrintingEngine

BUILD = os.path.join(ROOT, "build", "ablation")
GROUPS = {
    "folding": ("fold_locals", "fold_constants"),
    "fusions": ("compare_branch", "count_branch", "address_sums", "product_sums", "memory_operands"),
    "folding, fusions, accumulators, redirects": (
        "fold_locals", "fold_constants", "accumulators", "set_redirects", "compare_branch",
        "count_branch", "address_sums", "product_sums", "memory_operands"),
}


def techniques_read():
    """Name, mask and description of each line of the enumeration, and of the groups."""
    with open(os.path.join(ROOT, "src", "engine", "ablate.h"), encoding="utf-8") as file:
        lines = re.findall(r"ISO_(\w+) = 1 << (\d+),? +/\* (.*) \*/", file.read())
    found = {name.lower(): (1 << int(bit), text) for name, bit, text in lines}
    for name, members in GROUPS.items():
        found[name] = (sum(found[member][0] for member in members), "all of " + ", ".join(members))
    return found


def command(words):
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(words)}: {done.stdout.strip()[-2000:]}")


def program_of(name, mask, keep):
    """iso_bench without these techniques."""
    path = os.path.join(BUILD, "programs", re.sub(r"\W+", "-", name))
    if not (keep and os.path.exists(path)):
        command(["cmake", "--preset", "release", "-B", BUILD, f"-DISO_ABLATE={mask}"])
        command(["cmake", "--build", BUILD, "--target", "iso_bench"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(os.path.join(BUILD, "bench", "iso_bench"), path)
    return path


def table_print(figures, names, found):
    rows = figures["kernels"]
    print(f"{'without':<18}{'core':>7}{'all':>7}  kernels that lose most")
    for name in names:
        ratios = sorted(((row["engines"][name]["ratio"], kernel) for kernel, row in rows.items()
                         if name in row["engines"]), reverse=True)
        means = [figures["geometric_mean"][which]["ratios"].get(name) for which in ("core", "all")]
        cells = "".join(f"{(mean - 1) * 100:>+6.0f}%" if mean else f"{'-':>7}" for mean in means)
        most = ", ".join(f"{kernel} {(ratio - 1) * 100:+.0f}%" for ratio, kernel in ratios[:3])
        print(f"{name:<18}{cells}  {most}\n{'':<18}({found[name][1]})")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the middle n of the kernels")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--kernel", action="append", default=[], metavar="NAME")
    parser.add_argument("--keep", action="store_true", help="use the programs of the last time")
    options = parser.parse_args()
    found = techniques_read()
    names = [name for name in found if not options.only or name in options.only]
    guests = os.path.join(ROOT, "build", "release", "bench", "guests")

    def engine(name, mask):
        print(f"building: without {name}" if mask else "building", file=sys.stderr, flush=True)
        program = program_of(name, mask, options.keep)
        made = PrintingEngine(name, lambda k, n: [program, "run", os.path.join(
            guests, k.name + ".wasm"), str(n)], needed=program)
        made.scale = "middle" if options.quick else "bench"
        return made

    try:
        engines = [engine("nothing", 0)] + [engine(name, found[name][0]) for name in names]
        kernels = kernels_read(options.kernel)
        samples = measure(kernels, engines, options.rounds,
                          lambda text: print(text, file=sys.stderr, flush=True))
    except BenchError as error:
        print(f"ablation: {error}", file=sys.stderr)
        return 1
    table_print(summarise(kernels, engines, samples), names, found)
    for error in samples.errors:
        print(f"ERROR {error}", file=sys.stderr)
    return 1 if samples.errors else 0


if __name__ == "__main__":
    sys.exit(main())
