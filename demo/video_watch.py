"""What a display shows, as a browser would see it, and whether it is right."""

import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import clip

sys.path.insert(0, os.path.join(clip.ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position

SAMPLES = 16
COMMENT = re.compile(rb"frame=(\d+) time=(\d+)")


class Watcher(threading.Thread):
    """Follows the pictures of a display until it is stopped: (seen at, number, taken at, JPEG), times in s."""

    def __init__(self, site, path):
        super().__init__(daemon=True)
        self.shown, self.ended = [], False
        self.connection = http.client.HTTPConnection("127.0.0.1", site.ports["http"], timeout=60)
        self.connection.request("GET", path, headers={"Authorization": "Bearer " + site.token})
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            sys.exit("demo: %s: %d %s" % (path, self.answer.status, self.answer.read(500)))

    def run(self):
        try:
            while not self.ended and self.part():
                pass
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            if not self.ended:
                raise

    def part(self):
        """One picture with its head, whose Content-Length says where it ends."""
        length, line = 0, self.answer.readline()
        while line and (line.strip() or not length):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            line = self.answer.readline()
        if not line:
            return False
        data = self.answer.read(length)
        said = COMMENT.search(data, 0, 200)
        if said:
            self.shown.append((time.time(), int(said[1]), int(said[2]) / 1e9, data))
        return True

    def stop(self):
        self.ended = True
        self.connection.close()

    def since(self, start):
        return [item for item in self.shown if item[0] >= start]


def figures(shown, seconds):
    """Frames a second, median and 95 % of the latency in ms, and the breaches of the order."""
    latencies = sorted((seen - taken) * 1000 for seen, _, taken, _ in shown)
    numbers = [number for _, number, _, _ in shown]
    wrong = [pair for pair in zip(numbers, numbers[1:]) if pair[0] >= pair[1]]
    return (len(shown) / seconds, statistics.median(latencies) if shown else 0,
            latencies[len(latencies) * 95 // 100] if shown else 0, wrong)


def compare(shown, film):
    """The PSNR of samples of what was shown: [(number, dB)]."""
    package = os.path.join(npm.fetch(os.path.join(clip.ROOT, "tests", "foreign"), "foreign"), "@jsquash", "resize",
                           "lib", "resize", "pkg")
    frames = clip.pixels("-i", film)
    count = len(frames) // (clip.WIDTH * clip.HEIGHT * 4)
    samples = shown[::max(1, len(shown) // SAMPLES)]
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("clip", "shown")]
        pictures = clip.pixels("-f", "image2pipe", "-c:v", "mjpeg", "-i", "-",
                               data=b"".join(data for _, _, _, data in samples))
        for path, data in zip(paths, (frames, pictures)):
            with open(path, "wb") as stream:
                stream.write(data)
        result = subprocess.run(
            ["node", os.path.join(clip.ROOT, "demo", "reference.mjs"), os.path.join(package, "squoosh_resize.js"),
             os.path.join(package, "squoosh_resize_bg.wasm"), *paths,
             ",".join(str(number % count) for _, number, _, _ in samples)],
            capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit("demo: reference.mjs: " + result.stderr)
    return [(int(number), float(value)) for number, value in map(str.split, result.stdout.splitlines())]
