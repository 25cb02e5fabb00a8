#!/usr/bin/env python3
"""Runs the official WASI test programs with `isomer run`.

usage: run.py --isomer PROGRAM [--tests FOLDER] [--wrapper COMMAND] [--filter TEXT] [--timeout SECONDS]

Every NAME.wasm below FOLDER is a test. A NAME.json beside it may have: args, env, root (a folder
beside the test, preopened as "/"), dirs (folders preopened under their own names), exit_code,
stdout, stderr. Tests run on a copy of their folders, without the *.cleanup files in them. --wrapper
is put before the program, as for a build for another processor. Prints a line per test and at the
end `N passed, N failed, N skipped`; exit status 1 when a test failed.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

KNOWN = {"args", "env", "root", "dirs", "exit_code", "stdout", "stderr"}


def find_tests(folder):
    """All .wasm files below the folder, in a stable order."""
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".wasm"):
                yield os.path.join(path, name)


def read_config(wasm):
    path = wasm[: -len(".wasm")] + ".json"
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        config = json.load(stream)
    unknown = set(config) - KNOWN
    if unknown:
        raise ValueError("%s: cannot interpret %s" % (path, ", ".join(sorted(unknown))))
    return config


def writable_copy(source, target):
    """Tests write, and the originals may be read-only."""
    shutil.copytree(source, target, symlinks=True)
    for path, folders, files in os.walk(target):
        os.chmod(path, 0o755)
        for name in files:
            full = os.path.join(path, name)
            if name.endswith(".cleanup"):
                os.remove(full)
            elif not os.path.islink(full):
                os.chmod(full, 0o644)
        for name in list(folders):
            if name.endswith(".cleanup"):
                shutil.rmtree(os.path.join(path, name))
                folders.remove(name)


def command_line(program, wasm, config, scratch):
    """The command, with copies of the folders that the test wants below `scratch`."""
    words = program + ["run"]
    beside = os.path.dirname(wasm)
    if "root" in config:
        copy = os.path.join(scratch, "root")
        writable_copy(os.path.join(beside, config["root"]), copy)
        words += ["--dir", copy + "::/"]
    for number, name in enumerate(config.get("dirs", [])):
        copy = os.path.join(scratch, "dir%d" % number)
        writable_copy(os.path.join(beside, name), copy)
        words += ["--dir", copy + "::" + name]
    for key, value in config.get("env", {}).items():
        words += ["--env", "%s=%s" % (key, value)]
    return words + [wasm] + list(config.get("args", []))


def difference(config, result):
    """What is wrong with a run; empty when nothing is."""
    wrong = []
    expected = config.get("exit_code", 0)
    if result.returncode != expected:
        wrong.append("exit status %d, expected %d" % (result.returncode, expected))
    for name, actual in (("stdout", result.stdout), ("stderr", result.stderr)):
        if name in config and actual != config[name].encode("utf-8"):
            wrong.append("%s is %r, expected %r" % (name, actual[:400], config[name]))
    if wrong and result.stderr:
        wrong.append("stderr: " + result.stderr.decode("utf-8", "replace")[:2000].strip())
    return "; ".join(wrong)


def run_test(program, wasm, timeout):
    config = read_config(wasm)
    with tempfile.TemporaryDirectory(prefix="isomer-wasi-") as scratch:
        words = command_line(program, wasm, config, scratch)
        try:
            result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True,
                                    timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return "not finished after %d s" % timeout
        return difference(config, result)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isomer", required=True)
    parser.add_argument("--tests", default=os.environ.get("ISOMER_WASI_TESTS", ""))
    parser.add_argument("--wrapper", default="")
    parser.add_argument("--filter", default="")
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args()
    if not options.tests or not os.path.isdir(options.tests):
        print("skip  wasi-suite: ISOMER_WASI_TESTS names no folder")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    program = shlex.split(options.wrapper) + [options.isomer]
    passed = failed = 0
    for wasm in find_tests(options.tests):
        name = os.path.relpath(wasm, options.tests)[: -len(".wasm")]
        if options.filter not in name:
            continue
        wrong = run_test(program, wasm, options.timeout)
        if wrong:
            failed += 1
            print("FAIL  %s: %s" % (name, wrong), flush=True)
        else:
            passed += 1
            print("ok    %s" % name, flush=True)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
