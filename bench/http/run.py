#!/usr/bin/env python3
"""Requests per second of our HTTP server as a ratio to libmicrohttpd's hello world in the same loop.

usage: bench/http/run.py [--build FOLDER] [--rounds N] [--seconds N]

Both serve the same six bytes to wrk (one thread, 32 connections) in turns; the median ratio counts. Beside
it, what an answer costs that comes from another thread. The exit status is 1 below the target.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys

TARGET = 0.5


class Server:
    """A program that prints `listening PORT`."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline().split()[1])

    def stop(self):
        self.process.kill()
        self.process.communicate()


def wrk(port, path, seconds):
    """Requests per second and the 99th percentile in milliseconds."""
    text = subprocess.run(["wrk", "-t1", "-c32", "-d%d" % seconds, "--latency", "http://127.0.0.1:%d%s" % (port, path)],
                          capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit("wrk: " + text)
    unit = {"us": 0.001, "ms": 1, "s": 1000}
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    return (float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), float(late.group(1)) * unit[late.group(2)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    theirs = Server(os.path.join(arguments.build, "bench", "http_hello"))
    ours = Server(os.path.join(arguments.build, "tests", "http", "http_tool"))
    ratios, late_ratios, lates = [], [], []
    try:
        for _ in range(arguments.rounds):
            base, base_late = wrk(theirs.port, "/", arguments.seconds)
            rate, late = wrk(ours.port, "/hello", arguments.seconds)
            worker = wrk(ours.port, "/work", arguments.seconds)[0]
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
