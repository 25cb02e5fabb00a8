"""A supervisor of its own for each test, the guests that run on it, and deployment documents."""

import base64
import hashlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import wit  # noqa: E402  pylint: disable=wrong-import-position
from daemon import Answer, Daemon  # noqa: E402,F401  pylint: disable=wrong-import-position
from suite import Failure, Skip, check, need, until  # noqa: E402,F401  pylint: disable=wrong-import-position


class Guests:
    """Builds the guests once: modules with their interfaces inside."""

    def __init__(self, isomer, folder):
        self.isomer, self.folder = isomer, folder
        self.made = {}
        os.makedirs(folder, exist_ok=True)

    def run(self, *command):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        check(result.returncode == 0, "%s: %s", " ".join(command), result.stderr)

    def wit(self, name):
        guests = os.path.join(HERE, "guests")
        text = wit.with_packages(wit.read(os.path.join(guests, name + ".wit")))
        if "import test:probe/" in text: # its interface, without its world
            probe = wit.read(os.path.join(guests, "probe.wit"))
            text += "\n" + wit.nested(probe[:probe.index("world probe")])
        return text

    def build(self, name):
        """Path of the packed module of guests/NAME.c and guests/NAME.wit."""
        if name in self.made:
            return self.made[name]
        need("clang")
        need("wasm-ld")
        out = os.path.join(self.folder, name)
        source = os.path.join(HERE, "guests", name + ".c")
        if os.path.exists(os.path.join(HERE, "guests", name + ".wit")):
            os.makedirs(out, exist_ok=True)
            path = os.path.join(out, name + ".wit")
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(self.wit(name))
            self.run(self.isomer, "bindgen", "c", path, "-o", out)
            self.run(os.path.join(ROOT, "sdk", "c", "isomer-cc"), "-o", out + "-bare.wasm", source,
                     os.path.join(out, name + ".c"), "-I" + out, "-Werror")
            self.run(self.isomer, "pack", out + "-bare.wasm", "--wit", path, "-o", out + ".wasm")
        else:
            self.run("clang", "--target=wasm32-wasi", "-O2", "-o", out + ".wasm", source)
        self.made[name] = out + ".wasm"
        return self.made[name]

    def bytes(self, name):
        with open(self.build(name), "rb") as stream:
            return stream.read()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Device(Daemon):
    """A running supervisor."""

    program = "supervisor"
    serving = r"https=(\d+) http=(\d+) coaps=(\d+) coap=(\d+)"
    port_names = ("https", "http", "coaps", "coap")

    def __init__(self, programs, name="device", **options):
        super().__init__(programs, name, **options)

    def own_options(self):
        given = " ".join(self.options)
        options = []
        for option, address in (("--https", "127.0.0.1:0"), ("--http", "127.0.0.1:0"),
                                ("--coaps", "127.0.0.1:0"), ("--coap", "127.0.0.1:0")):
            if option + " " not in given + " ":
                options += [option, address]
        if "--mdns" in self.options:
            self.options.remove("--mdns")
        elif "--interface" not in given:
            options.append("--no-mdns")
        return options + self.options

    def put_module(self, data):
        name = digest(data)
        self.good("PUT", "/v1/modules/" + name, data, headers={"Content-Type": "application/wasm"})
        return name

    def deploy(self, document):
        return self.good("PUT", "/v1/deployments/" + document["app"], document)


GRANTS = {"devices": {name: True for name in ("log", "events", "clock", "config", "storage")}}


def document(app, components, generation=1, **more):
    """A deployment document; components: name -> (digest, further members)."""
    return {"isomer": 1, "app": app, "generation": generation, **more,
            "components": {name: {"module": module, "mode": "function", "epoch": 1, **members}
                           for name, (module, members) in components.items()}}


def to_base64(data):
    return base64.b64encode(data).decode()
