#!/usr/bin/env python3
"""Our CoAP server and client (coap_tool) with libcoap's programs and with node-coap.

usage: run.py --tool COAP_TOOL --build FOLDER [--only TEXT]...

What a test lacks makes it skipped by name. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import hostile as nonsense  # noqa: E402  pylint: disable=wrong-import-position
import npm  # noqa: E402  pylint: disable=wrong-import-position
from suite import Failure, Tally, check, execute, free_port, need, until  # noqa: E402  pylint: disable=wrong-import-position

IDENTITY = "sensor-7"
KEY = "a key of the tests"
SCHEMES = ("coap", "coap+tcp", "coaps", "coaps+tcp")
CREDENTIALS = ["--identity", IDENTITY, "--key", KEY]


def start_server(words, port):
    """A server that listens for TCP too; it is there when a connection is taken."""
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def takes_connections():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    try:
        until("%s has come up" % words[0], takes_connections)
    except Failure:
        process.terminate()
        process.wait()
        raise
    return process


class Ours:
    """Our server, for the length of a with statement; .port by scheme."""

    def __init__(self, tool):
        self.words = [tool, "serve"] + CREDENTIALS
        self.port = {}

    def __enter__(self):
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        for _ in SCHEMES:
            scheme, port = self.process.stdout.readline().split()
            self.port[scheme] = port
        return self

    def __exit__(self, kind, value, trace):
        self.rest, _ = self.process.communicate()
        if kind is None:
            check(self.process.returncode == 0, "our server ended with %d" % self.process.returncode)


class Tests:
    def __init__(self, tool, build):
        self.tool = tool
        self.build = build

    def path(self, name):
        return os.path.join(self.build, name)

    def file(self, name, size):
        data = hashlib.shake_128(name.encode()).digest(size)
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name), hashlib.sha256(data).hexdigest()

    def client(self, port, scheme, path, *options, key=KEY, identity=IDENTITY, timeout=180):
        """libcoap's client against a port; what it wrote."""
        words = [need("coap-client-gnutls"), "-v", "3", "-B", "60"]
        if scheme.startswith("coaps"):
            words += ["-u", identity, "-k", key]
        result = execute(words + list(options) + ["%s://127.0.0.1:%s/%s" % (scheme, port, path)],
                         timeout)
        return result.stdout, (result.stdout + result.stderr).decode(errors="replace")

    # -- libcoap's client, our server --

    def client_get(self, scheme):
        with Ours(self.tool) as ours:
            out, text = self.client(ours.port[scheme], scheme, "hello")
            check(out.strip() == b"hello from isomer", text)
            out, text = self.client(ours.port[scheme], scheme, "security")
            secure = scheme.startswith("coaps")
            check(out.strip().decode() == (IDENTITY if secure else "none"), text)
            out, text = self.client(ours.port[scheme], scheme, "later")
            check(out.strip() == b"it is later", text)
            out, text = self.client(ours.port[scheme], scheme, "nothing")
            check("4.04" in text and "there is no /nothing" in text, text)
            out, text = self.client(ours.port[scheme], scheme, "value", "-A", "50")
            check(re.fullmatch(rb'\{"value":\d+\}\n?', out) is not None, text)

    def client_post(self, scheme):
        name, digest = self.file("small", 700)
        with Ours(self.tool) as ours:
            out, text = self.client(ours.port[scheme], scheme, "sum", "-m", "post", "-f", name)
            check(out.decode().strip() == "700 " + digest, text)
            out, text = self.client(ours.port[scheme], scheme, "echo", "-m", "put", "-t", "50",
                                    "-e", "hello")
            check(out.strip() == b"hello", text)

    def client_large(self, scheme):
        name, digest = self.file("large", 900000)
        with Ours(self.tool) as ours:
            out, text = self.client(ours.port[scheme], scheme, "sum", "-m", "post", "-f", name)
            check(out.decode().strip() == "900000 " + digest, text)
            result = self.path("large-%s" % scheme)
            _, text = self.client(ours.port[scheme], scheme, "large", "-o", result)
            with open(result, "rb") as file:
                data = file.read()
            right = bytes((i * 2654435761 % 2**32) >> 24 & 255 for i in range(900000))
            check(data == right, "%d bytes, which are not right; %s" % (len(data), text))
            # Blocks of another size, and a payload that is more than may be.
            out, text = self.client(ours.port[scheme], scheme, "sum", "-m", "post", "-b", "256",
                                    "-f", self.file("medium", 40000)[0])
            check(out.startswith(b"40000 "), text)

    def client_observe(self, scheme):
        with Ours(self.tool) as ours:
            words = [need("coap-client-gnutls"), "-v", "3", "-B", "60", "-s", "60", "-w"]
            if scheme.startswith("coaps"):
                words += ["-u", IDENTITY, "-k", KEY]
            with subprocess.Popen(words + ["%s://127.0.0.1:%s/value" % (scheme, ours.port[scheme])],
                                  stdout=subprocess.PIPE) as client:
                values = [int(found.group(1)) for _ in range(10)
                          if (found := re.match(rb"value (\d+)\n", client.stdout.readline()))]
                client.terminate()
            check(len(values) == 10, "only %d notifications" % len(values))
            check(values == sorted(set(values)), "not in order: %s" % values)

    def client_links(self, scheme):
        with Ours(self.tool) as ours:
            out, text = self.client(ours.port[scheme], scheme, ".well-known/core")
            check(out.startswith(b'</hello>;rt="greeting";ct=0,') and b";obs" in out, text)
            out, text = self.client(ours.port[scheme], scheme, ".well-known/core?rt=echo")
            check(out.strip() == b'</echo>;rt="echo"', text)

    def client_wrong_key(self, scheme):
        with Ours(self.tool) as ours:
            for key, identity in (("another", IDENTITY), (KEY, "nobody")):
                out, text = self.client(ours.port[scheme], scheme, "hello", "-B", "3", key=key,
                                        identity=identity)
                check(b"hello" not in out, text)
            out, text = self.client(ours.port[scheme], scheme, "hello")
            check(out.strip() == b"hello from isomer", text)
        check("requests 1 " in ours.rest, ours.rest)

    def client_lossy(self):
        """A fifth of the client's datagrams is lost: requests are repeated, and executed once."""
        name, digest = self.file("lossy", 8000)
        with Ours(self.tool) as ours:
            out, text = self.client(ours.port["coap"], "coap", "sum", "-m", "post", "-l", "10%",
                                    "-B", "50", "-f", name)
            check(out.decode().strip() == "8000 " + digest, text)
        check("requests 1 " in ours.rest, ours.rest)

    def client_together(self):
        """Twenty clients at once, over all transports."""
        failures = []

        def one(port, scheme):
            try:
                out, text = self.client(port, scheme, "hello")
                check(out.strip() == b"hello from isomer", text)
            except Failure as failure:
                failures.append(str(failure))

        with Ours(self.tool) as ours:
            threads = [threading.Thread(target=one, args=(ours.port[s], s)) for s in SCHEMES * 5]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        check(not failures, "; ".join(failures))

    def hostile(self):
        """Nonsense to all four ports: whoever comes after it is served."""
        with Ours(self.tool) as ours:
            for seed in range(4):
                sent = nonsense.send(ours.port, 1500, seed)
                check(sent > 500, "only %d messages could be sent" % sent)
                for scheme in SCHEMES:
                    out, text = self.client(ours.port[scheme], scheme, "hello")
                    check(out.strip() == b"hello from isomer", text)
        requests = int(ours.rest.split()[1])
        check(requests > 500, ours.rest)

    # -- Our client, libcoap's server --

    def ours(self, port, scheme, method, path, *options):
        words = [self.tool, method, scheme, "127.0.0.1", str(port), path] + list(options)
        if scheme.startswith("coaps"):
            words += CREDENTIALS
        result = execute(words)
        return result.stdout, result.stdout.decode(errors="replace") + result.stderr.decode()

    def server(self, scheme):
        port = free_port(2)
        words = [need("coap-server-gnutls"), "-A", "127.0.0.1", "-p", str(port), "-d", "10", "-v",
                 "3", "-k", KEY, "-u", IDENTITY, "-h", ""]
        process = start_server(words, port)
        try:
            at = port + 1 if scheme.startswith("coaps") else port
            out, text = self.ours(at, scheme, "get", "/")
            check(b"libcoap" in out, text)
            out, text = self.ours(at, scheme, "get", "/time")
            check(b":" in out, text)
            out, text = self.ours(at, scheme, "get", "/nothing")
            check("4.04" in text, text)
            out, text = self.ours(at, scheme, "get", "/.well-known/core")
            check(b"</time>" in out and "format 40" in text, text)
            name, _ = self.file("thing", 900)
            out, text = self.ours(at, scheme, "put", "/thing", "--payload", name)
            check("2.01" in text or "2.04" in text, text)
            out, text = self.ours(at, scheme, "get", "/thing")
            with open(name, "rb") as file:
                check(out == file.read(), text)
            # An answer in blocks.
            out, text = self.ours(at, scheme, "get", "/example_data")
            check("2.05" in text and len(out) > 0, text)
        finally:
            process.terminate()
            process.wait()

    def server_wrong_key(self, scheme):
        port = free_port(2)
        words = [need("coap-server-gnutls"), "-A", "127.0.0.1", "-p", str(port), "-v", "3", "-k",
                 "another key", "-h", ""]
        process = start_server(words, port)
        try:
            out, text = self.ours(port, "coap", "get", "/")
            check(b"libcoap" in out, text)
            out, text = self.ours(port + 1, scheme, "get", "/", "--timeout", "2000")
            check(b"libcoap" not in out and "not executed" in text, text)
        finally:
            process.terminate()
            process.wait()

    # -- node-coap --

    def node(self):
        need("node")
        modules = npm.fetch(HERE, "coap")
        with Ours(self.tool) as ours:
            result = execute(["node", os.path.join(HERE, "node_client.cjs"), modules,
                              ours.port["coap"]])
        text = result.stdout.decode() + result.stderr.decode()
        right = bytes((i * 2654435761 % 2**32) >> 24 & 255 for i in range(900000))
        for line in ("get 2.05 hello from isomer",
                     'post 2.05 {"a":1} application/json',
                     "later 2.05 it is later",
                     "large 2.05 900000 " + hashlib.sha256(right).hexdigest(),
                     "sum 2.04 1000 " + hashlib.sha256(b"\7" * 1000).hexdigest(),
                     "nothing 4.04 there is no /nothing",
                     "observe true 5"):
            check(line in text.split("\n"), "not '%s' in:\n%s" % (line, text))

    def all(self):
        for scheme in SCHEMES:
            for name in ("get", "post", "large", "observe", "links"):
                yield "client-%s-%s" % (name, scheme), getattr(self, "client_" + name), (scheme,)
        for scheme in SCHEMES[2:]:
            yield "client-wrong-key-%s" % scheme, self.client_wrong_key, (scheme,)
        yield "client-lossy", self.client_lossy, ()
        yield "client-together", self.client_together, ()
        yield "hostile", self.hostile, ()
        for scheme in SCHEMES:
            yield "server-%s" % scheme, self.server, (scheme,)
        for scheme in SCHEMES[2:]:
            yield "server-wrong-key-%s" % scheme, self.server_wrong_key, (scheme,)
        yield "node-coap", self.node, ()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    os.makedirs(options.build, exist_ok=True)
    tally = Tally()
    for name, test, arguments in Tests(os.path.abspath(options.tool), options.build).all():
        if not options.only or any(text in name for text in options.only):
            tally.run(name, test, *arguments)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
