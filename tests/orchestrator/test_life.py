"""The orchestrator's own life: it ends while requests wait for others, and takes the largest of what it may take."""

import contextlib
import http.client
import json
import os
import re
import socket
import ssl
import threading

from fleet import Orchestrator, check, until
from suite import execute


class Silent:
    """A server that accepts connections and never says anything."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = []
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.connections.append(self.socket.accept()[0])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        for connection in self.connections:
            connection.close()


def test_what_options_refuse(programs, guests):
    """Quantities of nothing and impossible names are refused by their option's name; of an interface that is not there
    a warning says what was perhaps meant, and it serves."""
    with Orchestrator(programs) as held:
        for option, value, part in (("--packages", "0", "--packages: nothing fits into 0 bytes"),
                                    ("--packages", "much", "--packages: 'much' is not a size"),
                                    ("--interface", "a/b", "--interface: 'a/b' is no name of a network interface")):
            result = execute([programs["orchestrator"], "--state", held.state + "/x", option, value], text=True)
            check(result.returncode == 64 and part in result.stderr, "%s %s: %s", option, value, result.stderr)
    with Orchestrator(programs, options=["--interface", "loo"]) as held:
        check("there is no network interface 'loo' here; did you mean 'lo'?" in held.log(), "a warning: %s", held.log())


class Asked:
    """A request under way in a thread of its own."""

    def __init__(self, held, *request):
        self.answer, self.error = None, None
        self.thread = threading.Thread(target=self.ask, args=(held, request), daemon=True)
        self.thread.start()

    def ask(self, held, request):
        try:
            self.answer = held.request(*request, timeout=60)
        except OSError as error:
            self.error = error


def requests_of(held):
    """How many requests it has counted."""
    text = held.good("GET", "/metrics").body.decode()
    return int(float(re.search(r"^isomer_http_requests_total (\S+)", text, re.M).group(1)))


def test_ends_while_requests_wait(programs, _guests):
    """What waits for a registry or a device that says nothing is told that the orchestrator stops, and it ends well."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(Orchestrator(programs))
        silent = [stack.enter_context(Silent()) for _ in range(4)]
        for name, server in zip(("one", "two", "three"), silent):
            held.good("PUT", "/v1/registries/" + name, {"url": "http://127.0.0.1:%d" % server.port, "plain-http": True})
        seen = [requests_of(held)]

        def poll_came():
            """Besides these questions themselves, the counter has counted all that were asked."""
            seen.append(requests_of(held))
            return seen[-1] - seen[0] == len(seen) - 1 + len(asked)

        manifest = [json.dumps({"app": "lab", "components": {"probe": {"package": "oci:%s/probe:1" % name}}})
                    for name in ("one", "two")]
        asked = [Asked(held, "POST", "/v1/plan", {"manifest": manifest[0], "files": {}}),
                 Asked(held, "POST", "/v1/check", {"manifest": manifest[1], "files": {}}),
                 Asked(held, "POST", "/v1/packages/fetch", {"reference": "oci:three/probe:1"}),
                 Asked(held, "POST", "/v1/devices", {"address": "http://127.0.0.1:%d" % silent[3].port,
                                                     "token": "abc"}),
                 Asked(held, "GET", "/v1/events?next")]
        until("all wait", lambda: all(server.connections for server in silent))
        until("the poll has come", poll_came)
        check(all(one.answer is None for one in asked), "none is answered yet")
        status = held.stop()
        check(status == 0, "it ended with %s: %s", status, held.log()[-3000:])
        for one in asked:
            one.thread.join(60)
            check(one.answer is not None and one.answer.status == 503 and b"stopping" in one.answer.body,
                  "an answer: %s %s", one.answer, one.error)


def section(size):
    """A custom section of that many bytes."""
    body = b"\x03big" + bytes(size)
    length, rest = b"", len(body)
    while rest >= 128:
        length, rest = length + bytes([rest & 127 | 128]), rest >> 7
    return b"\0" + length + bytes([rest]) + body


def test_takes_large_modules(programs, guests):
    """A module of 100 MiB is pushed and comes back as it was; others are taken after it."""
    module = guests.bytes("probe") + section(100 << 20)
    with Orchestrator(programs) as held:
        digest = held.push(module, "large", "1.0.0")
        check(held.get("/v1/packages/large@1.0.0")["size-bytes"] == len(module), "its size")
        check(held.good("GET", "/v1/modules/" + digest).body == module, "its bytes")
        held.push(module[:-1] + b"x", "large", "1.0.1")


def incoming(held):
    """What is being received, as files."""
    return os.listdir(os.path.join(held.state, "packages", "incoming"))


def kept(held):
    """Digests of the modules that are there, as files."""
    return os.listdir(os.path.join(held.state, "packages", "sha256"))


def send(held, size, of, path="/v1/packages"):
    """Begins to push a module of so many bytes, sends some of them, and leaves the connection open."""
    connection = http.client.HTTPConnection("127.0.0.1", held.ports["http"], timeout=60)
    connection.putrequest("POST", path)
    for field in (("Authorization", "Bearer " + held.token), ("Content-Type", "application/wasm"),
                  ("Content-Length", str(of))):
        connection.putheader(*field)
    connection.endheaders()
    for _ in range(size >> 20):
        connection.send(bytes(1 << 20))
    return connection


class Bytes:
    """An answer that is read later."""

    def __init__(self, held, path, tls=False):
        self.connection = (http.client.HTTPSConnection("127.0.0.1", held.ports["https"], timeout=60,
                                                       context=ssl._create_unverified_context()) if tls else  # pylint: disable=protected-access
                           http.client.HTTPConnection("127.0.0.1", held.ports["http"], timeout=60))
        self.connection.request("GET", path, headers={"Authorization": "Bearer " + held.token})
        self.answer = None

    def length(self):
        """What its header says, when that has come."""
        if self.answer is None:
            self.answer = self.connection.getresponse()
            check(self.answer.status == 200, "status %d", self.answer.status)
        return int(self.answer.getheader("Content-Length"))

    def rest(self):
        with contextlib.closing(self):
            check(self.length() > 0, "its length")
            return self.answer.read()

    def close(self):
        self.connection.close()


def size_of(held):
    return sum(os.path.getsize(os.path.join(held.state, "packages", "incoming", name)) for name in incoming(held))


def test_modules_are_received_into_files(programs, _guests):
    """What is pushed is written as it comes: the memory does not grow with it, and nothing of it is left when the client
    goes away. As many as that are received at a time; one more is told to come again."""
    with Orchestrator(programs) as held:
        before = held.resident()
        connection = send(held, 150 << 20, 200 << 20)
        until("it has been written", lambda: size_of(held) == 150 << 20)
        grown = held.resident() - before
        check(grown < 8 << 20, "the memory has grown by %d bytes", grown)
        connection.close()
        until("nothing is left", lambda: not incoming(held))
        check(kept(held) == [] and held.get("/v1/packages") == [], "packages: %s", held.get("/v1/packages"))
        many = [send(held, 1 << 20, 2 << 20) for _ in range(16)]
        until("all have begun", lambda: len(incoming(held)) == len(many))
        answer = held.request("POST", "/v1/packages", b"x", headers={"Content-Type": "application/wasm"})
        check(answer.status == 503 and b"try again" in answer.body, "one more: %s", answer)
        for connection in many:
            connection.close()
        until("nothing is left of them", lambda: not incoming(held))


def test_modules_are_sent_from_files(programs, guests):
    """Who asks for a module gets it as it is read, with its length: the memory does not grow with it, nor with how many
    ask for it. One whose bytes have changed on the disk is not sent."""
    module = guests.bytes("probe") + section(24 << 20)
    with Orchestrator(programs) as held:
        path = "/v1/modules/" + held.push(module, "large", "1.0.0")
        held.kill() # what it has taken for looking into the module is given back
        held.start()
        before = held.resident()
        asked = []
        for _ in range(4):
            asked.append(Bytes(held, path))
            check(asked[-1].length() == len(module), "its length: %s", asked[-1].length())
        grown = held.resident() - before
        check(grown < 8 << 20, "the memory has grown by %d bytes", grown)
        check(all(one.rest() == module for one in asked), "its bytes")
        head = held.request("HEAD", path)
        check(head.status == 200 and head.headers["Content-Length"] == str(len(module)) and not head.body, "HEAD: %s", head)
        check(Bytes(held, path, tls=True).rest() == module, "its bytes over TLS")
        Bytes(held, path).close() # while it is being looked at, or sent
        with open(os.path.join(held.state, "packages", "sha256", path[-64:]), "r+b") as stream:
            stream.seek(1 << 20)
            stream.write(b"!")
        answer = held.request("GET", path)
        check(answer.status == 500 and b"is damaged" in answer.body, "changed on the disk: %s", answer)
        check(held.request("GET", path).status == 404, "it is kept no longer")
        check(held.stop() == 0, "it stops")


def test_what_is_no_package_leaves_nothing(programs, guests):
    """A push that is refused after its bytes have come, and one for which there is no room, in the store or on the disk,
    leave nothing; what is there already stays."""
    wasm = {"Content-Type": "application/wasm"}
    probe = guests.bytes("probe")
    with Orchestrator(programs, options=["--packages", "512KiB"]) as held:
        digest = held.push(probe, "probe", "1.0.0")
        for what, path, data, status, text in (
                ("nothing", "", b"", 400, "must be a module"),
                ("no module", "", b"no module", 400, "module"),
                ("another version", "?name=probe&version=1.0.0", guests.bytes("caller"), 409, "another version"),
                ("a bad name", "?name=Probe&version=1.0.0", guests.bytes("caller"), 400, "no name of a package"),
                ("a bad signature", "?signature=*", guests.bytes("caller"), 400, "signature")):
            answer = held.request("POST", "/v1/packages" + path, data, headers=wasm)
            check(answer.status == status and text in answer.json()["detail"], "%s: %s", what, answer)
            until("nothing is left of %s" % what, lambda: not incoming(held))
            check(kept(held) == [digest[7:]], "kept after %s: %s", what, kept(held))
        answer = send(held, 0, 600 << 10).getresponse()
        check(answer.status == 507 and b"no room for" in answer.read(), "too large: %d", answer.status)
        until("nothing is left of it", lambda: not incoming(held))
        check(len(held.get("/v1/packages")) == 1, "packages: %s", held.get("/v1/packages"))
        check(held.push(probe, "again", "1.0.0") == digest and held.push(probe) == digest, "the same bytes")
        check(held.good("GET", "/v1/modules/" + digest).body == probe, "its bytes")
    # A file that cannot grow any more is what a full disk is to a program.
    full = ["sh", "-c", 'trap "" XFSZ; ulimit -f 4096; exec "$@"', "sh"]
    with Orchestrator(programs, wrap=full) as held:
        answer = held.request("POST", "/v1/packages", bytes((2 << 20) + 1000), headers=wasm)
        check(answer.status == 500 and b"cannot write the module" in answer.body, "a full disk: %s", answer)
        until("nothing is left", lambda: not incoming(held))
        held.push(probe)


def test_a_package_is_told_once(programs, guests):
    """The event says that something is there which was not: not each time that somebody asks for it, and again for
    another name or other bytes."""
    def told(held):
        return [event["detail"] for event in held.events() if event["event"] == "package-added"]
    with Orchestrator(programs) as held:
        for _ in range(2):
            held.push(guests.bytes("probe"), "probe", "1.0.0")
        check(told(held) == ["probe@1.0.0"], "twice the same: %s", told(held))
        since = held.get("/v1/packages/probe@1.0.0")["added-ms"]
        held.push(guests.bytes("probe"), "probe", "1.0.1")
        held.push(guests.bytes("caller"), "caller", "1.0.0")
        digest = held.push(guests.bytes("caller"))
        held.push(guests.bytes("probe"), "probe", "1.0.0")
        check(told(held) == ["probe@1.0.0", "probe@1.0.1", "caller@1.0.0", digest], "others: %s", told(held))
        check(held.get("/v1/packages/probe@1.0.0")["added-ms"] == since, "when it was added")
