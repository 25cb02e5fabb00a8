"""The orchestrator's own life: it ends while requests wait for others, and takes the largest of what it may take."""

import contextlib
import json
import re
import socket
import threading

from fleet import Orchestrator, check, until


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
