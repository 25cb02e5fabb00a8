#!/usr/bin/env python3
"""Requests per second of our HTTP server as a ratio to libmicrohttpd's hello world in the same loop.

usage: bench/http/run.py [--build FOLDER] [--rounds N] [--seconds N]

Both serve the same six bytes to wrk (one thread, 32 connections) in turns; the median ratio counts. Beside
it, what an answer costs that comes from another thread. The exit status is 1 below the target.
"""

import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from load import Listening, wrk  # noqa: E402  pylint: disable=wrong-import-position

TARGET = 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    theirs = Listening(os.path.join(arguments.build, "bench", "http_hello"))
    ours = Listening(os.path.join(arguments.build, "tests", "http", "http_tool"))
    ratios, late_ratios, lates = [], [], []
    try:
        for _ in range(arguments.rounds):
            base, _, base_late = wrk(theirs.url + "/", arguments.seconds)
            rate, _, late = wrk(ours.url + "/hello", arguments.seconds)
            worker = wrk(ours.url + "/work", arguments.seconds)[0]
            ratios.append(rate / base)
            late_ratios.append(worker / base)
            lates.append(late)
            print("libmicrohttpd %.0f/s (99%% below %.2f ms), ours %.0f/s (%.2f ms), by a worker %.0f/s" %
                  (base, base_late, rate, late, worker))
    finally:
        theirs.stop()
        ours.stop()
    ratio = statistics.median(ratios)
    print("ours %.2f of libmicrohttpd (target %.2f); answered by a worker %.2f" %
          (ratio, TARGET, statistics.median(late_ratios)))
    return 0 if ratio >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
