"""Sends nonsense to a CoAP server: requests of random options and payloads over UDP and TCP, a part of
them damaged, and bytes that are no handshake to the ports of DTLS and TLS. The same seed sends the same.
"""

import random
import socket
import time

PATHS = [b"hello", b"echo", b"value", b"sum", b".well-known", b"core", b"later", b"take", b"large"]
# Numbers of options: those that requests have, and any.
COMMON = [11, 11, 11, 12, 15, 17, 6, 23, 27, 60, 65002, 65003, 65007, 16, 16, 4, 14]
ANY = [1, 2, 3, 5, 7, 8, 9, 13, 20, 28, 35, 39, 252, 258, 292, 65000, 65535] + COMMON
CODES = [0, 1, 1, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8, 31, 0x45, 0x44, 0x5f, 0x84, 0xa0,
         0xe1, 0xe2, 0xe3, 0xe4, 0xe5]
CSM_OPTIONS = [b"", b"\x22\x3e\x80", b"\x24\xff\xff\xff\xff", b"\x20", b"\x40", b"\x21\x00"]


def extended(value):
    if value < 13:
        return value, b""
    if value < 269:
        return 13, bytes([value - 13])
    return 14, (value - 269).to_bytes(2, "big")


class Nonsense:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, choices):
        return self.random.choice(choices)

    def bytes(self, sizes):
        return self.random.randbytes(self.pick(sizes))

    def value(self, number, common):
        if number == 11:
            return self.pick(PATHS)
        if number in (23, 27):
            return self.bytes([0, 1, 1, 2, 3, 3, 4])
        if number in (65003, 65007):
            words = (self.pick([1, 2, 3]), self.pick([0, 0, 10, 100, 4000000000]),
                     self.pick([0, 20, 100, 5000, 1 << 20, 4294967295]))
            return b"".join(word.to_bytes(4, "big") for word in words)
        return self.bytes([0, 1, 2] if common else [0, 1, 2, 3, 4, 8, 9, 40, 255, 256, 300])

    def body(self):
        common = self.random.random() < 0.7
        numbers = sorted(self.pick(COMMON if common else ANY)
                         for _ in range(self.pick([0, 1, 2, 3, 5, 12])))
        out, last = b"", 0
        for number in numbers:
            value = self.value(number, common)
            delta, more_delta = extended(number - last)
            size, more_size = extended(len(value))
            out += bytes([delta << 4 | size]) + more_delta + more_size + value
            last = number
        if self.random.random() < 0.5:
            out += b"\xff" + self.bytes([0, 1, 16, 64, 100, 512, 1024])
        return out

    def damage(self, message):
        message = bytearray(message)
        if self.random.random() < 0.25:
            for _ in range(self.pick([1, 1, 2, 5])):
                at = self.random.randrange(len(message)) if message else 0
                kind = self.random.randrange(3)
                if kind == 0:
                    message[at:at + 1] = self.random.randbytes(1)
                elif kind == 1:
                    del message[at:at + self.pick([1, 2, 8])]
                else:
                    message[at:at] = bytes([self.pick([0, 255, 0xd0, 0xe0, 0xf0])])
        return bytes(message)

    def datagram(self):
        token = self.bytes([0, 1, 4, 8])
        head = bytes([0x40 | self.random.randrange(4) << 4 | len(token), self.pick(CODES)])
        return self.damage(head + self.random.randbytes(2) + token + self.body())

    def stream(self):
        token = self.bytes([0, 1, 4, 8])
        code = self.pick(CODES)
        body = self.pick(CSM_OPTIONS) if code >= 0xe0 else self.body()
        size, more = extended(len(body))
        return self.damage(bytes([size << 4 | len(token)]) + more + bytes([code]) + token + body)


def alive(connection):
    """Reads what is there; whether the other side is still there too."""
    try:
        while connection.recv(65536):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def connect(port, kind):
    connection = socket.socket(socket.AF_INET, kind)
    connection.connect(("127.0.0.1", int(port)))
    connection.setblocking(False)
    return connection


def send(ports, count, seed):
    """`ports` by scheme. Returns how many messages went out over TCP."""
    nonsense = Nonsense(seed)
    datagrams = {"coap": nonsense.datagram, "coaps": lambda: nonsense.bytes([1, 13, 60, 200])}
    streams = {"coap+tcp": nonsense.stream, "coaps+tcp": lambda: nonsense.bytes([1, 5, 60, 2000])}
    sockets, sent = {}, 0
    for i in range(count):
        for scheme, make in {**datagrams, **streams}.items():
            kind = socket.SOCK_DGRAM if scheme in datagrams else socket.SOCK_STREAM
            if scheme not in sockets:
                sockets[scheme] = connect(ports[scheme], kind)
                if scheme == "coap+tcp" and nonsense.random.random() < 0.8:
                    sockets[scheme].send(b"\x00\xe1")
            try:
                sockets[scheme].send(make())
                sent += scheme == "coap+tcp"
                gone = not alive(sockets[scheme]) or nonsense.random.random() < 0.02
            except OSError:
                gone = True
            if gone:
                sockets.pop(scheme).close()
        if i % 10 == 0:
            time.sleep(0.005)  # the server's receive buffer is not endless
    for connection in sockets.values():
        connection.close()
    return sent
