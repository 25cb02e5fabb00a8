#!/usr/bin/env python3
"""The supervisor as its users and other programs see it.

usage: run.py --build FOLDER [--only NAME]... [--full]

FOLDER has isomer, isomer-supervisor and isomer-client. What a test lacks makes it skipped by name. The
last line is `N passed, N failed, N skipped`.
"""

import argparse
import importlib
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from device import Failure, Guests, Skip  # noqa: E402  pylint: disable=wrong-import-position

FILES = ["test_calls", "test_access", "test_lifecycle", "test_owner", "test_client", "test_hostile", "test_machines",
         "test_interop", "test_network"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = {"isomer": os.path.join(build, "isomer"),
                "supervisor": os.path.join(build, "isomer-supervisor"),
                "client": os.path.join(build, "isomer-client"), "full": options.full}
    guests = Guests(programs["isomer"], os.path.join(build, "tests", "supervisor-guests"))
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    for file in FILES:
        module = importlib.import_module(file)
        for name, test in vars(module).items():
            if not name.startswith("test_") or (options.only and name not in options.only):
                continue
            try:
                test(programs, guests)
                result, text = "ok", ""
            except Skip as reason:
                result, text = "skip", ": %s" % reason
            except Failure as reason:
                result, text = "FAIL", ": %s" % reason
            except Exception:  # pylint: disable=broad-except
                result, text = "FAIL", ": " + traceback.format_exc()
            counts[result] += 1
            print("%-5s %s%s" % (result, name, text), flush=True)
    print("%d passed, %d failed, %d skipped" % (counts["ok"], counts["FAIL"], counts["skip"]))
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
