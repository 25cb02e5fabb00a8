#!/usr/bin/env python3
"""Builds the example modules and compares what their functions answer with what is right.

usage: run.py --isomer PROGRAM --build FOLDER [--wrapper COMMAND] [--only NAME]...

PROGRAM has the commands bindgen, pack and call (`isomer`, or module_tool of this folder).
What a module lacks (a compiler, npm) makes it skipped by name. The last line is
`N passed, N failed, N skipped`.
"""

import argparse
import base64
import json
import math
import os
import random
import shlex
import statistics
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Skip(Exception):
    """Something that a module needs is not there."""


class Failure(Exception):
    """The test failed; the text says why."""


def check(what, actual, expected):
    if actual != expected:
        raise Failure("%s is %.500r, expected %.500r" % (what, actual, expected))


def check_close(what, actual, expected, tolerance=1e-9):
    if not math.isclose(actual, expected, rel_tol=tolerance, abs_tol=tolerance):
        raise Failure("%s is %r, expected %r" % (what, actual, expected))


def to_base64(data):
    return base64.b64encode(data).decode()


class Modules:
    """Builds modules and calls their functions."""

    def __init__(self, options):
        self.isomer = shlex.split(options.wrapper) + [options.isomer]
        self.program = os.path.abspath(options.isomer)
        self.build_folder = os.path.abspath(options.build)

    def build(self, name):
        result = subprocess.run([os.path.join(ROOT, "modules", "build.sh"), self.program,
                                 self.build_folder, name], capture_output=True, text=True,
                                timeout=300, check=False)
        if result.returncode == 77:
            raise Skip(result.stderr.strip().split("\n")[-1])
        if result.returncode != 0:
            raise Failure("does not build: " + (result.stderr + result.stdout)[-2000:])

    def call(self, name, function, **arguments):
        """A function's result as Python has JSON."""
        arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
        words = self.isomer + ["call", os.path.join(self.build_folder, name + ".wasm"), function,
                               json.dumps(arguments)]
        result = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        if result.returncode != 0:
            raise Failure("%s: status %d: %s" % (function, result.returncode, result.stderr[:1000]))
        return json.loads(result.stdout)


# ---- statistics -------------------------------------------------------------------------------

def csv_of(rows):
    def field(text):
        quoted = any(c in text for c in '",\n\r')
        return '"' + text.replace('"', '""') + '"' if quoted else text
    return "".join(",".join(field(text) for text in row) + "\r\n" for row in rows)


def check_column(column, name, numbers, texts):
    check("name", column["name"], name)
    check("numbers of " + name, column["numbers"], len(numbers))
    check("texts of " + name, column["texts"], texts)
    summary = column["summary"]
    if not numbers:
        check("summary of " + name, summary, None)
        return
    check("minimum", summary["minimum"], min(numbers))
    check("maximum", summary["maximum"], max(numbers))
    check_close("mean", summary["mean"], statistics.fmean(numbers))
    check_close("median", summary["median"], statistics.median(numbers))
    check_close("deviation", summary["deviation"],
                statistics.stdev(numbers) if len(numbers) > 1 else 0)


def test_statistics(modules):
    source = random.Random(1)
    for count in (1, 2, 3, 100, 1001):
        numbers = [round(source.uniform(-1000, 1000), 3) for _ in range(count)]
        large = [1e9 + round(source.random(), 6) for _ in range(count)]
        words = [source.choice(['plain', 'a "quote"', 'two\nlines', 'a, b', 'ünïcode', '1.2.3'])
                 for _ in range(count)]
        table = [["value", "large", 'the "words"']]
        table += [[str(x), repr(y), z] for x, y, z in zip(numbers, large, words)]
        columns = modules.call("statistics", "describe", csv=csv_of(table))["ok"]
        check("columns", len(columns), 3)
        check_column(columns[0], "value", numbers, 0)
        check_column(columns[1], "large", large, 0)
        check_column(columns[2], 'the "words"', [], count)
    texts = ["1e3", "-2.5E-3", "+7", ".5", "5.", " 12 ", "1e22", "1e-20", "0.1", "123456789012345"]
    columns = modules.call("statistics", "describe", csv="n\n" + "\n".join(texts))["ok"]
    check_column(columns[0], "n", [float(text) for text in texts], 0)
    for text in ("1.7e308", "1e-300", "123456789012345678901234567890"):
        column = modules.call("statistics", "describe", csv="n\n" + text)["ok"][0]
        check_close(text, column["summary"]["mean"] / float(text), 1, 1e-14)
    odd = ["e5", "1e", "-", ".", "0x10", "1 2", "nan", "inf"]
    columns = modules.call("statistics", "describe", csv="n;m\n" + ";\n".join(odd) + ";",
                           separator=";")["ok"]
    check_column(columns[0], "n", [], len(odd))
    check_column(columns[1], "m", [], 0)
    columns = modules.call("statistics", "describe", csv="a→b\n1→2\n\n3→4\n", separator="→")["ok"]
    check_column(columns[1], "b", [2, 4], 0)
    for text, separator, line, word in (
            ("", None, 1, "no line"), ("a,b\n1,2\n3\n", None, 3, "fewer"),
            ("a\n1,2\n", None, 2, "more"), ('a\n"1\n2', None, 3, "never closed"),
            ('a\n"1"2\n', None, 2, "follows"), ("a\n1\n", '"', 1, "separator")):
        mistake = modules.call("statistics", "describe", csv=text, separator=separator)["error"]
        check("line of the mistake in %r" % text, mistake["line"], line)
        if word not in mistake["message"]:
            raise Failure("%r has %r in its message" % (text, mistake["message"]))


# ---- seal -------------------------------------------------------------------------------------

def rotate(word, bits):
    return (word << bits | word >> (32 - bits)) & 0xffffffff


def chacha20_block(key, counter, nonce):
    """RFC 8439, section 2.3."""
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    state = start[:]
    for number in range(80):
        column, diagonal = number % 4, number // 4 % 2
        a, b, c, d = (row * 4 + (column + row * diagonal) % 4 for row in range(4))
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xffffffff
            state[z] = rotate(state[z] ^ state[x], bits)
    return struct.pack("<16I", *((x + y) & 0xffffffff for x, y in zip(state, start)))


def reference_seal(key, nonce, context, message):
    """RFC 8439, section 2.8, with Python's large numbers."""
    blocks = range(1, len(message) // 64 + 2)
    stream = b"".join(chacha20_block(key, number, nonce) for number in blocks)
    text = bytes(x ^ y for x, y in zip(message, stream))
    one_time = chacha20_block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    data = b"".join(part + bytes(-len(part) % 16) for part in (context, text))
    data += struct.pack("<QQ", len(context), len(text))
    total = 0
    for at in range(0, len(data), 16):
        block = int.from_bytes(data[at:at + 16], "little") + (1 << 128)
        total = (total + block) * r % ((1 << 130) - 5)
    tag = (total + int.from_bytes(one_time[16:32], "little")) % (1 << 128)
    return text + tag.to_bytes(16, "little")


# RFC 8439, section 2.8.2: key, nonce, context, message, sealed.
RFC_SEAL = (
    bytes(range(0x80, 0xa0)), bytes.fromhex("070000004041424344454647"),
    bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it.",
    bytes.fromhex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                  "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                  "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                  "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"))
# RFC 8439, appendix A.5: key, nonce, context, sealed; what the message begins with.
RFC_OPEN = (
    bytes.fromhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"),
    bytes.fromhex("000000000102030405060708"), bytes.fromhex("f33388860000000000004e91"),
    bytes.fromhex("64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
                  "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
                  "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
                  "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
                  "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
                  "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
                  "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
                  "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
                  "a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38"),
    b"Internet-Drafts are draft documents valid for a maximum of six months")


def test_seal(modules):
    def call(function, *values):
        third = "message" if function == "seal" else "sealed"
        names = ("key", "nonce", "context", third)
        answer = modules.call("seal", function,
                              **{name: to_base64(value) for name, value in zip(names, values)})
        return base64.b64decode(answer["ok"]) if "ok" in answer else answer["error"]

    key, nonce, context, message, sealed = RFC_SEAL
    check("the reference's vector", reference_seal(key, nonce, context, message), sealed)
    check("the vector of section 2.8.2", call("seal", key, nonce, context, message), sealed)
    opened = call("open", *RFC_OPEN[:4])
    if not isinstance(opened, bytes) or not opened.startswith(RFC_OPEN[4]):
        raise Failure("the vector of appendix A.5 opens as %r" % opened)
    source = random.Random(2)
    for length in (0, 1, 15, 16, 17, 63, 64, 65, 128, 1000, 5000):
        key, nonce = source.randbytes(32), source.randbytes(12)
        context, message = source.randbytes(source.randrange(40)), source.randbytes(length)
        sealed = reference_seal(key, nonce, context, message)
        check("%d bytes sealed" % length, call("seal", key, nonce, context, message), sealed)
        check("%d bytes opened" % length, call("open", key, nonce, context, sealed), message)
    for at in (0, 4999, 5000, 5015):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1:]
        check("byte %d changed" % at, call("open", key, nonce, context, changed), "not-authentic")
    check("another key", call("open", bytes(32), nonce, context, sealed), "not-authentic")
    check("another nonce", call("open", key, bytes(12), context, sealed), "not-authentic")
    check("another context", call("open", key, nonce, context + b"x", sealed), "not-authentic")
    check("cut off", call("open", key, nonce, context, sealed[:15]), "too-short")
    for function in ("seal", "open"):
        check("a short key", call(function, key[1:], nonce, context, sealed), "bad-key")
        check("a long nonce", call(function, key, nonce + b"x", context, sealed), "bad-nonce")


# ---- All --------------------------------------------------------------------------------------

TESTS = {"statistics": test_statistics, "seal": test_seal}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isomer", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--wrapper", default="")
    parser.add_argument("--only", action="append", choices=sorted(TESTS))
    options = parser.parse_args()
    modules = Modules(options)
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    for name, test in TESTS.items():
        if options.only and name not in options.only:
            continue
        word, why = "ok", ""
        try:
            modules.build(name)
            test(modules)
        except Skip as reason:
            word, why = "skip", ": %s" % reason
        except (Failure, subprocess.SubprocessError, KeyError, TypeError) as reason:
            word, why = "FAIL", ": %s: %s" % (type(reason).__name__, reason)
        counts[word] += 1
        print("%-5s %s%s" % (word, name, why), flush=True)
    print("%d passed, %d failed, %d skipped" % (counts["ok"], counts["FAIL"], counts["skip"]))
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
