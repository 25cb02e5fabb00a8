#!/usr/bin/env python3
"""Compares the engine with other engines on generated modules.

usage: differential.py --generate PROGRAM [--seconds N | --count N] [--seed N] [--keep FOLDER]

Batches of modules come from fuzz_generate, with what our engine does with them. wasm-interp (wabt) and
node, those that are installed, run the same exports in the same order; values, kinds of traps and the
digest of the final state must agree. A module that differs is kept in FOLDER. The last line is
`N passed, N failed, N skipped`, counting modules; exit status 1 when one failed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

BATCH = 100

# Beginnings of the messages of the other engines, and our words for them.
WABT_TRAPS = (
    ("unreachable executed", "unreachable"), ("out of bounds memory access", "memory"),
    ("out of bounds table access", "table"), ("undefined table index", "undefined"),
    ("uninitialized table element", "uninitialized"),
    ("indirect call signature mismatch", "signature"), ("integer divide by zero", "divide"),
    ("integer overflow", "overflow"), ("invalid conversion to integer", "conversion"))
NODE_TRAPS = (
    ("unreachable", "unreachable"), ("memory access out of bounds", "memory"),
    ("table index is out of bounds", "table|undefined"), ("table access out of bounds", "table"),
    ("table index out of bounds", "table|undefined"), ("element segment out of bounds", "table"),
    ("data segment out of bounds", "memory"),
    ("null function or function signature mismatch", "uninitialized|signature"),
    ("RuntimeError: null function", "uninitialized"), ("divide by zero", "divide"),
    ("remainder by zero", "divide"), ("divide result unrepresentable", "overflow"),
    ("float unrepresentable in integer range", "overflow|conversion"))

NODE_SCRIPT = """
const fs = require('fs');
for (let n = 0; n < Number(process.argv[2]); n++) {
  const module = new WebAssembly.Module(fs.readFileSync(`${process.argv[1]}/${n}.wasm`));
  const instance = new WebAssembly.Instance(module, {});
  for (const { name, kind } of WebAssembly.Module.exports(module)) {
    if (kind !== 'function') continue;
    try {
      console.log(`${n} ${name} ${BigInt.asUintN(64, instance.exports[name]())}`);
    } catch (error) {
      console.log(`${n} ${name} trap ${error.message}`);
    }
  }
}
"""


def word_of(message, table):
    for beginning, word in table:
        if message.startswith(beginning):
            return word
    return "unknown trap: " + message


def split_lines(lines, table):
    """"N NAME VALUE" or "N NAME trap MESSAGE" by module."""
    modules = {}
    for line in lines:
        number, name, rest = line.split(" ", 2)
        if rest.startswith("trap ") and table is not None:
            rest = "trap " + word_of(rest[len("trap "):], table)
        modules.setdefault(int(number), []).append((name, rest))
    return modules


def run_node(node, folder, count):
    result = subprocess.run([node, "-e", NODE_SCRIPT, folder, str(count)], capture_output=True,
                            text=True, timeout=600, check=False)
    if result.returncode != 0:
        raise RuntimeError("node: " + result.stderr[-2000:])
    return split_lines(result.stdout.splitlines(), NODE_TRAPS)


def run_wabt(wasm_interp, folder, count):
    modules = {}
    for number in range(count):
        result = subprocess.run([wasm_interp, "--run-all-exports",
                                 os.path.join(folder, "%d.wasm" % number)],
                                capture_output=True, text=True, timeout=120, check=False)
        lines = []
        for line in result.stdout.splitlines():
            match = re.match(r"(\w+)\(\) => (?:i64:(\d+)|error: (.*))$", line)
            if match and match[2] is not None:
                lines.append((match[1], match[2]))
            elif match:
                lines.append((match[1], "trap " + word_of(match[3], WABT_TRAPS)))
            else:
                lines.append(("?", line))
        modules[number] = lines or [("?", result.stderr.strip())]
    return modules


def agrees(ours, theirs):
    if len(ours) != len(theirs):
        return False
    for (our_name, our), (name, other) in zip(ours, theirs):
        if our_name != name:
            return False
        if other.startswith("trap ") and our.startswith("trap "):
            if our[len("trap "):] not in other[len("trap "):].split("|"):
                return False
        elif our != other:
            return False
    return True


def batch(options, engines, seed, count):
    """Numbers of the modules that differ."""
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="isomer-differential-") as folder:
        subprocess.run([options.generate, str(count), str(seed), folder], check=True, timeout=600)
        with open(os.path.join(folder, "expected.txt"), encoding="ascii") as stream:
            ours = split_lines(stream.read().splitlines(), None)
        answers = [(name, run(program, folder, count)) for name, program, run in engines]
        for number in range(count):
            for name, theirs in answers:
                if agrees(ours[number], theirs.get(number, [])):
                    continue
                wrong += 1
                print("FAIL  seed %d module %d: ours %s, %s %s" %
                      (seed, number, ours[number], name, theirs.get(number)), flush=True)
                if options.keep:
                    os.makedirs(options.keep, exist_ok=True)
                    shutil.copy(os.path.join(folder, "%d.wasm" % number),
                                os.path.join(options.keep, "differs-%d-%d.wasm" % (seed, number)))
                break
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", default="")
    options = parser.parse_args()
    engines = [(name, shutil.which(name), run)
               for name, run in (("wasm-interp", run_wabt), ("node", run_node))
               if shutil.which(name)]
    if not engines:
        print("skip  differential: neither wasm-interp (wabt) nor node is installed")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    print("against " + " and ".join(name for name, _, _ in engines), flush=True)
    end = time.monotonic() + options.seconds
    done = failed = 0
    while done < options.count or time.monotonic() < end:
        count = min(BATCH, options.count - done) if options.count else BATCH
        failed += batch(options, engines, options.seed + done, count)
        done += count
    print("%d passed, %d failed, 0 skipped" % (done - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
