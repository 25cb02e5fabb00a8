"""Work for CPython as a guest, the same for everybody: prints a digest of all that it computed.

usage: work.py json|re|nbody|nothing N
"""

import hashlib
import json
import re
import sys


def work_json(count):
    """Writes and reads a document of records, N times."""
    digest = hashlib.sha256()
    document = [{"id": i, "name": f"sensor {i}", "tags": ["a", "b", str(i % 7)], "on": i % 3 == 0,
                 "value": i * 0.25, "nested": {"low": -i, "high": [i, i + 1]}} for i in range(500)]
    for _ in range(count):
        text = json.dumps(document, sort_keys=True)
        document = json.loads(text)
        document[0]["id"] += 1
        digest.update(text.encode())
    return digest


def work_re(count):
    """Finds, splits and replaces in a text made from a fixed sequence, N times."""
    words, state = [], 12345
    for i in range(4000):
        state = (state * 1103515245 + 12345) % 2**31
        words.append(f"word{state % 97}@host{state % 13}.example" if state % 5 == 0 else
                     f"{state % 1000}.{i % 100}" if state % 5 == 1 else "lorem ipsum"[:state % 11])
    text = " ".join(words)
    patterns = [re.compile(pattern) for pattern in (
        r"[\w.]+@[\w.]+\.example", r"\b\d+\.\d+\b", r"(?:lorem|ipsum)\s", r"(\w+)\d@host(\d+)",
        r"\b(?=\w*o)\w{3,}\b")]
    digest = hashlib.sha256()
    for _ in range(count):
        for pattern in patterns:
            digest.update(repr(pattern.findall(text)).encode())
            digest.update(pattern.sub("<>", text).encode())
            digest.update(str(len(pattern.split(text))).encode())
    return digest


def advance(bodies, step):
    """One step of the planets: pure Python on lists of floats."""
    for i, (p, v, m) in enumerate(bodies):
        for q, w, n in bodies[i + 1:]:
            dx, dy, dz = p[0] - q[0], p[1] - q[1], p[2] - q[2]
            force = step * (dx * dx + dy * dy + dz * dz) ** -1.5
            pull, push = n * force, m * force
            v[0] -= dx * pull
            v[1] -= dy * pull
            v[2] -= dz * pull
            w[0] += dx * push
            w[1] += dy * push
            w[2] += dz * push
    for p, v, _ in bodies:
        p[0] += step * v[0]
        p[1] += step * v[1]
        p[2] += step * v[2]


def work_nbody(count):
    """N steps of five bodies. The digest has six digits: libraries differ in the last ones."""
    bodies = [([float(i * 3), 1.5 * i, 0.25 * i], [0.1 * i, 0.3 - 0.1 * i, 0.01], 40.0 / (1 + i * i))
              for i in range(5)]
    for _ in range(count):
        advance(bodies, 0.001)
    return hashlib.sha256(" ".join(f"{x:.6g}" for p, v, _ in bodies for x in p + v).encode())


def work_nothing(_count):
    """What starting takes."""
    return hashlib.sha256()


def main():
    """See above."""
    works = {"json": work_json, "re": work_re, "nbody": work_nbody, "nothing": work_nothing}
    print(works[sys.argv[1]](int(sys.argv[2])).hexdigest())


main()
