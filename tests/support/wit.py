"""WIT texts with the packages of ours in them that they import from (as modules/build.sh does it for the examples)."""

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


def with_packages(text):
    """The text, and behind it isomer:device and packages of modules/ where it imports from them."""
    names = sorted(name for name in set(re.findall(r"isomer:([a-z-]+)/", text)) if "package isomer:" + name not in text)
    paths = [DEVICE if name == "device" else os.path.join(ROOT, "modules", name, name + ".wit") for name in names]
    return "\n".join([text] + [nested(read(path)) for path in paths])
