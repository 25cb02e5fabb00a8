#!/usr/bin/env python3
"""Builds the example modules and compares what their functions answer with what is right.

usage: run.py --isomer PROGRAM --build FOLDER [--only NAME]...

PROGRAM is `isomer`: its commands bindgen and pack build the modules, call calls them.
What a module lacks (a compiler, npm) makes it skipped by name. The last line is
`N passed, N failed, N skipped`.
"""

import argparse
import base64
import json
import math
import os
import random
import re
import shutil
import statistics
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TESTS_OF_PROGRAMS = os.path.join(ROOT, "tests", "programs")  # have the compiler of AssemblyScript
TESTS_OF_JCO = os.path.join(ROOT, "tests", "interface", "jco")
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import npm  # noqa: E402  pylint: disable=wrong-import-position
from suite import Failure, Skip, Tally, check_equal, need  # noqa: E402  pylint: disable=wrong-import-position

ANSWERED_ERROR = 121  # exit status
ANSWERED = " answered with an error: "


def fetch(source, name, *path):
    """A file of a package from npm."""
    need("node")
    return os.path.join(npm.fetch(source, name), *path)


def check_close(what, actual, expected, tolerance=1e-9):
    if not math.isclose(actual, expected, rel_tol=tolerance, abs_tol=tolerance):
        raise Failure("%s is %r, expected %r" % (what, actual, expected))


def to_base64(data):
    return base64.b64encode(data).decode()


class Modules:
    """Builds modules and calls their functions."""

    def __init__(self, options):
        self.isomer = os.path.abspath(options.isomer)
        self.build_folder = os.path.abspath(options.build)
        self.calls = {}  # of each module: what was called, and the answer

    def build(self, name):
        result = subprocess.run([os.path.join(ROOT, "modules", "build.sh"), self.isomer,
                                 self.build_folder, name], capture_output=True, text=True,
                                timeout=300, check=False)
        if result.returncode == 77:
            raise Skip(result.stderr.strip().split("\n")[-1])
        if result.returncode != 0:
            raise Failure("does not build: " + (result.stderr + result.stdout)[-2000:])

    def execute(self, name, function, arguments):
        arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
        words = [self.isomer, "call", os.path.join(self.build_folder, name + ".wasm"), function,
                 json.dumps(arguments)]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    def call(self, name, function, **arguments):
        """A function's result as Python has JSON."""
        result = self.execute(name, function, arguments)
        if result.returncode != 0:
            raise Failure("%s: status %d: %s" % (function, result.returncode, result.stderr[:1000]))
        return self.record(name, function, arguments, json.loads(result.stdout))

    def record(self, name, function, arguments, answer):
        arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.calls.setdefault(name, []).append((function, arguments, answer))
        return answer

    def answer(self, name, function, **arguments):
        """The same of a function that can fail: {"ok": result} or {"error": result}."""
        result = self.execute(name, function, arguments)
        words = result.stderr.partition(ANSWERED)[2]
        if result.returncode == ANSWERED_ERROR and words:
            return self.record(name, function, arguments, {"error": json.loads(words)})
        if result.returncode != 0:
            raise Failure("%s: status %d: %s" % (function, result.returncode, result.stderr[:1000]))
        return self.record(name, function, arguments, {"ok": json.loads(result.stdout)})


# ---- The SDK ------------------------------------------------------------------------------------

def run(words):
    result = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if result.returncode != 0:
        raise Failure("%s: %s" % (" ".join(words[:3]), (result.stderr + result.stdout)[-2000:]))


def test_allocator(modules):
    need("clang")
    need("wasm-ld")
    here, out = os.path.join(HERE, "allocator"), os.path.join(modules.build_folder, "allocator")
    wit, wasm = os.path.join(here, "allocator.wit"), os.path.join(out, "allocator.wasm")
    os.makedirs(out, exist_ok=True)
    run([modules.isomer, "bindgen", "c", wit, "-o", out])
    run([os.path.join(ROOT, "sdk", "c", "isomer-cc"), "-o", wasm, os.path.join(here, "blocks.c"),
         os.path.join(out, "allocator.c"), "-I" + out, "-Werror"])
    run([modules.isomer, "pack", wasm, "--wit", wit, "-o", out + ".wasm"])
    for seed in (1, 2, 3):
        pages = modules.answer("allocator", "try-blocks", seed=seed, steps=20000).get("ok", 1000)
        # 64 blocks of 32 KiB at most, an eighth of them large: far less than all that was asked for.
        if pages > 40:
            raise Failure("%d pages of memory are in use after seed %d" % (pages, seed))
    check_equal("refusals", modules.call("allocator", "try-refusals"), "")


def test_device_bindings(modules):
    """The bindings of isomer:device compile in each language whose compiler is there."""
    out = os.path.join(modules.build_folder, "device")
    os.makedirs(out, exist_ok=True)
    for language in ("c", "rust", "assemblyscript"):
        run([modules.isomer, "bindgen", language, os.path.join(ROOT, "sdk", "wit", "device.wit"),
             "-o", out])
    need("clang")
    run(["clang", "--target=wasm32-unknown-unknown", "-ffreestanding", "-std=c11", "-Wall",
         "-Wextra", "-Werror", "-c", os.path.join(out, "device.c"),
         "-o", os.path.join(out, "device.o")])
    if not os.path.exists("/usr/lib/rustlib/wasm32-unknown-unknown"):
        raise Skip("libstd-rust-dev-wasm32 is not installed")
    run(["/usr/bin/rustc", "--edition", "2021", "--crate-type", "lib", "--target",
         "wasm32-unknown-unknown", "-o", os.path.join(out, "libdevice.rlib"),
         os.path.join(out, "device.rs")])
    asc = fetch(TESTS_OF_PROGRAMS, "npm", "assemblyscript", "bin", "asc.js")
    # The compiler looks only at functions that are used.
    with open(os.path.join(out, "device.ts"), encoding="utf-8") as file:
        names = re.findall(r"^export function ([a-z][A-Za-z]*)\(", file.read(), re.MULTILINE)
    with open(os.path.join(out, "use.ts"), "w", encoding="utf-8") as file:
        file.write('export { %s } from "./device";\n' % ", ".join(names))
    if "storageListKeys" not in names:
        raise Failure("functions of device.ts: %r" % names)
    run(["node", asc, os.path.join(out, "use.ts"), "--runtime", "incremental", "-O", "-o",
         os.path.join(out, "use.wasm")])


# ---- statistics -------------------------------------------------------------------------------

def csv_of(rows):
    def field(text):
        quoted = any(c in text for c in '",\n\r')
        return '"' + text.replace('"', '""') + '"' if quoted else text
    return "".join(",".join(field(text) for text in row) + "\r\n" for row in rows)


def check_column(column, name, numbers, texts):
    check_equal("name", column["name"], name)
    check_equal("numbers of " + name, column["numbers"], len(numbers))
    check_equal("texts of " + name, column["texts"], texts)
    summary = column["summary"]
    if not numbers:
        check_equal("summary of " + name, summary, None)
        return
    check_equal("minimum", summary["minimum"], min(numbers))
    check_equal("maximum", summary["maximum"], max(numbers))
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
        columns = modules.answer("statistics", "describe", csv=csv_of(table))["ok"]
        check_equal("columns", len(columns), 3)
        check_column(columns[0], "value", numbers, 0)
        check_column(columns[1], "large", large, 0)
        check_column(columns[2], 'the "words"', [], count)
    texts = ["1e3", "-2.5E-3", "+7", ".5", "5.", " 12 ", "1e22", "1e-20", "0.1", "123456789012345"]
    columns = modules.answer("statistics", "describe", csv="n\n" + "\n".join(texts))["ok"]
    check_column(columns[0], "n", [float(text) for text in texts], 0)
    for text in ("1.7e308", "1e-300", "123456789012345678901234567890"):
        column = modules.answer("statistics", "describe", csv="n\n" + text)["ok"][0]
        check_close(text, column["summary"]["mean"] / float(text), 1, 1e-14)
    odd = ["e5", "1e", "-", ".", "0x10", "1 2", "nan", "inf"]
    columns = modules.answer("statistics", "describe", csv="n;m\n" + ";\n".join(odd) + ";",
                           separator=";")["ok"]
    check_column(columns[0], "n", [], len(odd))
    check_column(columns[1], "m", [], 0)
    columns = modules.answer("statistics", "describe", csv="a→b\n1→2\n\n3→4\n",
                             separator="→")["ok"]
    check_column(columns[1], "b", [2, 4], 0)
    for text, separator, line, word in (
            ("", None, 1, "no line"), ("a,b\n1,2\n3\n", None, 3, "fewer"),
            ("a\n1,2\n", None, 2, "more"), ('a\n"1\n2', None, 3, "never closed"),
            ('a\n"1"2\n', None, 2, "follows"), ("a\n1\n", '"', 1, "separator")):
        mistake = modules.answer("statistics", "describe", csv=text, separator=separator)["error"]
        check_equal("line of the mistake in %r" % text, mistake["line"], line)
        if word not in mistake["message"]:
            raise Failure("%r has %r in its message" % (text, mistake["message"]))


# ---- seal -------------------------------------------------------------------------------------

def rotate(word, bits):
    return (word << bits | word >> (32 - bits)) & 0xffffffff


def chacha20_block(key, counter, nonce):
    """RFC 8439, section 2.3."""
    words = b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce
    start = list(struct.unpack("<16I", words))
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
        answer = modules.answer("seal", function,
                                **{name: to_base64(value) for name, value in zip(names, values)})
        return base64.b64decode(answer["ok"]) if "ok" in answer else answer["error"]

    key, nonce, context, message, sealed = RFC_SEAL
    check_equal("the reference's vector", reference_seal(key, nonce, context, message), sealed)
    check_equal("the vector of section 2.8.2", call("seal", key, nonce, context, message), sealed)
    opened = call("open", *RFC_OPEN[:4])
    if not isinstance(opened, bytes) or not opened.startswith(RFC_OPEN[4]):
        raise Failure("the vector of appendix A.5 opens as %r" % opened)
    source = random.Random(2)
    for length in (0, 1, 15, 16, 17, 63, 64, 65, 128, 1000, 5000):
        key, nonce = source.randbytes(32), source.randbytes(12)
        context, message = source.randbytes(source.randrange(40)), source.randbytes(length)
        sealed = reference_seal(key, nonce, context, message)
        check_equal("%d bytes sealed" % length, call("seal", key, nonce, context, message), sealed)
        check_equal("%d bytes opened" % length, call("open", key, nonce, context, sealed), message)
    for at in (0, 4999, 5000, 5015):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1:]
        check_equal("byte %d changed" % at, call("open", key, nonce, context, changed), "not-authentic")
    check_equal("another key", call("open", bytes(32), nonce, context, sealed), "not-authentic")
    check_equal("another nonce", call("open", key, bytes(12), context, sealed), "not-authentic")
    check_equal("another context", call("open", key, nonce, context + b"x", sealed), "not-authentic")
    check_equal("cut off", call("open", key, nonce, context, sealed[:15]), "too-short")
    for function in ("seal", "open"):
        check_equal("a short key", call(function, key[1:], nonce, context, sealed), "bad-key")
        check_equal("a long nonce", call(function, key, nonce + b"x", context, sealed), "bad-nonce")


# ---- resize -----------------------------------------------------------------------------------

def resized(modules, size, pixels, to, **options):
    picture = {"width": size[0], "height": size[1], "pixels": to_base64(pixels)}
    answer = modules.answer("resize", "resize", picture=picture, width=to[0], height=to[1],
                            **options)
    if "error" in answer:
        return answer["error"]
    check_equal("size", (answer["ok"]["width"], answer["ok"]["height"]), to)
    data = base64.b64decode(answer["ok"]["pixels"])
    check_equal("bytes", len(data), to[0] * to[1] * 4)
    return data


def check_near(what, actual, expected, distance):
    for at, (a, b) in enumerate(zip(actual, expected)):
        if abs(a - b) > distance:
            raise Failure("%s: byte %d is %d, expected %d" % (what, at, a, b))


def halved(width, height, pixels):
    """Means of 2 times 2 pixels."""
    out = []
    for y in range(0, height, 2):
        for x in range(0, width, 2):
            for c in range(4):
                four = [pixels[((y + j) * width + x + i) * 4 + c] for i in (0, 1) for j in (0, 1)]
                out.append(sum(four) / 4)
    return out


def opaque(source, count):
    return b"".join(source.randbytes(3) + b"\xff" for _ in range(count))


def test_resize(modules):
    source = random.Random(3)
    picture = opaque(source, 16 * 12)
    data = resized(modules, (16, 12), picture, (8, 6), filter="box", colours="linear")
    check_near("the mean of four", data, halved(16, 12, picture), 1)
    for colours in (None, "srgb", "linear"):
        data = resized(modules, (16, 12), picture, (16, 12), filter="triangle", colours=colours)
        check_near("the same size", data, picture, 1)
    even = bytes([200, 100, 50, 255]) * 35
    for kind in (None, "box", "triangle", "b-spline", "catmull-rom", "mitchell"):
        data = resized(modules, (7, 5), even, (31, 3), filter=kind)
        check_near("one colour, " + str(kind), data, even[:4] * 93, 1)
    pair = bytes([0, 0, 0, 255, 200, 100, 40, 255])
    middle = resized(modules, (2, 1), pair, (4, 1), filter="triangle", colours="linear")
    check_near("between two", middle, [0, 0, 0, 255, 50, 25, 10, 255, 150, 75, 30, 255,
                                       200, 100, 40, 255], 1)
    pair = bytes([0, 0, 0, 255, 255, 255, 255, 255])
    bright = resized(modules, (2, 1), pair, (1, 1), filter="box")
    check_near("half of the light in sRGB", bright, [188, 188, 188, 255], 1)
    clear = resized(modules, (2, 1), bytes([90, 80, 70, 255, 255, 255, 255, 0]), (1, 1),
                    filter="box", colours="linear")
    check_near("colours by their opacity", clear, [90, 80, 70, 128], 1)
    large = resized(modules, (16, 12), picture, (100, 75))
    check_equal("a second call", resized(modules, (16, 12), picture, (100, 75)), large)
    for size, to, word in (((0, 12), (8, 6), "picture's width"), ((16, 11), (8, 6), "bytes"),
                           ((16, 12), (0, 6), "wanted"), ((16, 12), (8, 16385), "wanted")):
        message = resized(modules, size, picture, to)
        if not isinstance(message, str) or word not in message:
            raise Failure("%s to %s: %.200r" % (size, to, message))


# ---- digits -----------------------------------------------------------------------------------

def test_digits(modules):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Skip("cc is not installed, which makes pictures")
    maker = os.path.join(modules.build_folder, "digits", "digits_train")
    subprocess.run([compiler, "-O1", "-std=c11", "-D_GNU_SOURCE", "-o", maker,
                    *(os.path.join(ROOT, "modules", "digits", name) for name in ("digits_train.c", "digits_lines.c")), "-lm"],
                   check=True, timeout=120)
    size = modules.call("digits", "get-size")
    right = total = sure = 0
    for seed in (101, 102, 103, 104):  # the weights come of seed 1
        lines = subprocess.run([maker, "pictures", str(seed), "250"], check=True, timeout=60,
                               capture_output=True, text=True).stdout.splitlines()
        digits = [int(line.split()[0]) for line in lines]
        pictures = [bytes.fromhex(line.split()[1]) for line in lines]
        check_equal("bytes of a picture", {len(picture) for picture in pictures}, {size * size})
        guesses = modules.answer("digits", "recognise-all",
                               pictures=[to_base64(picture) for picture in pictures])["ok"]
        check_equal("guesses", len(guesses), len(digits))
        for digit, guess in zip(digits, guesses):
            if not 0.1 <= guess["confidence"] <= 1:
                raise Failure("a confidence of %r" % guess["confidence"])
            right += guess["digit"] == digit
            sure += guess["confidence"]
            total += 1
        single = modules.answer("digits", "recognise", pixels=to_base64(pictures[0]))["ok"]
        check_equal("a single picture", single, guesses[0])
    print("      digits: %d of %d recognised, mean confidence %.3f" % (right, total, sure / total))
    if right < 0.95 * total or abs(sure - right) > 0.05 * total:
        raise Failure("%d of %d recognised, mean confidence %.3f" % (right, total, sure / total))
    check_equal("no pictures", modules.answer("digits", "recognise-all", pictures=[]), {"ok": []})
    for answer in (modules.answer("digits", "recognise", pixels=to_base64(bytes(255))),
                   modules.answer("digits", "recognise-all", pictures=["", to_base64(bytes(256))])):
        if "get-size" not in answer.get("error", ""):
            raise Failure("a picture of another size: %r" % answer)


# ---- text -------------------------------------------------------------------------------------

def test_text(modules):
    def transform(text, *steps):
        return modules.answer("text", "transform", text=text, steps=list(steps))

    def step(name, value=None):
        return {name: value}

    for text in ("", "Grüße aus der Straße", "one  two\tthree\n", "日本 語", "x😀y"):
        check_equal("no step", transform(text), {"ok": text})
        check_equal("upper", transform(text, step("upper")), {"ok": text.upper()})
        check_equal("lower", transform(text, step("lower")), {"ok": text.lower()})
        check_equal("reverse", transform(text, step("reverse")), {"ok": text[::-1]})
        check_equal("squeeze", transform(text, step("squeeze")), {"ok": " ".join(text.split())})
        check_equal("replace", transform(text, step("replace", {"old": "e", "new": "→e"})),
                    {"ok": text.replace("e", "→e")})
    check_equal("title", transform("the ünï code 2nd", step("title")), {"ok": "The Ünï Code 2nd"})
    check_equal("shorten", transform("12345", step("shorten", 5)), {"ok": "12345"})
    check_equal("shorten", transform("äöüß12", step("shorten", 4)), {"ok": "äöü…"})
    check_equal("shorten to 0", transform("12", step("shorten", 0)), {"ok": ""})
    check_equal("several", transform("  b a ", step("squeeze"), step("reverse"), step("upper")),
                {"ok": "A B"})
    nothing = step("replace", {"old": "", "new": "x"})
    check_equal("nothing to replace", transform("a", step("upper"), nothing),
                {"error": {"nothing-to-replace": 1}})
    double = step("replace", {"old": "a", "new": "a" * 1001})
    check_equal("too long", transform("a", double, double), {"error": {"too-long": 1}})
    check_equal("long", transform("a", double), {"ok": "a" * 1001})
    check_equal("words", modules.call("text", "words", text="To be, or NOT to be: ÜBER über!"),
                [{"word": "be", "count": 2}, {"word": "to", "count": 2}, {"word": "über", "count": 2},
                 {"word": "not", "count": 1}, {"word": "or", "count": 1}])
    check_equal("limited words", modules.call("text", "words", text="b a b", limit=1),
                [{"word": "b", "count": 2}])
    check_equal("no words", modules.call("text", "words", text=" ,"), [])


# ---- sharpen ----------------------------------------------------------------------------------

CHANNELS = {"rgba8": 4, "rgb8": 3, "gray8": 1}


def reference_sharpen(width, height, channels, pixels, percent):
    def at(x, y, c):
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        return pixels[(y * width + x) * channels + c]

    out = bytearray()
    for place in range(width * height * channels):
        c, x, y = place % channels, place // channels % width, place // channels // width
        own = at(x, y, c)
        around = sum(at(x + i, y + j, c) for i in (-1, 0, 1) for j in (-1, 0, 1)) - own
        value = (own * 800 + (own * 8 - around) * percent + 400) // 800
        out.append(own if c == 3 else min(max(value, 0), 255))
    return bytes(out)


def test_sharpen(modules):
    source = random.Random(4)

    def call(width, height, kind, pixels, **options):
        frame = {"width": width, "height": height, "format": kind, "time": "1700000000000000001",
                 "number": 7, "pixels": to_base64(pixels)}
        answer = modules.answer("sharpen", "sharpen", frame=frame, **options)
        if "error" in answer:
            return answer["error"]
        same = {key: value for key, value in frame.items() if key != "pixels"}
        got = {key: value for key, value in answer["ok"].items() if key != "pixels"}
        check_equal("what is not pixels", got, same)
        return base64.b64decode(answer["ok"]["pixels"])

    for kind, channels in CHANNELS.items():
        for width, height in ((1, 1), (1, 5), (4, 1), (13, 9)):
            pixels = source.randbytes(width * height * channels)
            for percent in (None, 0, 35, 1000):
                expected = reference_sharpen(width, height, channels, pixels,
                                             100 if percent is None else percent)
                check_equal("%s %dx%d, %s" % (kind, width, height, percent),
                            call(width, height, kind, pixels, percent=percent), expected)
    check_equal("no pixels", call(0, 3, "rgb8", b""), b"")
    for words in ((2, 2, "rgb8", bytes(11)), (2, 2, "rgba8", bytes(17)),
                  (1 << 31, 1 << 31, "rgba8", bytes(4)), (1 << 31, 2, "gray8", b"")):
        message = call(*words)
        if not isinstance(message, str) or "bytes of pixels" not in message:
            raise Failure("%r: %.200r" % (words, message))
    check_equal("JPEG", call(1, 1, "jpeg", b"x"), "a JPEG file has no pixels to sharpen: decode it first")
    check_equal("percent", call(1, 1, "gray8", b"x", percent=1001), "percent is at most 1000")


# ---- Components -------------------------------------------------------------------------------

INTERFACES = {
    "statistics": ("tables", {"describe": ["csv", "separator"]}),
    "seal": ("sealing", {"seal": ["key", "nonce", "context", "message"],
                         "open": ["key", "nonce", "context", "sealed"]}),
    "resize": ("pictures", {"resize": ["picture", "width", "height", "filter", "colours"]}),
    "digits": ("recogniser", {"get-size": [], "recognise": ["pixels"],
                              "recognise-all": ["pictures"]}),
    "text": ("texts", {"transform": ["text", "steps"], "words": ["text", "limit"]}),
    "sharpen": ("filter", {"sharpen": ["frame", "percent"]}),
}


def test_components(modules):
    """jco makes a component of every module that was tested above; its answers are the same."""
    jco = fetch(TESTS_OF_JCO, "jco", ".bin", "jco")
    cases = []
    for name, calls in modules.calls.items():
        if name not in INTERFACES:
            continue
        wit = os.path.join(ROOT, "modules", name, name + ".wit")
        core = os.path.join(modules.build_folder, name, name + ".wasm")
        out = os.path.join(modules.build_folder, "components", name)
        os.makedirs(out, exist_ok=True)
        embedded, component = os.path.join(out, "embedded.wasm"), os.path.join(out, name + ".wasm")
        reactor = ["--wasi-reactor"] if name == "resize" else []
        run([jco, "embed", core, "--wit", wit, "-o", embedded])
        run([jco, "new", *reactor, embedded, "-o", component])
        run([jco, "transpile", component, "-o", out, "-q"])
        with open(os.path.join(out, "package.json"), "w", encoding="utf-8") as file:
            file.write('{"type": "module"}')
        interface, functions = INTERFACES[name]
        cases += [{"script": os.path.join(out, name + ".js"), "interface": interface,
                   "name": function, "params": functions[function], "arguments": arguments,
                   "answer": answer} for function, arguments, answer in calls]
    if not cases:
        raise Skip("no module was called")
    path = os.path.join(modules.build_folder, "components", "cases.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(cases, file)
    run(["node", os.path.join(HERE, "components.mjs"), path])


# ---- All --------------------------------------------------------------------------------------

TESTS = {"allocator": test_allocator, "device-bindings": test_device_bindings,
         "statistics": test_statistics, "seal": test_seal, "resize": test_resize,
         "digits": test_digits, "text": test_text, "sharpen": test_sharpen,
         "components": test_components}


def built_and_tested(modules, name):
    if name in INTERFACES:
        modules.build(name)
    TESTS[name](modules)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isomer", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", action="append", choices=sorted(TESTS))
    options = parser.parse_args()
    modules = Modules(options)
    tally = Tally()
    for name in options.only or TESTS:
        tally.run(name, built_and_tested, modules, name)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
