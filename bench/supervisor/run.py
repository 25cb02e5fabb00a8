#!/usr/bin/env python3
"""The whole supervisor, measured from outside; ratios in one run.

usage: bench/supervisor/run.py [--build FOLDER] [--rounds N] [--seconds N] [--long]

  http      calls of add(s32, s32) of a service and of a function over HTTP (wrk, one thread, 32 connections)
            beside libmicrohttpd's hello world in the same kind of loop; and the 99th percentile at half the
            load that was reached
  memory    proportional set size when idle, with each further small component, and after many calls and
            deployments (--long: 1,000,000 calls and 1,000 deployments)

In-process figures (local links, waiting instances, a service beside endless loops) are in core_bench, those
of links between devices in links_bench; both are run too when they have been built.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "supervisor"))
sys.path.insert(0, os.path.join(ROOT, "bench"))

from device import GRANTS, Device, Guests, document  # noqa: E402  pylint: disable=wrong-import-position
from load import Listening, wrk  # noqa: E402  pylint: disable=wrong-import-position

SCRIPT = """
wrk.method = "POST"
wrk.body = '{"a": 20, "b": 22}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
"""


def pss(device):
    """Proportional set size in KiB."""
    with open("/proc/%d/smaps_rollup" % device.process.pid, encoding="ascii") as stream:
        return int(re.search(r"^Pss:\s+(\d+)", stream.read(), re.M).group(1))


def bench_http(programs, guests, options, build):
    hello = Listening(os.path.join(build, "bench", "http_hello"))
    ratios = {"service": [], "function": []}
    try:
        with Device(programs) as device, tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            module = device.put_module(guests.bytes("probe"))
            device.deploy(document("bench", {mode: (module, {"mode": mode, "grants": GRANTS,
                                                            "limits": {"queue": 256, "instances": 64}})
                                             for mode in ratios}))
            script.write(SCRIPT % device.token)
            script.flush()
            for _ in range(options.rounds):
                base, _, _ = wrk(hello.url + "/", options.seconds)
                for mode, list_of in ratios.items():
                    url = "http://127.0.0.1:%d/v1/components/bench/%s/add" % (device.ports["http"], mode)
                    rate, middle, late = wrk(url, options.seconds, script.name)
                    list_of.append(rate / base)
                    print("%-8s %.0f calls/s, %.2f of hello world (%.0f/s); p50 %.2f ms, p99 %.2f ms" %
                          (mode, rate, rate / base, base, middle, late))
            # wrk has no rate of its own: fewer connections make about half the load.
            rate, middle, late = wrk(url, options.seconds, script.name, connections=2)
            print("two connections: %.0f calls/s, p50 %.3f ms, p99 %.3f ms" % (rate, middle, late))
    finally:
        hello.stop()
    for mode, list_of in ratios.items():
        print("http %s: median %.2f of hello world (target 0.5)" % (mode, statistics.median(list_of)))


def bench_memory(programs, guests, options):
    with Device(programs) as device:
        print("memory idle: %.1f MB (target 8)" % (pss(device) * 1.024 / 1000))
        module = device.put_module(guests.bytes("probe"))

        def deploy(count, generation):
            device.deploy(document("bench", {"c%d" % i: (module, {"mode": "service", "grants": GRANTS})
                                             for i in range(count)}, generation))
            for i in range(count):
                device.value("bench/c%d" % i, "add", {"a": 1, "b": 2})
        deploy(4, 1)
        before = pss(device)
        deploy(54, 2)
        print("memory each further component: %.0f kB (target 150)" % ((pss(device) - before) * 1.024 / 50))
        calls, deployments = (1000000, 1000) if options.long else (100000, 100)
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(SCRIPT % device.token)
            script.flush()
            url = "http://127.0.0.1:%d/v1/components/bench/c0/add" % device.ports["http"]
            done, marks = 0, []
            while done < calls:
                done += int(wrk(url, 3, script.name)[0] * 3)
                marks.append(pss(device))
            for generation in range(3, 3 + deployments):
                device.deploy(document("bench", {"c%d" % i: (module, {"mode": "service", "grants": GRANTS,
                                                                     "config": {"n": str(generation)}})
                                                 for i in range(4)}, generation))
                if generation == 2 + deployments // 2:
                    marks.append(pss(device))
            marks.append(pss(device))
        print("memory after %d calls: %s KiB; half way and after %d deployments: %d, %d KiB" %
              (done, ", ".join(map(str, marks[:-2])), deployments, marks[-2], marks[-1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = {"isomer": os.path.join(build, "isomer"), "supervisor": os.path.join(build, "isomer-supervisor")}
    guests = Guests(programs["isomer"], os.path.join(build, "tests", "supervisor-guests"))
    bench_http(programs, guests, options, build)
    bench_memory(programs, guests, options)
    for name in ("bench/supervisor/core_bench", "bench/links_bench"):
        if os.path.exists(os.path.join(build, name)):
            print(name, flush=True)
            subprocess.run([os.path.join(build, name)], check=False)


if __name__ == "__main__":
    main()
