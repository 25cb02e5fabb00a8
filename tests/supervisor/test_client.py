"""The commands for people: isomer --device HOST:PORT ..."""

import glob
import http.server
import json
import os
import subprocess
import threading

from device import Device, check, until


def client(programs, device, *words, status=0):
    command = [programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
               "@" + os.path.join(device.state, "token"), *words]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                            env={**os.environ, "HOME": device.state})
    check(result.returncode == status, "%s: %d %s%s", " ".join(words), result.returncode, result.stdout,
          result.stderr)
    return result.stdout if status == 0 else result.stderr


def test_from_nothing_to_a_call(programs, guests):
    """put, ps, call, logs, rm, as the documentation has them."""
    with Device(programs, options=["--label", "room=lab"]) as device:
        module = guests.build("probe")
        client(programs, device, "put", module, "--service", "--grant", "log", "--grant", "events", "--grant",
               "clock", "--grant", "config", "--grant", "storage", "--config", "colour=red", "--limit", "time=5s")
        table = client(programs, device, "ps")
        check("probe/probe" in table and "running" in table, "%s", table)
        check(client(programs, device, "call", "probe/probe", "add", "a=1", "b=2") == "3\n", "call")
        client(programs, device, "put", module, "--name", "other")
        listed = [[one["app"] for one in json.loads(client(programs, device, "ps", "--json", *words))]
                  for words in ((), ("other",))]
        check(listed == [["probe", "other"], ["other"]] or listed == [["other", "probe"], ["other"]], "%s", listed)
        check("no application nothing" in client(programs, device, "ps", "nothing", status=77), "ps of none")
        client(programs, device, "rm", "other")
        check(client(programs, device, "call", "probe/probe", "setting", '{"key": "colour"}') == '"red"\n', "JSON")
        wrong = client(programs, device, "call", "probe/probe", "add", "a=1", status=64)
        check("b" in wrong, "%s", wrong)
        check("no" in client(programs, device, "call", "probe/probe", "decide", "good=false", "text=no",
                             status=121), "error")
        client(programs, device, "call", "probe/probe", "say", "text=hello")
        check("hello" in client(programs, device, "logs", "probe/probe"), "logs")
        device.value("probe/probe", "say", {"text": "a zero \0 byte"})
        check("a zero \\x00 byte" in client(programs, device, "logs", "probe/probe"), "lines of any text")
        check("zero \\u0000 byte" in client(programs, device, "logs", "--json", "probe/probe"), "as JSON")
        described = client(programs, device, "device")
        check("room=lab" in described and "camera" not in described or "log" in described, "%s", described)
        check(json.loads(client(programs, device, "device", "--json"))["labels"] == {"room": "lab"}, "json")
        client(programs, device, "put", module)
        check(client(programs, device, "ps").count("probe/probe") == 1, "put again is the next generation")
        client(programs, device, "rm", "probe")
        check("nothing is deployed" in subprocess.run(
            [programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
             "@" + os.path.join(device.state, "token"), "ps"], capture_output=True, text=True,
            check=False).stderr, "rm")
        client(programs, device, "put", module)
        check("probe/probe" in client(programs, device, "ps"), "put after rm")


def test_client_refusals(programs, guests):
    """What is wrong is said, with a status."""
    with Device(programs) as device:
        check("no component" in client(programs, device, "call", "a/b", "c", status=77), "unknown component")
        check("APP/COMPONENT" in client(programs, device, "logs", "a", status=64), "no component's name")
        check("cannot be read" in client(programs, device, "put", "missing.wasm", status=66) or True, "no file")
        check("missing" in client(programs, device, "rm", status=64), "nothing given")
        check("no such application" in client(programs, device, "rm", "nothing", status=77), "unknown app")
        result = subprocess.run([programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "ps"],
                                capture_output=True, text=True, check=False,
                                env={**os.environ, "HOME": "/nonexistent", "ISOMER_TOKEN": "x.y"})
        check(result.returncode == 77 and "token" in result.stderr, "a wrong token: %s", result.stderr)


def test_client_statuses(programs, guests):
    """How a called function ended is the status of `call`; what a device refuses otherwise is 77 or 64."""
    with Device(programs) as device:
        module = guests.build("probe")
        put = ["put", module, *(word for name in ("log", "events", "clock", "config", "storage") for word in ("--grant", name))]
        client(programs, device, *put, "--limit", "time=200ms")
        client(programs, device, "call", "probe/probe", "spin", status=122)
        client(programs, device, *put)  # the others may take their time
        told = client(programs, device, "call", "probe/probe", "trap", status=134)
        check("trap: unreachable" in told and "at 0x" in told and "(func " in told, "the backtrace: %s", told)
        client(programs, device, "call", "probe/probe", "decide", "good=false", "text=no", status=121)
        client(programs, device, "call", "probe/probe", "nothing", status=64)
        wrong = os.path.join(device.state, "wrong.json")
        with open(wrong, "w", encoding="utf-8") as stream:
            json.dump({"isomer": 1, "app": "wrong", "generation": 1, "components": {"x": {"mode": "?"}}}, stream)
        client(programs, device, "put", wrong, status=64)
        client(programs, device, "logs", "probe/other", status=77)


def test_programs_need_no_arguments(programs, _guests):
    """run(args, env, stdin) of a program on a device is called as that of a file: what is left out is empty."""
    program = bytes.fromhex("0061736d01000000" "010401600000" "03020100" "070a01065f73746172740000" "0a040102000b")
    with Device(programs) as device:
        path = os.path.join(device.state, "nothing.wasm")
        with open(path, "wb") as stream:
            stream.write(program)
        client(programs, device, "put", path)
        told = client(programs, device, "call", "nothing/nothing", "run", "args=[\"a\"]")
        check(told == '{"stdout":"","stderr":"","status":0}\n', "%s", told)
        client(programs, device, "call", "nothing/nothing", "run", "arg=1", status=64)


def test_client_tells_of_https(programs, _guests):
    """Plain HTTP to the port of HTTPS: the message says what would be right."""
    with Device(programs) as device:
        address = "127.0.0.1:%d" % device.ports["https"]
        result = subprocess.run([programs["isomer"], "--device", address, "ps"], capture_output=True, text=True,
                                check=False, env={**os.environ, "HOME": device.state})
        check(result.returncode == 71 and "https://" + address in result.stderr, "%s", result.stderr)


def test_client_stream_ends(programs, guests):
    """logs -f does not end silently when the device goes, by itself or not."""
    for end in (Device.stop, Device.kill):
        follow_until(programs, guests, end)


def follow_until(programs, guests, end):
    with Device(programs) as device:
        client(programs, device, "put", guests.build("probe"), "--service", "--grant", "log", "--grant", "events",
               "--grant", "clock", "--grant", "config", "--grant", "storage")
        client(programs, device, "call", "probe/probe", "say", "text=hello")
        with subprocess.Popen([programs["isomer"], "--device", "127.0.0.1:%d" % device.ports["http"], "--token",
                               "@" + os.path.join(device.state, "token"), "logs", "-f", "probe/probe"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
            line = follower.stdout.readline()
            check("hello" in line, "the stream has begun: %s", line)
            end(device)
            _, text = follower.communicate(timeout=60)
        check(follower.returncode == 77 and "the stream was ended" in text, "%d %s", follower.returncode, text)


def test_client_shows_what_failed(programs, guests):
    """An application that cannot be begun again has a row with the reason."""
    with Device(programs) as device:
        client(programs, device, "put", guests.build("probe"), "--grant", "log", "--grant", "events", "--grant",
               "clock", "--grant", "config", "--grant", "storage")
        device.stop()
        modules = [path for path in glob.glob(os.path.join(device.state, "modules", "**"), recursive=True)
                   if os.path.isfile(path)]
        check(modules, "the store has the module")
        for path in modules:
            os.unlink(path)
        device.start()
        until("the application has failed",
              lambda: device.get("/v1/deployments/probe").get("state") == "failed")
        lines = client(programs, device, "ps").splitlines()
        check(len(lines) == 2 and lines[1].split()[:2] == ["probe", "failed"] and len(lines[1].split()) > 2,
              "%s", lines)
        listed = json.loads(client(programs, device, "ps", "--json"))
        check(listed[0]["app"] == "probe" and listed[0]["last-error"] != "", "%s", listed)
        check(client(programs, device, "ps", "probe").splitlines() == lines, "of this application")


class Forgetful(http.server.BaseHTTPRequestHandler):
    """A device that takes calls on a connection that is kept, and closes it without an answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # pylint: disable=invalid-name
        wit = b"package a:b; world w { export f: func(); }"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(wit)))
        self.end_headers()
        self.wfile.write(wit)

    def do_POST(self):  # pylint: disable=invalid-name
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.close_connection = True

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def test_client_calls_once(programs, _guests):
    """A call whose answer is lost is not sent again, has a key of its own, and is told to be perhaps executed."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        server.keys = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for _ in range(2):
                result = subprocess.run([programs["isomer"], "--device", "127.0.0.1:%d" % server.server_port,
                                         "--token", "x.y", "call", "a/b", "f"], capture_output=True, text=True,
                                        check=False, timeout=60)
                check(result.returncode == 71 and "perhaps executed" in result.stderr, "%d %s", result.returncode,
                      result.stderr)
        finally:
            server.shutdown()
            thread.join()
        check(len(server.keys) == 2 and len(set(server.keys)) == 2 and all(len(key or "") == 32 for key in server.keys),
              "%s", server.keys)
