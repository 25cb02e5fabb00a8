#!/usr/bin/env python3
"""The HTTP server against what clients send: curl, plain sockets, slowhttptest.

usage: run.py --tool "HTTP_TOOL" [--only NAME]...

What a test lacks makes it skipped by name. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shlex
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import refused  # noqa: E402  pylint: disable=wrong-import-position
from server import Reader, Server, is_closed, read_answers  # noqa: E402  pylint: disable=wrong-import-position
from suite import Failure, Skip, Tally, check, need, tests_of  # noqa: E402  pylint: disable=wrong-import-position

TOOL = []
FAST = ["--limit", "header_ms=400", "--limit", "idle_ms=600", "--limit", "stall_ms=400", "--limit",
        "min_bytes_per_s=100000", "--limit", "handshake_ms=400"]


def serve(*arguments, **options):
    return Server(TOOL, *arguments, **options)


def curl(*words, status=0):
    result = subprocess.run([need("curl"), "-s", "-m", "60", *words], capture_output=True, check=False)
    check(result.returncode == status, "curl %s ended with %d: %s", shlex.join(words), result.returncode,
          result.stderr.decode())
    return result.stdout


# ---- What works ---------------------------------------------------------------------------------


def test_curl():
    """GET, HEAD, POST, PUT, chunks, Expect and connections that stay, from curl."""
    with serve() as server:
        url = server.url
        check(curl(url + "/hello") == b"hello\n", "GET")
        check(b"Content-Length: 6" in curl("-I", url + "/hello"), "HEAD has the length")
        check(curl("-d", "hi", url + "/echo") == b"hi", "POST")
        data = os.urandom(3 << 20).replace(b"!", b"?") # which the tool refuses
        expected = b"%d %s\n" % (len(data), hashlib.sha256(data).hexdigest().encode())
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            check(curl("-T", file.name, url + "/upload") == expected, "PUT")
            check(curl("-T", file.name, "-H", "Transfer-Encoding: chunked", url + "/upload") == expected, "chunks")
            check(curl("-T", file.name, "-H", "Expect: 100-continue", url + "/upload") == expected, "Expect")
            digest = hashlib.sha256(data[:100000]).hexdigest().encode()
            file.truncate(100000)
            check(curl("--data-binary", "@" + file.name, url + "/digest") == digest, "a worker's answer")
        check(len(curl(url + "/big")) == 8 << 20, "8 MiB")
        twice = curl("-w", "%{num_connects} ", url + "/hello", url + "/later")
        check(twice == b"hello\n1 later\n0 ", "connections stay open: %r", twice)
        check(server.until("released", lambda s: s["big_released"] == 1), "the body is released")
        check(curl("-H", "Host: device.local", url + "/hello") == b"hello\n", "a name of ours")


def test_fields():
    """Every answer carries the fields that protect browsers."""
    with serve() as server:
        for target, type_name in (("/hello", "text/plain"), ("/nothing", "application/problem+json"),
                                  ("/page", "text/html; charset=utf-8"), ("/events?count=0", "text/event-stream")):
            fields = server.get(target).fields
            check(fields["x-content-type-options"] == "nosniff", "nosniff at %s", target)
            check(fields["content-type"] == type_name, "type of %s: %s", target, fields)
            check("date" in fields, "date at %s", target)
            cache = "no-cache" if target == "/page" else "no-store"
            check(fields["cache-control"] == cache, "cache of %s: %s", target, fields)
            head = server.get(target, method="HEAD")
            check(head.fields["content-type"] == type_name and not head.body, "HEAD of %s", target)
        fields = server.get("/page").fields
        check(fields["content-security-policy"] == "default-src 'self'", "policy: %s", fields)
        check(fields["referrer-policy"] == "no-referrer", "referrer: %s", fields)
        check(server.get("/secret").fields["www-authenticate"] == "Bearer", "WWW-Authenticate")
        answer = server.get("/hello", method="DELETE")
        check(answer.fields["allow"] == "GET, HEAD, OPTIONS", "Allow: %s", answer.fields)
        answer = server.get("/hello", method="OPTIONS")
        check((answer.status, answer.fields["allow"]) == (204, "GET, HEAD, OPTIONS"), "OPTIONS")
        problem = json.loads(server.get("/nothing").body)
        check(problem == {"type": "about:blank", "title": "Not Found", "status": 404,
                          "detail": "there is no such resource"}, "problem: %s", problem)
        check(server.get("/bad-field").status == 500, "a field with a line end is never sent")


def test_documents():
    """Entity tags: 304 for what the client has, HEAD without a body."""
    with serve() as server:
        check(server.get("/page").fields["etag"] == '"one"', "a tag")
        answer = server.get("/page", 'If-None-Match: W/"one"')
        check((answer.status, answer.body, answer.fields["content-length"]) == (304, b"", "34"), "304")
        check(server.get("/page", 'If-None-Match: "two"').status == 200, "another tag")
        answer = server.get("/page", method="HEAD")
        check(answer.fields["content-length"] == "34" and answer.body == b"", "HEAD")


def test_targets():
    """Segments and parameters arrive decoded, one by one."""
    with serve() as server:
        seen = json.loads(server.get("/describe/a%2Fb/c+d/?y=1&x=1+2%263%3D&x=4").body)
        check(seen["segments"] == ["describe", "a/b", "c+d", ""], "segments: %s", seen)
        check(seen["x"] == "1 2&3=", "parameter: %s", seen)
        check(seen["path"] == "/describe/a%2Fb/c+d/", "path: %s", seen)
        check(seen["peer"] == "127.0.0.1" and not seen["tls"], "peer: %s", seen)
        check(json.loads(server.get("/describe?x").body)["x"] == "", "a parameter without a value")
        check(json.loads(server.get("/describe").body)["x"] is None, "no parameter")
        check(json.loads(server.get("/describe?X=1").body)["x"] is None, "names have a case")
        check(server.get("/hello", "Origin: http://127.0.0.1:%d" % server.port).status == 200, "our own origin")
        check(server.get("/hello", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate").status == 200,
              "a link in another site's page")


# ---- What is refused ----------------------------------------------------------------------------


def test_refusals():
    """Each bad request gets its answer, and the server goes on."""
    with serve() as server:
        host = b"127.0.0.1:%d" % server.port
        wrong = []
        for name, status, data in refused.REFUSED:
            with server.connect() as sock:
                try:
                    sock.sendall(data.replace(b"HOST", host))
                except (BrokenPipeError, ConnectionResetError):
                    pass # it answers before it has read all of that
                answer = Reader(sock).answer()
            got = answer.status if answer else None
            if got != status:
                wrong.append("%s: %s instead of %s" % (name, got, status))
            elif answer and answer.fields.get("content-type") == "application/problem+json":
                check(json.loads(answer.body)["status"] == status, "the problem of %s", name)
        check(not wrong, "%s", "; ".join(wrong))
        check(server.get("/hello").status == 200, "and then a good one")
        server.until("nothing is left over", lambda s: s["connections"] == 1 and s["deferred"] == 0)


def test_refused_bodies():
    """An early answer reaches a client that is still sending; Expect spares it the sending."""
    with serve() as server:
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        with server.connect() as sock:
            sock.sendall(b"POST /secret HTTP/1.1\r\n" + host + b"Content-Length: 40000\r\n\r\n" + b"a" * 40000 +
                         b"GET /hello HTTP/1.1\r\n" + host + b"\r\n")
            first, second = read_answers(sock, 2)
            check((first.status, second.body) == (401, b"hello\n"), "the connection goes on after a small body")
        with server.connect() as sock:
            sock.sendall(b"POST /secret HTTP/1.1\r\n" + host + b"Content-Length: 40000\r\nExpect: 100-continue\r\n\r\n")
            check(read_answers(sock)[0].status == 401, "no 100 before a refusal")
        with server.connect() as sock:
            sock.sendall(b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            check(read_answers(sock)[0].status == 100, "100 for what is wanted")
            sock.sendall(b"hi")
            check(read_answers(sock)[0].body == b"hi", "and then the answer")
        with server.connect() as sock:
            sock.sendall(b"PUT /upload HTTP/1.1\r\n" + host + b"Content-Length: 10000000\r\n\r\n!")
            sent = 0
            try:
                while sent < 10000000:
                    sent += sock.send(b"a" * 65536)
            except (BrokenPipeError, ConnectionResetError):
                pass
            check(sent < 9000000, "who goes on sending what nobody wants is cut off")
        check(server.get("/hello").status == 200, "others are served")


def test_lies():
    """A body shorter than it says is no request; what follows one is the next."""
    with serve() as server:
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        with server.connect() as sock:
            sock.sendall(b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 10\r\n\r\nshort")
        server.until("it was dropped", lambda s: s["closed_aborted"] == 1)
        with server.connect() as sock:
            sock.sendall(b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 2\r\n\r\nhiGET /hello HTTP/1.1\r\n" + host + b"\r\n")
            first, second = read_answers(sock, 2)
            check((first.body, second.body) == (b"hi", b"hello\n"), "two requests")


def test_pipelining():
    """Requests sent at once are answered in order, also when the first takes its time."""
    with serve() as server:
        host = b"Host: 127.0.0.1:%d\r\n\r\n" % server.port
        with server.connect() as sock:
            sock.sendall(b"".join(b"GET %s HTTP/1.1\r\n" % target + host
                                  for target in (b"/later?ms=50", b"/hello", b"/later?ms=1", b"/nothing", b"/hello")))
            bodies = [answer.body for answer in read_answers(sock, 5)]
        check(bodies[:3] == [b"later\n", b"hello\n", b"later\n"] and bodies[4] == b"hello\n", "%r", bodies)


# ---- Clients that go, and that do not come to the point ------------------------------------------


def soon_enough(scenario):
    """Repeats a scenario whose client has to be quicker than an answer that it puts off, until it was: it says so."""
    check(any(scenario() for _ in range(20)), "the answer is never still to come")


def test_gone_client():
    """A client that leaves while its answer is pending is noticed; answering then does nothing."""
    def gone():
        with serve() as server:
            host = b"Host: 127.0.0.1:%d\r\n\r\n" % server.port
            socks = [server.connect() for _ in range(20)]
            due = time.monotonic() + 0.6
            for number, sock in enumerate(socks):
                sock.sendall((b"GET /never HTTP/1.1\r\n" if number % 2 else b"GET /later?ms=600 HTTP/1.1\r\n") + host)
            server.until("they wait", lambda s: s["deferred"] == 20 or time.monotonic() > due)
            for sock in socks:
                sock.close()
            stats = server.until("they are gone", lambda s: s["deferred"] == 0)
            if stats["closed_aborted"] != 20:
                return False
            check(server.get("/later?ms=600").body == b"later\n", "it goes on when the others would have been answered")
            with server.connect() as sock:
                sock.sendall(b"GET /abort?ms=1 HTTP/1.1\r\n" + host)
                check(is_closed(sock), "the server may drop a request")
            return True
    soon_enough(gone)


def test_slow_clients():
    """Whoever takes too long over a header, a body, an answer or doing nothing is dropped."""
    with serve(*FAST) as server:
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        halves = {"nothing": b"", "half a line": b"GET /he", "half a header": b"GET /hello HTTP/1.1\r\n" + host,
                  "half a body": b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 9\r\n\r\nabc",
                  "half a chunk": b"POST /echo HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc",
                  "a body for a refusal": b"POST /secret HTTP/1.1\r\n" + host + b"Content-Length: 9\r\n\r\nabc"}
        socks = {}
        for name, data in halves.items():
            socks[name] = server.connect()
            socks[name].sendall(data)
        answer = None
        while answer is None:  # it is dropped when it takes long between connecting and asking
            idle = socks["nothing more"] = server.connect()
            with contextlib.suppress(BrokenPipeError):
                idle.sendall(b"GET /hello HTTP/1.1\r\n" + host + b"\r\n")
            answer = Reader(idle).answer()
        for name, sock in socks.items():
            check(is_closed(sock), "still open: %s", name)
            sock.close()
        stats = server.until("all are counted", lambda s: s["connections"] == 1)
        check(stats["timed_out"] >= 7, "%s", stats)


def test_trickling_clients():
    """A byte now and then does not keep a connection."""
    with serve(*FAST) as server:
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        for name, start in (("header", b"GET /hello HTTP/1.1\r\n" + host + b"X: "),
                            ("body", b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 1000000\r\n\r\n")):
            with server.connect() as sock:
                sock.sendall(start)
                began = time.monotonic()
                try:
                    while time.monotonic() - began < 60 and not is_closed(sock, 0.05):
                        sock.sendall(b"a")
                except (BrokenPipeError, ConnectionResetError):
                    pass
                check(time.monotonic() - began < 60, "a trickled %s goes on", name)


def test_slow_reader():
    """Whoever does not read his answer is dropped, and its memory is released."""
    with serve(*FAST, "--limit", "min_bytes_per_s=100000000") as server:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", server.port))
            sock.sendall(b"GET /big HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
            server.until("dropped", lambda s: s["big_released"] == 1 and s["timed_out"] >= 1)


def test_too_many_connections():
    """Above the limits: 503 at once, and service as soon as there is room."""
    with serve("--limit", "connections=10") as server:
        socks = [server.connect() for _ in range(10)]
        reader = Reader(socks[0])
        socks[0].sendall(b"GET /stats HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
        check(reader.answer().status == 200, "the tenth is served")
        check(server.get("/hello").status == 503, "the eleventh is not")
        for sock in socks:
            sock.close()
        end = time.monotonic() + 60
        while server.get("/hello").status == 503:
            check(time.monotonic() < end, "room comes back")
    with serve("--limit", "connections_per_address=5") as server:
        socks = [server.connect(source="127.0.0.2") for _ in range(5)]
        with server.connect(source="127.0.0.2") as sock:
            check(Reader(sock).answer().status == 503, "five of one address")
        check(server.get("/hello").status == 200, "another address has room")
        for sock in socks:
            sock.close()


# ---- Streams ------------------------------------------------------------------------------------


def test_events():
    """Server-sent events as a browser reads them."""
    with serve("--limit", "keepalive_ms=200") as server:
        answer = server.get("/events?count=3&ms=5")
        check(answer.body == b"retry: 250\n\n" + b"".join(
            b'id: %d\ndata: {"n":%d,"fill":"xxxxxxxxxx"}\n\n' % (n, n) for n in range(3)), "%r", answer.body)
        with server.connect() as sock:
            sock.sendall(b"GET /events?ms=100000 HTTP/1.0\r\n\r\n")
            data = b""
            while b":\n\n" not in data:
                piece = sock.recv(4096)
                check(piece, "closed without a comment: %r", data)
                data += piece
        server.until("gone", lambda s: s["streams"] == 0)


def test_slow_event_client():
    """A client that does not keep up with events is disconnected; others are not held up."""
    with serve("--limit", "stream_bytes=20000") as server:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", server.port))
            sock.sendall(b"GET /events?ms=1&count=1000000&size=1000 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
            answer = server.get("/events?ms=1&count=100")
            check(answer.body.count(b"data:") == 100, "the other client gets all")
            server.until("disconnected", lambda s: s["closed_aborted"] == 1 and s["streams"] == 0)


def test_frames():
    """Pictures: a fast viewer gets each, a slow one is skipped and gets whole ones."""
    with serve() as server:
        fast = server.get("/frames?ms=20&count=5&size=50000")
        check(fast.fields["content-type"] == "multipart/x-mixed-replace; boundary=isomer-frame", "type")
        parts = fast.body.split(b"--isomer-frame\r\n")
        check(parts[0] == b"" and parts[-1] == b"" and len(parts) == 7, "%d parts", len(parts))
        for number, part in enumerate(parts[1:-1]):
            head, body = part.split(b"\r\n\r\n", 1)
            check(head == b"Content-Type: image/x-test\r\nContent-Length: 50000", "%r", head)
            check(body == bytes([97 + number]) * 50000 + b"\r\n", "picture %d", number)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            sock.connect(("127.0.0.1", server.port))
            sock.sendall(b"GET /frames?ms=5&count=100&size=300000 HTTP/1.0\r\n\r\n")
            server.until("skipped", lambda s: s["skipped"] >= 20)
            sock.settimeout(60)
            body = Reader(sock).answer().body
            parts = [part.split(b"\r\n\r\n", 1)[1] for part in body.split(b"--isomer-frame\r\n")[1:-1]]
            check(0 < len(parts) < 80, "%d of 100 pictures", len(parts))
            for part in parts:
                check(len(part) == 300002 and part[:-2] == part[:1] * 300000, "a picture is whole")


def test_stream_limit():
    """More streams than allowed are refused."""
    with serve("--limit", "streams=3") as server:
        socks = [server.connect() for _ in range(3)]
        for sock in socks:
            sock.sendall(b"GET /events?ms=100000 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
        server.until("three", lambda s: s["streams"] == 3)
        check(server.get("/events").status == 503, "the fourth")
        for sock in socks:
            sock.close()
        server.until("room again", lambda s: s["streams"] == 0)
        check(server.get("/events?count=1").status == 200, "the next")


# ---- TLS ----------------------------------------------------------------------------------------


def test_tls():
    """curl over TLS, with the pin; old versions, plain text and silence get nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        identity = os.path.join(folder, "identity.pem")
        with serve(tls=identity) as server:
            url = "https://127.0.0.1:%d" % server.tls_port
            check(curl("-k", "--pinnedpubkey", server.pin, url + "/hello") == b"hello\n", "the pin")
            curl("-k", "--pinnedpubkey", "sha256//" + "A" * 43 + "=", url + "/hello", status=90)
            curl(url + "/hello", status=60)
            check(curl("--cacert", identity, url + "/hello") == b"hello\n", "the names in the certificate")
            check(json.loads(curl("-k", url + "/describe"))["tls"], "it knows that it is TLS")
            check(len(curl("-k", url + "/big")) == 8 << 20, "8 MiB")
            check(curl("-k", "-H", "Origin: " + url, url + "/hello") == b"hello\n", "our own origin")
            check(curl("-k", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Origin: " + server.url, url + "/hello") ==
                  b"403", "the origin without TLS is another")
            check(curl("-kN", url + "/events?count=2").count(b"data:") == 2, "events")
            check(curl("-k", url + "/later?ms=20") == b"later\n", "a late answer")
            curl("-k", "--tls-max", "1.1", url + "/hello", status=35)
            check(curl("-k", "--tls-max", "1.2", url + "/hello") == b"hello\n", "TLS 1.2")
            pin = server.pin
            with server.connect(server.tls_port) as sock:
                sock.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
                check(is_closed(sock), "plain text is dropped")
        with serve(*FAST, tls=identity) as server:
            with server.connect(server.tls_port) as sock:
                check(is_closed(sock), "silence is dropped")
        with serve(tls=identity) as server:
            check(curl("-k", "--pinnedpubkey", pin, "https://127.0.0.1:%d/hello" % server.tls_port) == b"hello\n",
                  "the same key after a restart")


def test_handshakes():
    """Only so many handshakes are under way at a time, of one address a quarter of them; when all places are taken the
    oldest gives way."""
    with tempfile.TemporaryDirectory() as folder:
        with serve("--limit", "handshakes=8", "--limit", "handshake_ms=60000",
                   tls=os.path.join(folder, "identity.pem")) as server:
            socks = [server.connect(server.tls_port) for _ in range(8)]
            server.until("two", lambda s: s["refused"] == 6)
            check(server.get("/hello").status == 200, "plain HTTP is not concerned")
            for sock in socks[2:]:
                check(is_closed(sock), "the others are dropped")
            for sock in socks:
                sock.close()
            server.until("all have gone", lambda s: s["connections"] == 1)
            check(curl("-k", "https://127.0.0.1:%d/hello" % server.tls_port) == b"hello\n", "there is room again")
        with serve("--limit", "handshakes=8", "--limit", "handshake_ms=60000",
                   tls=os.path.join(folder, "identity.pem")) as server:
            socks = []
            for i in range(8): # four addresses, two each: all places
                socks.append(socket.create_connection(("127.0.0.1", server.tls_port), timeout=60,
                                                      source_address=("127.0.0.%d" % (10 + i // 2), 0)))
            server.until("eight, and the one that asks", lambda s: s["connections"] >= 9)
            check(curl("-k", "https://127.0.0.1:%d/hello" % server.tls_port) == b"hello\n", "another address has a place")
            check(is_closed(socks[0]), "the oldest gave way")
            check(server.stats()["refused"] == 0, "nobody was refused")
            for sock in socks:
                sock.close()


# ---- What it costs --------------------------------------------------------------------------------


def cpu_s(server):
    """Processor time of the server so far."""
    with open("/proc/%d/stat" % server.process.pid, encoding="ascii") as stream:
        words = stream.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_quiet():
    """Connections that wait, for whatever, cost no processor time."""
    with tempfile.TemporaryDirectory() as folder:
        with serve(tls=os.path.join(folder, "identity.pem")) as server:
            host = b"Host: 127.0.0.1:%d\r\n" % server.port
            starts = [b"", b"GET /he", b"GET /hello HTTP/1.1\r\n" + host, b"GET /hello HTTP/1.1\r\n" + host + b"\r\n",
                      b"GET /never HTTP/1.1\r\n" + host + b"\r\n", b"GET /events?ms=100000 HTTP/1.1\r\n" + host + b"\r\n",
                      b"GET /frames?ms=100000 HTTP/1.1\r\n" + host + b"\r\n",
                      b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 5\r\n\r\nab",
                      b"POST /secret HTTP/1.1\r\n" + host + b"Content-Length: 5\r\n\r\nab",
                      b"GET /big HTTP/1.1\r\n" + host + b"\r\n",
                      b"GET /never HTTP/1.1\r\n" + host + b"\r\nGET /hello HTTP/1.1\r\n" + host + b"\r\n"]
            socks = []
            for start in starts:
                socks.append(server.connect())
                socks[-1].sendall(start)
            socks.append(server.connect(server.tls_port))
            context = ssl._create_unverified_context()  # pylint: disable=protected-access
            socks.append(context.wrap_socket(server.connect(server.tls_port)))
            socks[-1].sendall(b"GET /never HTTP/1.1\r\n" + host + b"\r\n")
            server.until("they wait", lambda s: s["deferred"] == 3 and s["streams"] == 2)
            time.sleep(0.2) # what has begun comes to rest
            before = cpu_s(server)
            time.sleep(2)
            used = cpu_s(server) - before
            check(used < 0.1, "%.2f s of processor time in 2 s", used)
            for sock in socks:
                sock.close()
            server.until("all are gone", lambda s: s["connections"] == 1)


def test_descriptors():
    """Without descriptors left it waits instead of spinning, and goes on when there are some."""
    tool = TOOL[:]
    TOOL[:0] = [need("prlimit"), "--nofile=40"]
    try:
        with serve() as server:
            socks = [server.connect() for _ in range(60)]
            time.sleep(0.2)
            before = cpu_s(server)
            time.sleep(1)
            used = cpu_s(server) - before
            check(used < 0.1, "%.2f s of processor time in 1 s", used)
            for sock in socks:
                sock.close()
            check(server.get("/hello").status == 200, "it goes on")
    finally:
        TOOL[:] = tool


def test_memory():
    """Memory does not grow with the number of requests."""
    def size(server, name):
        with open("/proc/%d/status" % server.process.pid, encoding="ascii") as stream:
            return [int(line.split()[1]) for line in stream if line.startswith(name)][0]

    def resident(server):
        return size(server, "VmRSS")

    with serve() as server:
        if size(server, "VmSize") > 1 << 30:
            raise Skip("a sanitizer's own memory grows")
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        body = b"a" * 5000
        batch = (b"GET /hello HTTP/1.1\r\n" + host + b"\r\n" +
                 b"POST /echo HTTP/1.1\r\n" + host + b"Content-Length: 5000\r\n\r\n" + body +
                 b"GET /describe/a%20b?x=%41 HTTP/1.1\r\n" + host + b"\r\n" +
                 b"GET /nothing HTTP/1.1\r\n" + host + b"\r\n" +
                 b"GET /work HTTP/1.1\r\n" + host + b"\r\n")

        def work(rounds):
            for _ in range(rounds):
                with server.connect() as sock:
                    for _ in range(10):
                        sock.sendall(batch)
                        read_answers(sock, 5)

        # What grows for ever grows in every window; allocators come to rest.
        grown = []
        for _ in range(5):
            before = resident(server)
            work(60)
            grown.append(resident(server) - before)
        check(min(grown) < 20, "%s KiB more after 3,000 requests each", grown)


# ---- The end ------------------------------------------------------------------------------------


def test_stop():
    """Closing: what is under way is answered, streams end, idle connections and refusers are dropped."""
    soon_enough(stops)


def stops():
    """Whether the answer that is put off was under way still."""
    with serve() as server:
        host = b"Host: 127.0.0.1:%d\r\n\r\n" % server.port
        idle, late, never, events = [server.connect() for _ in range(4)]
        due = time.monotonic() + 0.6
        late.sendall(b"GET /later?ms=600 HTTP/1.1\r\n" + host)
        never.sendall(b"GET /never HTTP/1.1\r\n" + host)
        events.sendall(b"GET /events?ms=100000 HTTP/1.1\r\n" + host)
        idle.sendall(b"GET /hello HTTP/1.1\r\n" + host)
        read_answers(idle)
        if server.until("under way", lambda s: s["deferred"] == 2 and s["streams"] == 1 or
                        time.monotonic() > due)["deferred"] != 2:
            return False
        answer = server.get("/stop", method="POST", body=b"")
        check(answer.status == 200, "the request that stops it is answered")
        check(is_closed(idle), "idle connections are dropped")
        check(read_answers(events)[0].body == b"retry: 250\n\n", "streams end well")
        check(read_answers(late)[0].body == b"later\n", "what is under way is answered")
        check(is_closed(never), "what is never answered is dropped in the end")
        for sock in (idle, late, never, events):
            sock.close()
        check(server.process.wait(60) == 0, "it ends")
        return True


def test_listeners():
    """Several addresses at once, also of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as reason:
        raise Skip("there is no IPv6 loopback: %s" % reason) from reason
    words = subprocess.Popen(TOOL + ["127.0.0.1:0", "[::1]:0", "[::]:0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        ports = [int(word) for word in words.stdout.readline().split()[1:4]]
        for host, port, peer in (("127.0.0.1", ports[0], "127.0.0.1"), ("[::1]", ports[1], "::1"),
                                 ("127.0.0.1", ports[2], "127.0.0.1"), ("[::1]", ports[2], "::1")):
            seen = json.loads(curl("http://%s:%d/describe" % (host, port)))
            check(seen["peer"] == peer, "%s at %s", seen, host)
    finally:
        words.communicate(timeout=60)
    check(words.returncode == 0, "it ended with %d", words.returncode)


def test_start():
    """What cannot be listened on is said."""
    with serve() as server:
        for address in ("127.0.0.1:%d" % server.port, "nonsense", "127.0.0.1", "192.0.2.1:0"):
            result = subprocess.run(TOOL + [address], stdin=subprocess.DEVNULL, capture_output=True, check=False)
            check(result.returncode == 3 and address in result.stderr.decode(), "%s: %s", address, result.stderr)


# ---- Attacks ------------------------------------------------------------------------------------


def visit(server, seconds, times):
    """A second client, from another address, on a new connection each time."""
    request = b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % server.port
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            with server.connect(source="127.0.0.2") as sock:
                sock.sendall(request)
                answer = Reader(sock).answer()
            times.append(time.monotonic() - began if answer and answer.status == 200 else None)
        except (OSError, Failure):
            times.append(None)
        time.sleep(0.02)


def attack(*words):
    """The second client is served as if nothing were: not each time when the processors are busy with other things."""
    for last in (False, False, True):
        try:
            return attack_once(*words)
        except Failure:
            if last:
                raise
    return None


def attack_once(name, path, *words):
    """slowhttptest for ten seconds while a second client is served."""
    need("slowhttptest")
    with serve("--limit", "connections_per_address=100", "--limit", "header_ms=3000", "--limit",
               "stall_ms=3000") as server:
        times = []
        attacker = subprocess.Popen(["slowhttptest", "-c", "300", "-r", "150", "-l", "10", "-p", "3", "-u",
                                     server.url + path, *words],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        visit(server, 10, times)
        attacker.wait(60)
        failed = times.count(None)
        took = sorted(each for each in times if each is not None)
        check(len(times) > 50 and failed == 0, "%s: %d of %d requests failed", name, failed, len(times))
        median, late = took[len(took) // 2], took[len(took) * 99 // 100]
        check(median < 0.25 and late < 2, "%s: median %.3f s, 99 of 100 below %.3f s", name, median, late)
        stats = server.stats()
        check(stats["timed_out"] + stats["refused"] > 50, "%s: the attack was not noticed: %s", name, stats)
        print("      %s: second client %d requests, median %.1f ms, 99 of 100 below %.1f ms; %d dropped, %d refused" %
              (name, len(took), median * 1000, late * 1000, stats["timed_out"], stats["refused"]))


def test_slow_headers():
    """slowhttptest -H"""
    attack("slow headers", "/hello", "-H", "-i", "1")


def test_slow_bodies():
    """slowhttptest -B"""
    attack("slow bodies", "/echo", "-B", "-i", "1", "-s", "8192", "-t", "POST")


def test_slow_readers():
    """slowhttptest -X"""
    attack("slow readers", "/big", "-X", "-w", "10", "-y", "20", "-n", "5", "-z", "10", "-k", "3")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--only", action="append", default=[])
    arguments = parser.parse_args()
    TOOL.extend(shlex.split(arguments.tool))
    tally = Tally()
    for name, function in tests_of(globals(), arguments.only):
        tally.run(name[5:], function)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
