#!/usr/bin/env python3
"""CoAP: our server beside libcoap's example server with the same client, and links between devices.

usage: bench.py --tool COAP_TOOL [--count N]

Prints a line per measurement and the ratios; status 1 when one is worse than it should be:
calls at least half as many per second as libcoap's server answers, a call over a warm TLS link at most
150 us (median), a message of 900,000 bytes at most 15 ms.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "coap"))

import run  # noqa: E402  pylint: disable=wrong-import-position


def measure(tool, scheme, port, method, path, *options):
    words = [tool, method, scheme, "127.0.0.1", str(port), path, "--quiet"] + list(options)
    if scheme.startswith("coaps"):
        words += run.CREDENTIALS
    result = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    words = result.stdout.split()
    numbers = {words[i]: float(words[i + 1]) for i in range(0, len(words), 2)}
    if numbers["bad"] != 0:
        sys.exit("bench: %d calls went wrong over %s" % (numbers["bad"], scheme))
    return numbers


def ratios(tool, count, ours):
    """Calls per second, each server measured three times in turn; the best counts, since whatever else
    the machine does only takes away."""
    server = shutil.which("coap-server-gnutls")
    if server is None:
        print("skip  coap-server-gnutls is not installed")
        return True
    port = run.free_port()
    process = run.start_server([server, "-A", "127.0.0.1", "-p", str(port), "-v", "3", "-k", run.KEY,
                                "-h", ""], port)
    good = True
    try:
        for scheme in run.SCHEMES:
            at = port + 1 if scheme.startswith("coaps") else port
            options = ["--count", str(count), "--parallel", "16"]
            rates = {"libcoap": [], "isomer": []}
            for _ in range(3):
                rates["libcoap"].append(measure(tool, scheme, at, "get", "/", *options)["rate"])
                rates["isomer"].append(measure(tool, scheme, ours.port[scheme], "get", "/hello",
                                               *options)["rate"])
            best = {name: max(values) for name, values in rates.items()}
            ratio = best["isomer"] / best["libcoap"]
            good = good and ratio >= 0.5
            print("%-10s calls/s: libcoap %7.0f  isomer %7.0f  ratio %.2f" %
                  (scheme, best["libcoap"], best["isomer"], ratio), flush=True)
    finally:
        process.terminate()
        process.wait()
    return good


def links(tool, ours):
    scheme = "coaps+tcp"
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(900000))
        file.flush()
        call = measure(tool, scheme, ours.port[scheme], "get", "/hello", "--count", "5000")
        frame = measure(tool, scheme, ours.port[scheme], "post", "/take", "--count", "50",
                        "--payload", file.name)
        answer = measure(tool, scheme, ours.port[scheme], "get", "/large", "--count", "50")
    print("call over a warm link: median %.0f us" % call["median_us"])
    print("900,000 bytes over a warm link: there %.1f ms, back %.1f ms (medians)" %
          (frame["median_us"] / 1000, answer["median_us"] / 1000))
    return call["median_us"] <= 150 and frame["median_us"] <= 15000 and answer["median_us"] <= 15000


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--count", type=int, default=10000)
    options = parser.parse_args()
    with run.Ours(options.tool) as ours:
        good = ratios(options.tool, options.count, ours)
        good = links(options.tool, ours) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
