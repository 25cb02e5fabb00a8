"""WIT texts that use isomer:device, with that package in them (as modules/build.sh does it for the examples)."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEVICE = os.path.join(ROOT, "sdk", "wit", "device.wit")


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def nested(text):
    """A package's text as one that stands in another file: between braces."""
    return re.sub(r"^(package [^;]+);", r"\1 {", text, count=1, flags=re.M) + "}\n"


def with_devices(text):
    """The text, and the package isomer:device where it is used."""
    return text + "\n" + nested(read(DEVICE)) if "isomer:device/" in text else text
