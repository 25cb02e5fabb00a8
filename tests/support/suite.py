"""What every suite in Python shares: skipping and failing, the tally of results, and waiting."""

import argparse
import contextlib
import importlib
import os
import random
import shutil
import socket
import subprocess
import time
import traceback


class Skip(Exception):
    """Something that a test needs is not there; the text names it."""


class Failure(Exception):
    """The test failed; the text says why."""


def check(condition, message, *arguments):
    if not condition:
        raise Failure(message % arguments if arguments else message)


def check_equal(what, actual, expected):
    if actual != expected:
        raise Failure("%s is %.500r, expected %.500r" % (what, actual, expected))


def need(*programs):
    """The path of the first of the programs that is installed."""
    for program in programs:
        found = shutil.which(program)
        if found:
            return found
    raise Skip("%s is not installed" % " or ".join(programs))


def execute(words, timeout=600, **options):
    """Runs a command to its end; its output is kept as bytes, with text=True as text."""
    try:
        return subprocess.run(words, capture_output=True, timeout=timeout, check=False, **options)
    except subprocess.TimeoutExpired:
        raise Failure("not finished after %d s: %s" % (timeout, " ".join(words))) from None


def until(what, condition, seconds=60.0):
    """Waits until the condition holds; fails with `what` when it does not in time, which is more than a busy machine
    takes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failure("in %g s it did not come to this: %s" % (seconds, what))


def free_port(count=1):
    """The first of so many ports in a row that are free for TCP and UDP. They are not of those that the system gives to
    who asks for any: what runs beside a test does not get them by chance, also while the test's program is restarted."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first_given = int(file.read().split()[0])
    end = first_given if 11000 < first_given else 32768
    for _ in range(1000):
        port = random.randrange(10000, end - count + 1)
        with contextlib.ExitStack() as stack:
            try:
                for at in range(port, port + count):
                    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                        stack.enter_context(socket.socket(type=kind)).bind(("127.0.0.1", at))
                return port
            except OSError:
                continue
    raise Failure("no port is free")


class Tally:
    """Counts what passed, failed and was skipped, with a line for each."""

    def __init__(self):
        self.counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def note(self, word, name, text=""):
        """word: ok, FAIL or skip; text: why, or what there is to say."""
        self.counts[word] += 1
        print("%-5s %s%s" % (word, name, ": %s" % text if text else ""), flush=True)

    def run(self, name, test, *arguments):
        """Whatever the test raises is a failure. What it answers, if it is text, is told, and how long it took, if that is
        a second or more."""
        began = time.monotonic()
        try:
            told = test(*arguments)
        except Skip as reason:
            self.note("skip", name, reason)
        except Failure as reason:
            self.note("FAIL", name, reason)
        except Exception:  # pylint: disable=broad-except
            self.note("FAIL", name, traceback.format_exc())
        else:
            seconds = time.monotonic() - began
            self.note("ok", name + (" (%.1f s)" % seconds if seconds >= 1 else ""), told if isinstance(told, str) else "")

    def end(self):
        """Prints the last line; the exit status."""
        print("%d passed, %d failed, %d skipped" % (self.counts["ok"], self.counts["FAIL"], self.counts["skip"]))
        return 1 if self.counts["FAIL"] else 0


def tests_of(names, only=()):
    """The functions test_* in a dictionary of names, in their order: all, or those whose names have one of the texts
    `only`."""
    return [(name, test) for name, test in names.items() if name.startswith("test_") and
            (not only or any(text in name for text in only))]


def main(files, siblings, guests_class, folder):
    """The suites of daemons. files: names of modules; siblings: key -> name of a program beside isomer. Tests get the
    programs by key (`full`: whether everything is asked for) and the guests."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    programs = {"isomer": os.path.join(build, "isomer"), "full": options.full, "build": build,
                **{key: os.path.join(build, name) for key, name in siblings.items()}}
    guests = guests_class(programs["isomer"], os.path.join(build, "tests", folder))
    tally = Tally()
    for file in files:
        for name, test in tests_of(vars(importlib.import_module(file)), options.only):
            tally.run(name, test, programs, guests)
    return tally.end()
