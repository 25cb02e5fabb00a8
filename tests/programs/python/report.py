"""For CPython as a guest: json, re, hashlib, files in a granted folder. Prints the same everywhere.

usage: report.py FOLDER
"""

import base64
import collections
import csv
import datetime
import decimal
import hashlib
import itertools
import json
import math
import os
import re
import struct
import sys
import zlib


def words(folder):
    counts = collections.Counter()
    for name in sorted(os.listdir(folder)):
        if name.endswith(".txt"):
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                text = stream.read()
            found = re.findall(r"\b[a-z]{3,}\b", text.lower())
            print(name, len(text), len(found), hashlib.sha256(text.encode()).hexdigest())
            counts.update(found)
    return counts


def items(folder):
    pattern = re.compile(r"^\s*(?P<name>[\w ]+?)\s*,\s*(?P<count>\d+)\s*,\s*(?P<price>\d+\.\d+)\s*$")
    rows = []
    with open(os.path.join(folder, "items.csv"), encoding="utf-8") as stream:
        for line in stream:
            match = pattern.match(line)
            if match:
                rows.append({"name": match["name"], "count": int(match["count"]),
                             "price": decimal.Decimal(match["price"])})
            else:
                print("skipped:", line.strip())
    return rows


def write_and_read(folder, report):
    path = os.path.join(folder, "report.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(report, stream, indent=2, sort_keys=True, default=str)
    with open(path, encoding="utf-8") as stream:
        again = json.load(stream)
    print(json.dumps(again, sort_keys=True))
    with open(os.path.join(folder, "report.csv"), "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(sorted(report["words"].items()))
    packed = zlib.compress(json.dumps(report, default=str, sort_keys=True).encode())
    with open(os.path.join(folder, "report.bin"), "wb") as stream:
        stream.write(struct.pack(">I", len(packed)) + packed)
    with open(os.path.join(folder, "report.bin"), "rb") as stream:
        stream.seek(4)
        print(len(zlib.decompress(stream.read())))
    os.rename(os.path.join(folder, "report.bin"), os.path.join(folder, "report.z"))
    print(sorted(os.listdir(folder)))


def algorithms():
    sieve = bytearray([1]) * 20000
    for n in range(2, 142):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, 20000, n)))
    print(sum(sieve) - 2)
    for name in ("md5", "sha1", "sha512", "blake2b"):
        print(name, hashlib.new(name, b"isomer" * 1000).hexdigest()[:32])
    print(base64.b85encode(bytes(range(32))).decode(), zlib.crc32(b"123456789"))
    print(math.factorial(60), 3**200 % 10**9, divmod(-7, 3), round(2.675, 2), 0.1 + 0.2)
    print(math.fsum([0.1] * 10), math.comb(40, 20), math.isqrt(10**30))
    print(["".join(p) for p in itertools.permutations("abc")])
    print(datetime.date(2024, 2, 29) + datetime.timedelta(days=366))
    print(json.dumps({"text": "ß→🦀", "list": [1.5, None, True, {"deep": []}]}))
    decimal.getcontext().prec = 40
    print(decimal.Decimal(2).sqrt())


def slow():
    """Some seconds of pure Python, so that there is a middle to stop in."""
    state = 1
    best = {}
    for n in range(1, 6000):
        steps = 0
        x = n
        while x != 1:
            x = x // 2 if x % 2 == 0 else 3 * x + 1
            steps += 1
            state = (state * 1103515245 + steps) % 2**31
        best.setdefault(steps, n)
    print(state, max(best), best[max(best)])


def main():
    folder = sys.argv[1]
    print("start", flush=True)
    counts = words(folder)
    rows = items(folder)
    total = sum(row["count"] * row["price"] for row in rows)
    write_and_read(folder, {"words": dict(counts.most_common(8)), "items": rows, "total": total})
    algorithms()
    slow()
    try:
        open(os.path.join(folder, "missing"), encoding="utf-8")
    except FileNotFoundError as error:
        print(type(error).__name__, error.errno == 2 or error.errno == 44)
    print("end")


if __name__ == "__main__":
    main()
