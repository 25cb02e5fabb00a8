#!/usr/bin/env python3
"""A guest in C calls every device interface, under the supervisor's core.

usage: run.py --isomer PROGRAM --host PROGRAM --build FOLDER

PROGRAM of --isomer makes the guest's bindings, that of --host is devices_host. What is missing is
skipped by name. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import wit as wit_texts  # noqa: E402  pylint: disable=wrong-import-position
from suite import Failure, Skip, Tally, check_equal, need  # noqa: E402  pylint: disable=wrong-import-position

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def check_in(part, whole):
    if part not in whole:
        raise Failure("%r is not in %.1000r" % (part, whole))


def run(arguments, **options):
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False,
                            **options)
    if result.returncode != 0:
        raise Failure("%s: %s" % (" ".join(arguments), result.stderr))


def wit_with_devices(name):
    """The text of a world that imports isomer:device, with that package in it."""
    return wit_texts.with_packages(wit_texts.read(name))


def build_guest(options):
    need("clang")
    need("wasm-ld")
    folder = options.build
    os.makedirs(folder, exist_ok=True)
    wit = os.path.join(folder, "probe.wit")
    with open(wit, "w", encoding="utf-8") as stream:
        stream.write(wit_with_devices(os.path.join(HERE, "probe.wit")))
    run([options.isomer, "bindgen", "c", wit, "-o", folder])
    bare = os.path.join(folder, "bare.wasm")
    run([os.path.join(ROOT, "sdk", "c", "isomer-cc"), "-o", bare, os.path.join(HERE, "probe.c"),
         os.path.join(folder, "probe.c"), "-I" + folder, "-Werror"])
    module = os.path.join(folder, "probe.wasm")
    run([options.isomer, "pack", bare, "--wit", wit, "-o", module])
    return module


def example(options, name):
    """An example module."""
    run([os.path.join(ROOT, "modules", "build.sh"), options.isomer, options.build, name])
    return os.path.join(options.build, name + ".wasm")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing about it."""

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Host:
    """devices_host with one component."""

    def __init__(self, options, config, rest, mode="function", storage=None, quota=1 << 20,
                 module=None):
        self.folder = tempfile.mkdtemp(prefix="isomer-devices-")
        storage = storage or os.path.join(self.folder, "store")
        path = os.path.join(self.folder, "devices.json")
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(config, stream)
        self.errors = open(os.path.join(self.folder, "errors"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [options.host, path, module or options.module, mode, storage, str(quota)] + rest,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended, and said why
        try:
            status = self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        said = self.said(turn=False)
        self.errors.close()
        shutil.rmtree(self.folder)
        if status != 0 and kind in (None, Failure):
            raise Failure("devices_host ended with %d: %s: %s" % (status, value, said))

    def line(self, text):
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer.endswith("\n"):
            raise Failure("no answer to %s: %s" % (text, self.said(turn=False)))
        return answer[:-1]

    def outcome(self, answer):
        name, _, value = answer.partition(" ")
        if name in ("done", "error"):
            return name, json.loads(value) if value else None
        return name, value

    def call(self, function, *args):
        return self.outcome(self.line(function + " " + json.dumps(args)))

    def ok(self, function, *args):
        name, value = self.call(function, *args)
        check_equal("the outcome of %s%r (%r)" % (function, args, value), name, "done")
        return value

    def error(self, function, *args):
        name, value = self.call(function, *args)
        check_equal("the outcome of %s%r (%r)" % (function, args, value), name, "error")
        return value

    def said(self, turn=True):
        if turn:
            self.line("!describe")  # what is on its way arrives
        self.errors.flush()
        with open(self.errors.name, encoding="utf-8") as stream:
            return stream.read()


ALL = ["camera", "display", "sensor", "gpio"]


@test
def log_events_and_config(options):
    """They need no grant; what is said arrives with its level and name."""
    grants = ALL + ["a=1", "greeting=hello, world"]
    with Host(options, {}, grants) as host:
        host.ok("write", "warning", "careful")
        host.ok("emit", "too-warm", '{"t": 40.5}')
        check_in("invalid", json.dumps(host.error("emit", "Too Warm", "1")))
        check_in("not JSON", json.dumps(host.error("emit", "too-warm", "{")))
        check_equal("a", host.ok("get-config", "a"), "1")
        check_equal("b", host.ok("get-config", "b"), None)
        check_equal("all", host.ok("get-all"), [["a", "1"], ["greeting", "hello, world"]])
        said = host.said()
        check_in("log 2 careful\n", said)
        check_in('event too-warm {"t": 40.5}\n', said)


@test
def sleeping(options):
    """A sleep takes its time, holds no thread, and its instances sleep side by side."""
    with Host(options, {}, ALL) as host:
        time, monotonic = host.ok("sleep", 50_000_000)
        if int(monotonic) < 50_000_000 or int(time) < 49_000_000:
            raise Failure("slept %s, %s" % (time, monotonic))
        for _ in range(8):  # on two workers
            check_equal("begun", host.line("&sleep [3600000000000]"), "begun")
        check_equal("meanwhile", len(host.ok("sleep", 1)), 2)
        check_equal("renewed", host.line("!renew"), "ok")
        for _ in range(8):
            check_equal("outcome", host.line("!wait").split()[0], "gone")


@test
def storage(options):
    """Values stay when the component is made anew, and within the quota."""
    with tempfile.TemporaryDirectory(prefix="isomer-storage-") as folder:
        path = os.path.join(folder, "app", "store")
        with Host(options, {}, ALL, storage=path, quota=1000) as host:
            check_equal("nothing", host.ok("load", "a"), None)
            host.ok("save", "a", "AQID")
            host.ok("save", "ü/../x", "")
            host.line("!renew")
            check_equal("a", host.ok("load", "a"), "AQID")
            check_equal("keys", host.ok("list-keys"), ["a", "ü/../x"])
            check_in("1000 bytes of storage", host.error("save", "big", "A" * 1400)["limit"])
            check_in("255 bytes", host.error("save", "k" * 256, "")["invalid"])
            host.ok("forget", "a")
            check_equal("a", host.ok("load", "a"), None)
        with Host(options, {}, ALL, storage=path, mode="service") as host:
            check_equal("keys", host.ok("list-keys"), ["ü/../x"])
            for name in os.listdir(path):
                with open(os.path.join(path, name), "r+b") as stream:
                    stream.write(b"?")
            check_in("damaged", host.error("load", "ü/../x")["failed"])
            check_equal("keys", host.ok("list-keys"), [])
            check_in("damaged", host.said())


@test
def storage_side_by_side(options):
    """Instances that store at the same time all get what they want, once each."""
    with tempfile.TemporaryDirectory(prefix="isomer-storage-") as folder:
        with Host(options, {}, ALL, storage=os.path.join(folder, "s")) as host:
            for i in range(16):
                host.line("&save [\"k%02d\", \"AQID\"]" % i)
            for i in range(16):
                check_equal("outcome", host.line("!wait"), "done ")
            check_equal("keys", host.ok("list-keys"), ["k%02d" % i for i in range(16)])


@test
def sensors(options):
    """Simulated sensors, constant, in a wave, from a file; those that were granted."""
    with tempfile.TemporaryDirectory(prefix="isomer-sensor-") as folder:
        path = os.path.join(folder, "level")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("12.5\n")
        config = {"sensors": False, "simulated-sensors": {
            "room/temp": {"unit": "°C", "value": 21.5},
            "tide": {"unit": "m", "value": 5, "amplitude": 2, "period": 60},
            "tank": {"unit": "l", "file": path}}}
        with Host(options, config, ALL) as host:
            check_equal("sensors", [x["name"] for x in host.ok("list-sensors")],
                        ["room/temp", "tide", "tank"])
            reading = host.ok("measure", "room/temp")
            check_equal("reading", (reading["unit"], reading["value"]), ("°C", 21.5))
            check_equal("tank", host.ok("measure", "tank")["value"], 12.5)
            if not 3 <= host.ok("measure", "tide")["value"] <= 7:
                raise Failure("the tide is out of its range")
            check_equal("nothing", host.error("measure", "moon"), {"unknown": "moon"})
        with Host(options, config, ["camera", "display", "gpio", "sensor:tide"]) as host:
            check_equal("sensors", host.ok("list-sensors"), [{"name": "tide", "unit": "m"}])
            check_equal("refused", host.error("measure", "tank"), {"not-granted": 'sensor "tank"'})
            check_in("refused: sensor \"tank\" was not granted", host.said())


@test
def lines(options):
    """Simulated lines: read, driven, directions."""
    config = {"gpio": {"lamp": {"direction": "output"},
                       "door": {"direction": "input", "initial": True},
                       "far": {"direction": "input", "chip": "/nonexistent", "line": 3}}}
    with Host(options, config, ALL) as host:
        check_equal("lines", host.ok("list-lines"),
                    [{"name": "lamp", "direction": "output"}, {"name": "door", "direction": "input"},
                     {"name": "far", "direction": "input"}])
        check_equal("door", host.ok("get-level", "door"), True)
        check_equal("set", host.line("!level door 0"), "ok")
        check_equal("door", host.ok("get-level", "door"), False)
        host.ok("set-level", "lamp", True)
        check_equal("lamp", host.ok("get-level", "lamp"), True)
        check_equal("input", host.error("set-level", "door", True), {"invalid": "line door is an input"})
        check_in("its chip cannot be opened", host.error("get-level", "far")["failed"])


@test
def from_camera_to_display(options):
    """Frames of a simulated camera are taken and shown, in one call and in several."""
    config = {"cameras": {"sim": "test:80x60@100"}, "displays": ["hall"]}
    with Host(options, config, ALL) as host:
        last = int(host.ok("film", "default", "default", 5))
        if last < 4:
            raise Failure("the fifth frame has number %d" % last)
        check_equal("shown", host.line("!frame hall"), "80 60 gray8 %d image/bmp %d" % (last, 5878))
        check_in('"runs":[]', host.line("!describe"))
        stream = host.ok("open", {"source": "sim", "width": 8, "height": 4, "format": "rgb8"})
        numbers = []
        for _ in range(3):
            frame = host.ok("take-frame", stream)
            check_equal("size", (frame["width"], frame["height"], len(frame["pixels"])), (8, 4, 128))
            numbers.append(int(frame["number"]))
        check_equal("numbers", numbers, sorted(set(numbers)))
        check_equal("shown", host.ok("show", "hall", dict(frame, pixels="A" * 128)), None)
        check_in("8 x 4 pixels of rgb8 are 96 bytes",
                 host.error("show", "hall", dict(frame, pixels="AAAA"))["invalid"])
        # Another component begins with nothing, and the old one's program has ended.
        check_equal("renewed", host.line("!renew"), "ok")
        check_in('"runs":[]', host.line("!describe"))
        check_equal("stream", host.error("take-frame", stream), {"unknown": "stream %d" % stream})


@test
def from_command_to_display(options):
    """A command's JPEG file passes through unchanged, and a call that waits ends with its component."""
    jpeg = bytes.fromhex("ffd8ffe10008ffd8ffd94578ffc0000b080010002001011100"
                         "ffda0008010100003f0012ff0034ffd056ffd9")
    with tempfile.TemporaryDirectory(prefix="isomer-camera-") as folder:
        path = os.path.join(folder, "a.jpg")
        with open(path, "wb") as stream:
            stream.write(jpeg)
        config = {"cameras": {"one": ["/bin/sh", "-c", "cat %s; exec sleep 1000" % path],
                              "none": ["/bin/sh", "-c", "exec sleep 1000"],
                              "gone": ["/nonexistent/camera"]},
                  "displays": ["hall"]}
        with Host(options, config, ALL) as host:
            stream = host.ok("open", {"source": "one", "format": "jpeg"})
            frame = host.ok("take-frame", stream)
            check_equal("size", (frame["width"], frame["height"]), (32, 16))
            host.ok("show", "hall", frame)
            check_equal("shown", host.line("!frame hall"), "32 16 jpeg 0 image/jpeg %d" % len(jpeg))
            check_in("cannot start /nonexistent/camera",
                     host.error("open", {"source": "gone", "format": "jpeg"})["failed"])
            stream = host.ok("open", {"source": "none", "format": "jpeg"})
            host.line("&take-frame [%d]" % stream)
            check_equal("renewed", host.line("!renew"), "ok")
            check_equal("outcome", host.line("!wait").split()[0], "gone")
            check_in('"runs":[]', host.line("!describe"))


@test
def grants(options):
    """What was not granted is refused by name; an interface that was not, when the component is made."""
    config = {"cameras": {"a": "test:8x8@50", "b": "test:8x8@50"}, "displays": ["hall"]}
    with Host(options, config, ["camera:b", "display", "sensor", "gpio"]) as host:
        check_equal("sources", host.ok("list-sources"), ["b"])
        check_equal("refused", host.error("open", {"source": "a", "format": "gray8"}),
                    {"not-granted": 'camera "a"'})
        check_equal("refused", host.error("open", {"source": "default", "format": "gray8"}),
                    {"not-granted": 'camera "default"'})
        host.ok("open", {"source": "b", "format": "gray8"})
        check_in('camera "a" was not granted', host.said())
    result = subprocess.run([options.host, "/dev/null", options.module, "function", "-", "0",
                             "camera"], capture_output=True, text=True, timeout=60, check=False,
                            stdin=subprocess.DEVNULL)
    check_equal("status", result.returncode, 2)
    check_in('isomer:device/display needs the grant "display"', result.stderr)
    check_in('needs the grant "storage"', result.stderr)


@test
def example_modules(options):
    """The camera takes frames, one instance after the other or a single one; the screen shows them."""
    camera, screen = example(options, "camera"), example(options, "screen")
    config = {"cameras": {"sim": "test:16x8@100"}, "displays": ["a", "b"]}
    frame = None
    for mode in ("function", "service"):
        rest = ["camera:sim", "stream=sim", "width=8", "height=4", "format=rgb8"]
        with Host(options, config, rest, mode=mode, module=camera) as host:
            numbers = []
            for _ in range(40):
                frame = host.ok("take-frame")
                check_equal("size", (frame["width"], frame["height"], frame["format"]), (8, 4, "rgb8"))
                numbers.append(int(frame["number"]))
            check_equal("numbers", numbers, sorted(set(numbers)))
            check_in('"streams":1', host.line("!describe"))
    with Host(options, config, ["camera:sim", "stream=moon"], module=camera) as host:
        check_equal("error", host.error("take-frame"), 'not granted: camera "moon"')
    with Host(options, config, ["display", "display=b"], module=screen) as host:
        check_equal("shown", host.ok("show", frame), None)
        check_equal("a", host.line("!frame a"), "none")
        check_equal("b, encoded by the module", host.line("!frame b").split()[:3], ["8", "4", "jpeg"])
        check_in("invalid: 9 x 4 pixels", host.error("show", dict(frame, width=9)))


@test
def from_an_address(options):
    """A film behind an address is a camera; what is in the address stays in the configuration."""
    need("ffmpeg")
    with tempfile.TemporaryDirectory(prefix="isomer-film-") as folder:
        run(["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
             "testsrc=size=64x48:rate=10", "-t", "3", "-c:v", "mpeg4",
             os.path.join(folder, "film.avi")])
        handler = functools.partial(QuietHandler, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                base = "http://user:secret@127.0.0.1:%d" % server.server_address[1]
                config = {"cameras": {"film": base + "/film.avi", "none": base + "/none.avi"}}
                with Host(options, config, ALL) as host:
                    stream = host.ok("open", {"source": "film", "width": 32, "format": "rgba8"})
                    for _ in range(3):
                        frame = host.ok("take-frame", stream)
                        check_equal("size", (frame["width"], frame["height"]), (32, 24))
                    stream = host.ok("open", {"source": "none", "format": "jpeg"})
                    error = host.error("take-frame", stream)["failed"]
                    check_in("404", error)
                    if "secret" in error + host.said() + host.line("!describe"):
                        raise Failure("a password was told: %s" % error)
            finally:
                server.shutdown()
                thread.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--isomer", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    for name in ("isomer", "host", "build"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    tally = Tally()
    try:
        options.module = build_guest(options)
    except Skip as reason:
        for function in TESTS:
            tally.note("skip", function.__name__, reason)
        return tally.end()
    for function in TESTS:
        tally.run(function.__name__, function, options)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
