"""The other side for run.py: python3-zeroconf, and a resolver that knows nothing of mDNS.

usage: peer.py browse TYPE
       peer.py announce TYPE INSTANCE PORT ADDRESS [KEY=VALUE...]
       peer.py resolve OWN_ADDRESS NAME

Prints a line of JSON for what happens; ends at SIGTERM, with goodbyes."""
import json
import signal
import socket
import struct
import sys


def say(event, **members):
    print(json.dumps(dict(members, event=event)), flush=True)


def until_terminated():
    signal.sigwait([signal.SIGTERM, signal.SIGINT])


def browse(kind):
    import zeroconf

    class Listener(zeroconf.ServiceListener):
        def add_service(self, zc, kind, name):
            info = zc.get_service_info(kind, name, 60000)
            if info is not None:
                say("found", instance=name[:-len(kind) - 1], host=info.server, port=info.port,
                    addresses=info.parsed_addresses(),
                    txt={k.decode(): v.decode() for k, v in info.properties.items()})

        def update_service(self, zc, kind, name):
            self.add_service(zc, kind, name)

        def remove_service(self, zc, kind, name):
            say("lost", instance=name[:-len(kind) - 1])

    zc = zeroconf.Zeroconf()
    zeroconf.ServiceBrowser(zc, kind, Listener())
    until_terminated()
    zc.close()


def announce(kind, instance, port, address, *txt):
    import zeroconf

    zc = zeroconf.Zeroconf()
    zc.register_service(zeroconf.ServiceInfo(
        kind, "%s.%s" % (instance, kind), addresses=[socket.inet_aton(address)], port=int(port),
        properties=dict(entry.split("=", 1) for entry in txt), server="snake.local."))
    until_terminated()
    zc.unregister_all_services()
    zc.close()


def resolve(own_address, name):
    """RFC 6762, section 6.7: a question from a port of its own; the answer comes to it."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    packet = struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + question + b"\0\0\1\0\1"
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own_address))
    sock.settimeout(60)
    sock.sendto(packet, ("224.0.0.251", 5353))
    answer = sock.recv(9000)
    ident, _, questions, _, _, _ = struct.unpack("!6H", answer[:12])
    # The question is repeated as it was; a pointer to its name begins the first answer.
    kind, klass, ttl, size = struct.unpack("!HHIH", answer[len(packet) + 2:len(packet) + 12])
    data = answer[len(packet) + 12:len(packet) + 12 + size]
    say("answer", **{"id": ident, "questions": questions, "class": klass, "ttl": ttl,
                     "address": socket.inet_ntoa(data) if kind == 1 else None})


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
{"browse": browse, "announce": announce, "resolve": resolve}[sys.argv[1]](*sys.argv[2:])
