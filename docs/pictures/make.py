#!/usr/bin/env python3
"""Makes the pictures of README.md anew: the demo with a film of our own (film.py), and its page in Chromium, light and
dark. Run it where nothing else runs; figures and load are in the pictures.

usage: docs/pictures/make.py [--address URL]
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position

COLOURS = 230
SIZE_MAX = 150000


@contextlib.contextmanager
def demo(folder):
    """The address of the page of a demo that runs meanwhile."""
    film = os.path.join(folder, "hills.mp4")
    subprocess.run([sys.executable, os.path.join(HERE, "film.py"), film], check=True)
    with subprocess.Popen([os.path.join(ROOT, "dev"), "demo", "--video", film], stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                found = re.search(r"The page: (\S+)", line)
                if found:
                    break
            else:
                sys.exit("make.py: the demo ended")
            yield found[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()


def reduce(source, target):
    """With fewer colours, which is much smaller."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, "-vf",
                    "split[a][b];[a]palettegen=max_colors=%d:reserve_transparent=0[p];[b][p]paletteuse=dither=none"
                    % COLOURS, "-compression_level", "100", target], check=True)
    if os.path.getsize(target) > SIZE_MAX:
        sys.exit("make.py: %s has %d bytes, more than %d" % (target, os.path.getsize(target), SIZE_MAX))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", help="of a demo that runs already, from isomer login")
    given = parser.parse_args()
    folder = os.path.join(ROOT, "build", "pictures")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    modules = npm.fetch(os.path.join(ROOT, "tests", "ui"), "ui", 250)
    with contextlib.nullcontext(given.address) if given.address else demo(folder) as address:
        subprocess.run(["node", os.path.join(HERE, "take.cjs"), address, folder], check=True,
                       env={**os.environ, "NODE_PATH": modules, "CHROMIUM": shutil.which("chromium") or "chromium"})
    for name in sorted(os.listdir(folder)):
        if name.endswith(".png"):
            reduce(os.path.join(folder, name), os.path.join(HERE, name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
