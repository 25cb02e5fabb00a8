"""Devices in network namespaces on a bridge of their own, made for one test and removed after it."""

import contextlib
import ctypes
import os
import shutil
import subprocess

from device import Device, Failure, Skip

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def run(*words):
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure("%s: %s" % (" ".join(words), result.stderr))


@contextlib.contextmanager
def inside(namespace):
    """This thread is in the namespace meanwhile."""
    with open("/proc/thread-self/ns/net", encoding="ascii") as here, \
            open("/run/netns/" + namespace, encoding="ascii") as there:
        if LIBC.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise Failure("setns: %s" % os.strerror(ctypes.get_errno()))
        try:
            yield
        finally:
            LIBC.setns(here.fileno(), CLONE_NEWNET)


class Lan:
    """A bridge in a namespace, and a namespace for each host: 10.77.0.1, .2, ... and fd77::1, ..."""

    def __init__(self, *hosts):
        self.prefix = "iso%d" % os.getpid()
        self.hosts = {name: index + 1 for index, name in enumerate(hosts)}
        self.bridge = self.prefix + "-lan"
        self.made = []

    def name(self, host):
        return "%s-%s" % (self.prefix, host)

    def address(self, host):
        return "10.77.0.%d" % self.hosts[host]

    def add(self, namespace):
        self.made.append(namespace)  # also when a signal ends this in the midst of it
        result = subprocess.run(["ip", "netns", "add", namespace], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Skip("network namespaces are not allowed here: " + result.stderr.strip())
        run("ip", "-n", namespace, "link", "set", "lo", "up")

    def __enter__(self):
        if shutil.which("ip") is None:
            raise Skip("ip (package iproute2) is not installed")
        try:
            self.add(self.bridge)
            run("ip", "-n", self.bridge, "link", "add", "br0", "type", "bridge")
            run("ip", "-n", self.bridge, "link", "set", "br0", "up")
            for host, number in self.hosts.items():
                self.plug(host, number)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def plug(self, host, number):
        namespace = self.name(host)
        self.add(namespace)
        run("ip", "-n", self.bridge, "link", "add", "port%d" % number, "type", "veth", "peer", "name", "eth0",
            "netns", namespace)
        run("ip", "-n", self.bridge, "link", "set", "port%d" % number, "master", "br0", "up")
        run("ip", "-n", namespace, "addr", "add", "10.77.0.%d/24" % number, "dev", "eth0")
        run("ip", "-n", namespace, "addr", "add", "fd77::%d/64" % number, "dev", "eth0", "nodad")
        run("ip", "-n", namespace, "link", "set", "eth0", "up")
        run("ip", "-n", namespace, "route", "add", "default", "dev", "eth0")

    def switch(self, up):
        """The whole bridge goes down, or comes up."""
        run("ip", "-n", self.bridge, "link", "set", "br0", "up" if up else "down")

    def __exit__(self, *exception):
        for namespace in reversed(self.made):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
        self.made = []


class OnLan:
    """A daemon in a host's namespace; requests go to its plain HTTP, from inside. First among the bases."""

    def __init__(self, programs, lan, host, options=(), **others):
        super().__init__(programs, name=host, wrap=["ip", "netns", "exec", lan.name(host)], options=options, **others)
        self.lan, self.host = lan, host

    def request(self, *words, **options):
        with inside(self.lan.name(self.host)):
            return super().request(*words, **options)


class LanDevice(OnLan, Device):
    """A supervisor in a host's namespace."""

    def __init__(self, programs, lan, host, options=(), **others):
        super().__init__(programs, lan, host,
                         ["--mdns", "--https", "[::]:8443", "--coaps", "[::]:5684", "--coap", "[::]:5683", *options],
                         **others)
