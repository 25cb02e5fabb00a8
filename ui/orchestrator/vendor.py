#!/usr/bin/env python3
"""What the page uses of others: D3 and Swagger UI, from npm, by the versions and integrity of package-lock.json.

usage: vendor.py FOLDER

Writes the compressed files into FOLDER and prints their paths, one per line; nothing, and why on standard error, when
npm is missing or cannot fetch them: the page is then built without its map and without Swagger UI. Fetched once into
.cache/page.
"""

import gzip
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position
from suite import Failure, Skip  # noqa: E402  pylint: disable=wrong-import-position

LICENCES = ["d3/LICENSE", "swagger-ui-dist/LICENSE", "swagger-ui-dist/NOTICE",
            "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt"]
FILES = {"d3.js": ["d3/dist/d3.min.js"],
         "swagger-ui.js": ["swagger-ui-dist/swagger-ui-bundle.js"],
         "swagger-ui.css": ["swagger-ui-dist/swagger-ui.css"],
         "licences.txt": LICENCES}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def make(modules, sources):
    parts = []
    for source in sources:
        data = read(os.path.join(modules, source))
        # Maps for debuggers are not there to be fetched.
        lines = [line for line in data.split(b"\n") if not line.startswith((b"//# sourceMapping", b"/*# sourceMapping"))]
        heading = b"" if len(sources) == 1 else source.encode() + b"\n\n"
        parts.append(heading + b"\n".join(lines))
    return gzip.compress(b"\n".join(parts), mtime=0)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    os.environ.update(NPM_CONFIG_FETCH_RETRIES="0", NPM_CONFIG_FETCH_TIMEOUT="30000")
    try:
        modules = npm.fetch(HERE, "page", 180)
    except (Skip, Failure) as reason:
        print(f"the page is built without its map and without Swagger UI: {reason}", file=sys.stderr)
        return
    for name, sources in FILES.items():
        path, data = os.path.join(folder, name + ".gz"), make(modules, sources)
        if not os.path.exists(path) or read(path) != data:
            with open(path, "wb") as file:
                file.write(data)
        print(path)


if __name__ == "__main__":
    main(sys.argv[1])
