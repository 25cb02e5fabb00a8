"""Load on HTTP servers, by wrk."""

import re
import subprocess

MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000}


class Listening:
    """A running program that prints `listening PORT`."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline().split()[1])
        self.url = "http://127.0.0.1:%d" % self.port

    def stop(self):
        self.process.kill()
        self.process.communicate()


def wrk(url, seconds, script=None, connections=32):
    """Requests per second, 50th and 99th percentile in milliseconds."""
    words = ["wrk", "-t1", "-c%d" % connections, "-d%d" % seconds, "--latency"]
    text = subprocess.run(words + (["-s", script] if script else []) + [url], capture_output=True, text=True,
                          check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit("wrk: " + text)

    def percentile(name):
        found = re.search(name + r"%\s+([\d.]+)(us|ms|s)", text)
        return float(found.group(1)) * MILLISECONDS[found.group(2)]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), percentile("50"), percentile("99")
