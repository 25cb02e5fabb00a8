"""A running http_tool, and plain sockets to it."""

import contextlib
import json
import re
import select
import socket
import subprocess
import time

from suite import Failure, check



class Server:
    """http_tool with the given arguments; use it in a with statement."""

    def __init__(self, tool, *arguments, tls=None):
        words = list(tool) + list(arguments)
        if tls:
            words += ["127.0.0.1:0", "--tls", tls, "127.0.0.1:0"]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        words = self.process.stdout.readline().decode().split()
        check(words[:1] == ["listening"], "the server did not start: %s",
              "" if words else self.process.stderr.read().decode())
        self.port = int(words[1])
        self.tls_port = int(words[2]) if tls else 0
        self.pin = words[-1] if tls else ""
        self.url = "http://127.0.0.1:%d" % self.port

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind is None:
            check(self.process.returncode == 0, "the server ended with %s: %s",
                  self.process.returncode, self.stderr)

    def stop(self):
        """Ends the server by closing its standard input; its status is then in process.returncode."""
        try:
            self.stderr = self.process.communicate(timeout=60)[1].decode()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.stderr = self.process.communicate()[1].decode()

    def connect(self, port=None, source=None):
        return socket.create_connection(("127.0.0.1", port or self.port), timeout=60,
                                        source_address=(source, 0) if source else None)

    def raw(self, request, count=1, head=False):
        """Sends bytes on a new connection and reads `count` answers."""
        with self.connect() as sock:
            sock.sendall(request)
            return read_answers(sock, count, head)

    def get(self, target, *fields, method="GET", body=None):
        """One request, well-formed, on a connection of its own."""
        lines = ["%s %s HTTP/1.1" % (method, target), "Connection: close"]
        if not any(field.lower().startswith("host:") for field in fields):
            lines.append("Host: 127.0.0.1:%d" % self.port)
        lines += fields
        if body is not None:
            lines.append("Content-Length: %d" % len(body))
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")
        return self.raw(data, head=method == "HEAD")[0]

    def stats(self):
        return json.loads(self.get("/stats").body)

    def until(self, what, condition):
        """Waits until the server's counts are as they should be. A server of little patience may drop who asks for them."""
        end = time.monotonic() + 60
        stats = None
        while time.monotonic() < end:
            with contextlib.suppress(Failure, OSError):
                stats = self.stats()
                if condition(stats):
                    return stats
            time.sleep(0.02)
        raise Failure("%s: %s" % (what, stats))


class Answer:
    """Status, fields (names in lower case) and body of an answer."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        match = re.match(r"HTTP/1\.1 (\d\d\d) ", lines[0])
        check(match, "not a status line: %r", lines[0])
        self.status = int(match.group(1))
        self.fields = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            self.fields.setdefault(name.lower(), value.strip())
        self.body = body


class Reader:
    """Answers out of a socket, one after another."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b""

    def more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        self.data += data
        return bool(data)

    def answer(self, head=False):
        """The next answer; None at the end of the connection."""
        while b"\r\n\r\n" not in self.data:
            if not self.more():
                check(not self.data, "an answer was cut: %r", self.data)
                return None
        start, self.data = self.data.split(b"\r\n\r\n", 1)
        answer = Answer(start, b"")
        if head or answer.status in (100, 204, 304):
            return answer
        if answer.fields.get("transfer-encoding") == "chunked":
            answer.body = self.chunks()
        elif "content-length" in answer.fields:
            answer.body = self.take(int(answer.fields["content-length"]))
        else:
            while self.more():
                pass
            answer.body, self.data = self.data, b""
        return answer

    def take(self, size):
        while len(self.data) < size:
            check(self.more(), "a body was cut after %d of %d bytes", len(self.data), size)
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self):
        while b"\r\n" not in self.data:
            check(self.more(), "a chunked body was cut")
        line, self.data = self.data.split(b"\r\n", 1)
        return line

    def chunks(self):
        body = b""
        while True:
            size = int(self.line(), 16)
            if size == 0:
                self.line()
                return body
            body += self.take(size)
            self.line()


def read_answers(sock, count=1, head=False):
    reader = Reader(sock)
    answers = []
    for _ in range(count):
        answer = reader.answer(head)
        check(answer is not None, "the connection was closed after %d of %d answers", len(answers), count)
        answers.append(answer)
    return answers


def is_closed(sock, seconds=60):
    """Whether the other side closes within that time, reading what comes until then."""
    end = time.monotonic() + seconds
    while True:
        ready = select.select([sock], [], [], max(0, end - time.monotonic()))[0]
        if not ready:
            return False
        try:
            if not sock.recv(65536):
                return True
        except ConnectionResetError:
            return True
