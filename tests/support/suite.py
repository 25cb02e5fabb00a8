"""Runs the functions test_* of some files, one after the other, and counts."""

import argparse
import importlib
import os
import traceback

from daemon import Failure, Skip


def one(test, *arguments):
    """ok, FAIL or skip, and why."""
    try:
        test(*arguments)
    except Skip as reason:
        return "skip", ": %s" % reason
    except Failure as reason:
        return "FAIL", ": %s" % reason
    except Exception:  # pylint: disable=broad-except
        return "FAIL", ": " + traceback.format_exc()
    return "ok", ""


def main(files, siblings, guests_class, folder):
    """files: names of modules; siblings: key -> name of a program beside isomer. Tests get the programs by key
    (`full`: whether everything is asked for) and the guests."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = {"isomer": os.path.join(build, "isomer"), "full": options.full, "build": build,
                **{key: os.path.join(build, name) for key, name in siblings.items()}}
    guests = guests_class(programs["isomer"], os.path.join(build, "tests", folder))
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    for file in files:
        for name, test in vars(importlib.import_module(file)).items():
            if not name.startswith("test_") or (options.only and name not in options.only):
                continue
            result, text = one(test, programs, guests)
            counts[result] += 1
            print("%-5s %s%s" % (result, name, text), flush=True)
    print("%d passed, %d failed, %d skipped" % (counts["ok"], counts["FAIL"], counts["skip"]))
    return 1 if counts["FAIL"] else 0
