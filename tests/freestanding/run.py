#!/usr/bin/env python3
"""The engine without a C library: on a Cortex-M4 (qemu-system-arm) and as a WebAssembly module.

usage: run.py [--figures]

Every kernel of bench/kernels.txt, with its test n, gives its checksum on the board, in node and
inside isomer; the fuel is the same on the board and in node. Programs are stopped on the board, in
node and on this machine, and continued on the others. Every operation of floating point is compared.
Then what is refused, what flash and RAM it takes, and with --figures how much slower it is. The last
line is `N passed, N failed, N skipped`.
"""

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

from arithmetic import ALL, Module

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOARD = os.path.join(ROOT, "build/cortex-m4/examples/cortex-m4/isomer_cortex_m4.elf")
SMALL = BOARD.replace("build/cortex-m4/", "build/cortex-m4-small/")
WASM = os.path.join(ROOT, "build/wasm32/examples/wasm32")
ISOMER = os.path.join(ROOT, "build/release/isomer")
GUESTS = os.path.join(ROOT, "build/release/bench/guests")
NODE_PROGRAM = os.path.join(ROOT, "examples/wasm32/run.mjs")

SNAPSHOT_WRITTEN = 75
CARRIED = {"fib", "crc32", "sha256", "nbody", "indirect", "tree"}
PAGE = 65536


class Failure(Exception):
    """A check failed; the text says which."""


def kernels():
    """Name, n for tests, checksum and n for the bench of each kernel."""
    with open(os.path.join(ROOT, "bench/kernels.txt"), encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#") and "|" in line:
                row = [cell.strip() for cell in line.split("|")]
                yield row[0], row[2], row[3], row[1]


def guest(name):
    """The module of a kernel."""
    return os.path.join(GUESTS, name + ".wasm")


def command(words, stdin=None, status=0):
    """Output of a program that must end with status."""
    result = subprocess.run(words, stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=300, check=False)
    if result.returncode != status:
        raise Failure("%s: status %d instead of %d: %s" % (
            os.path.basename(words[0]), result.returncode, status,
            (result.stdout + result.stderr).strip()))
    return (result.stdout + result.stderr).strip()


def board(*words, status=0, program=BOARD):
    """Output of the program on the Cortex-M4."""
    config = "enable=on,target=native,arg=isomer" + "".join(",arg=%s" % word for word in words)
    return command(["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none",
                    "-serial", "none", "-semihosting-config", config, "-kernel", program],
                   status=status)


def node(*words, status=0):
    """Output of the engine as a module in node."""
    return command(["node", NODE_PROGRAM, os.path.join(WASM, "isomer.wasm"), *words], status=status)


def equal(got, expected, what):
    """A check."""
    if got != expected:
        raise Failure("%s: %r instead of %r" % (what, got, expected))


def contains(text, part):
    """A check."""
    if part not in text:
        raise Failure("%r is not in %r" % (part, text))


def signed(checksum):
    """A checksum as isomer prints it."""
    value = int(checksum, 16)
    return str(value - (1 << 64) if value >> 63 else value)


def number_after(word, text):
    """The number that follows a word."""
    found = re.search(r"\b%s (\d+)" % word, text)
    if not found:
        raise Failure("no %r in %r" % (word, text))
    return int(found.group(1))


def board_run(name, *words):
    """Checksum and fuel of a run on the board, and the whole line."""
    line = board(*words)
    equal(line.split()[0].split("/")[-1], name, "what ran")
    return line.split()[1], number_after("fuel", line), line


def check_kernel(name, n, checksum):
    """The same result everywhere, and the same fuel."""
    got, fuel, _ = board_run(name + ".wasm", "run", guest(name), n)
    equal(got, checksum, "on the board")
    equal(node(guest(name), n), "%s fuel %d" % (checksum, fuel), "in node")
    with open(guest(name), "rb") as stdin:
        inside = command([ISOMER, "run", os.path.join(WASM, "isomer-command.wasm"), n], stdin)
    equal(inside, signed(checksum), "inside isomer")


def save(where, name, n, fuel, path):
    """Stops a run after some fuel."""
    if where == "board":
        board("save", guest(name), n, str(fuel), path)
    elif where == "node":
        node(guest(name), n, str(fuel), path)
    else:
        command([ISOMER, "run", "--snapshot", path, "--snapshot-at-fuel", str(fuel), "--invoke",
                 "run", guest(name), n], status=SNAPSHOT_WRITTEN)


def resume(where, name, path):
    """Continues a snapshot to its end: the checksum."""
    if where == "board":
        return board_run(name + ".wasm", "resume", guest(name), path)[0]
    if where == "node":
        return node(guest(name), "resume", path).split()[0]
    line = command([ISOMER, "resume", "--module", guest(name), path])
    return "%016x" % (int(line) & (2 ** 64 - 1))


def check_carried(directory, name, n, checksum):
    """Stopped in each place, a third and two thirds on the way, continued in all."""
    total = board_run(name + ".wasm", "run", guest(name), n)[1]
    path = os.path.join(directory, "snapshot")
    for fuel in (total // 3, 2 * total // 3):
        for here in ("board", "node", "isomer"):
            save(here, name, n, fuel, path)
            for there in ("board", "node", "isomer"):
                equal(resume(there, name, path), checksum, "from %s to %s" % (here, there))
            os.remove(path)


def check_refusals(directory):
    """What cannot be is refused with its reason, and the board goes on living."""
    bad = os.path.join(directory, "bad.wasm")
    with open(bad, "wb") as file:
        file.write(b"\0asm\1\0\0\0\1\1")
    contains(board("run", bad, "1", status=1), "type section")
    contains(node(bad, "1", status=1), "type section")
    contains(board("run", "nothing", "1", status=1), "not in flash")
    contains(board("run", "fib", "x", status=64), "what to do")
    contains(board("--heap", "100000", "run", "fib", "1", status=1), "no room for a memory of 128 KiB")
    contains(board("--stack", "1024", "run", "fib", "100", status=1), "call stack exhausted")
    snapshot = os.path.join(directory, "snapshot")
    board("save", "crc32", "4", "700000", snapshot)
    contains(board("resume", "fib", snapshot, status=1), "was not given")
    with open(snapshot, "r+b") as file:
        file.seek(1000)
        file.write(b"\x55\xaa\x55")
    contains(board("resume", "crc32", snapshot, status=1), "snapshot")
    contains(board("resume", "crc32", os.path.join(directory, "none"), status=1), "not found")


def write_module(path, instructions):
    """A module of a function `run` (i32 -> i64) without locals."""
    body = b"\0" + instructions + b"\x0b"
    with open(path, "wb") as file:
        file.write(b"\0asm\1\0\0\0\1\6\1\x60\1\x7f\1\x7e\3\2\1\0\7\7\1\3run\0\0\x0a" +
                   bytes([len(body) + 2, 1, len(body)]) + body)


def check_signalling(directory):
    """Arithmetic with a signalling NaN gives a quiet one, in software, too."""
    nan = b"\x42\x81" + 6 * b"\x80" + b"\xf8\xff\0\xbf"  # f64 of the bits 0x7ff0000000000001
    operations = {"sqrt": b"\x9f", "ceil": b"\x9b", "floor": b"\x9c", "trunc": b"\x9d",
                  "nearest": b"\x9e", "promote of demote": b"\xb6\xbb", "add": nan + b"\xa0"}
    path = os.path.join(directory, "nan.wasm")
    for name, code in operations.items():
        write_module(path, nan + code + b"\xbd")
        quiet = board_run("nan.wasm", "run", path, "1")[0]
        equal(int(quiet, 16) >> 51 & 0xfff, 0xfff, "exponent and first fraction bit of " + name)


def where_different(module, here, there):
    """The first operation, and the first of its first operands, with which two digests differ."""
    for name, kind, *_ in module.operations:
        if here(module.number(name)) != there(module.number(name)):
            for i, operand in enumerate(module.tables[kind].values):
                if here(module.number(name, i)) != there(module.number(name, i)):
                    return "%s with 0x%x as its first operand" % (name, operand)
    return "no operation by itself"


def check_arithmetic(directory, program, vectors):
    """Every operation of floating point, in software where the board has none, and everywhere else."""
    module = Module(vectors)
    path = os.path.join(directory, "arithmetic.wasm")
    with open(path[:-len("wasm")] + "wat", "w", encoding="utf-8") as file:
        file.write(module.text())
    command(["wat2wasm", file.name, "-o", path])

    def native(n):
        return command(["node", os.path.join(ROOT, "tests/freestanding/native.mjs"), path, str(n)])

    places = {
        "in isomer": lambda n: "%016x" % (int(command([ISOMER, "run", "--invoke", "run", path, str(n)])) % 2 ** 64),
        "in node": lambda n: node(path, str(n)).split()[0],
        "on the board": lambda n: board("run", path, str(n), program=program).split()[1],
    }
    for place, run in places.items():
        if run(ALL) != native(ALL):
            raise Failure("%s: %s is not what node itself says" % (place, where_different(module, native, run)))


def check_small(directory):
    """The build without vector instructions runs what is in flash and refuses modules with such."""
    expected = {name: checksum for name, _, checksum, _ in kernels()}
    for line in board(program=SMALL).split("\n"):
        name, result = line.split()[:2]
        equal(result, expected["fib" if name == "page" else name], name)
    path = os.path.join(directory, "vector.wasm")
    write_module(path, b"\x41\0\xfd\x0f\x1a\x42\1")  # i32.const 0, i8x16.splat, drop, i64.const 1
    contains(board("run", path, "1", status=1, program=SMALL), "no vector instructions")
    equal(board_run("vector.wasm", "run", path, "1")[0], "%016x" % 1, "the whole build")


def check_full_memory():
    """A memory of 4 GiB that is asked for all that it has left."""
    script = os.path.join(ROOT, "tests/freestanding/full_memory.mjs")
    equal(command(["node", script, os.path.join(WASM, "isomer.wasm")]), "kept", "blocks of the heap")


def flash(program):
    """Text and data, the modules among it, and bss."""
    text, data, bss = [int(cell) for cell in
                       command(["arm-none-eabi-size", program]).split("\n")[1].split()[:3]]
    modules = sum(int(line.split()[1], 16) for line in
                  command(["arm-none-eabi-nm", "-S", program]).split("\n") if " R flash_" in line)
    print("flash %d bytes, of which modules %d: text and rodata %d, data %d; variables %d bytes" % (
        text + data, modules, text, data, data + bss))
    return data + bss


def check_symbols():
    """Nothing of a C library is in the program, nor in the module's imports."""
    names = command(["arm-none-eabi-nm", BOARD])
    for name in ("malloc", "printf", "_sbrk", "_impure_ptr", "__libc_init_array"):
        if re.search(r" %s$" % name, names, re.MULTILINE):
            raise Failure("%s is in the program" % name)
    contains(command([ISOMER, "inspect", "--json", os.path.join(WASM, "isomer.wasm")]),
             '"imports": []')


def least_heap(words, start):
    """The smallest heap, in steps of 256 bytes, with which a run on the board succeeds."""
    heap = start // 256 * 256
    while True:
        try:
            return heap, board("--heap", str(heap), *words)
        except Failure:
            heap += 256
            if heap > start + 65536:
                raise


def check_figures():
    """Flash and RAM: what `arm-none-eabi-size` says, and the least that runs."""
    print("without vector instructions, for size: ", end="")
    flash(SMALL)
    variables = flash(BOARD)
    for name, pages in (("page", 1), ("fib", 2), ("sha256", 2)):
        words = ("--stack", "2048", "run", name, "12" if name != "sha256" else "8")
        heap, line = least_heap(words, pages * PAGE)
        print("%s: a heap of %d bytes is enough: memory %d, engine and module %d; C stack %d; RAM in "
              "all %d" % (name, heap, pages * PAGE, heap - pages * PAGE, number_after("stack", line),
                          heap + number_after("stack", line) + variables))
    print("isomer.wasm %d bytes" % os.path.getsize(os.path.join(WASM, "isomer.wasm")))


def seconds(words, stdin=os.devnull):
    """Processor time of a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with open(stdin, "rb") as file:
        command(words, file)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def times():
    """How much slower than isomer itself the engine is as a module, with the n of the bench: medians of three
    rounds, in each of which every place has its turn."""
    print("%-12s %9s %14s %14s" % ("kernel", "isomer s", "in node", "in isomer"))
    for name, _, _, n in kernels():
        if name in CARRIED:
            places = (([ISOMER, "run", "--invoke", "run", guest(name), n],),
                      (["node", NODE_PROGRAM, os.path.join(WASM, "isomer.wasm"), guest(name), n],),
                      ([ISOMER, "run", os.path.join(WASM, "isomer-command.wasm"), n], guest(name)))
            rounds = [[seconds(*place) for place in places] for _ in range(3)]
            here, inside_node, inside = map(statistics.median, zip(*rounds))
            print("%-12s %9.3f %9.3f %3.0fx %9.3f %3.0fx" % (
                name, here, inside_node, inside_node / here, inside, inside / here), flush=True)


def main():
    """Runs all checks."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}

    def check(what, function, *arguments):
        try:
            function(*arguments)
            counts["passed"] += 1
            print("ok    %s" % what, flush=True)
        except (Failure, subprocess.TimeoutExpired) as failure:
            counts["failed"] += 1
            print("FAIL  %s: %s" % (what, failure), flush=True)

    for program in ("qemu-system-arm", "node", "arm-none-eabi-nm"):
        if not shutil.which(program):
            print("skip  everything: %s is not installed" % program)
            print("0 passed, 0 failed, 1 skipped")
            return 0
    with tempfile.TemporaryDirectory() as directory:
        for name, n, checksum, _ in kernels():
            check("%s on the board, in node, inside isomer" % name, check_kernel, name, n, checksum)
            if name in CARRIED:
                check("%s carried between the three" % name, check_carried, directory, name, n,
                      checksum)
        check("refusals", check_refusals, directory)
        check("signalling NaNs on the board", check_signalling, directory)
        if shutil.which("wat2wasm"):
            check("all of floating point", check_arithmetic, directory, BOARD, True)
            check("all of floating point, for size", check_arithmetic, directory, SMALL, False)
        else:
            print("skip  all of floating point: wat2wasm (Debian package wabt) is not installed")
            counts["skipped"] += 1
        check("no vector instructions", check_small, directory)
        check("all of the address space in node", check_full_memory)
        check("no C library", check_symbols)
        check("figures", check_figures)
    if "--figures" in sys.argv[1:]:
        times()
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
