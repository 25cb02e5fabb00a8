"""Snapshots: writing them, continuing them, and refusing what does not fit."""

import hashlib
import os
import shlex
import shutil
import signal
import struct

from harness import Skip, check, match, stop_with, test

ROUNDS = "3000000"


def whole(t, rounds=ROUNDS):
    return t.expect(t.run("run", "--invoke", "hash", t.guest("hash"), rounds), 0).out


def snapshot_hash(t, name="s", fuel="1_000_000", module=None):
    return t.expect(t.run("run", "--snapshot", name, "--snapshot-at-fuel", fuel, "--invoke",
                          "hash", module or t.guest("hash"), ROUNDS), 75, f"written to '{name}'",
                    out="")


@test
def continued_by_fuel(t):
    """A computation stopped by fuel and continued has the same result."""
    snapshot_hash(t)
    t.expect(t.run("resume", "s"), 0, out=whole(t))


@test
def continued_many_times(t):
    """A chain of snapshots, each taken by resuming the one before, and resumed twice."""
    snapshot_hash(t)
    count = 0
    while (result := t.run("resume", "--snapshot", "s", "--snapshot-at-fuel", "4000000",
                           "s")).status == 75:
        count += 1
        check(count < 100, "it does not end")
    t.expect(result, 0, "no snapshot was written", out=whole(t))
    check(count >= 3, f"{count} snapshots")
    t.expect(t.run("resume", "s"), 0, out=whole(t))


@test
def stopped_by_a_signal(t):
    """SIGUSR1 while computing: the output of both parts is that of the undisturbed run."""
    result = stop_with(t.start("run", "--snapshot", "s", t.guest("work")), signal.SIGUSR1)
    t.expect(result, 75, ["written to 's'", "isomer resume"], out="ready\n")
    t.expect(t.run("resume", "s"), 0, out="done\n")


@test
def stopped_while_waiting(t):
    """SIGUSR1 while waiting: the rest of the time is waited after resuming."""
    def stopped(seconds):
        return stop_with(t.start("run", "--snapshot", "s", t.guest("sleep", SECONDS=seconds)),
                         signal.SIGUSR1)
    t.expect(stopped(3600), 75, out="ready\n")
    t.fails(["resume", "--timeout", "200ms", "s"], 124, "--timeout")
    for seconds in (1.5, 12):
        result = stopped(seconds)
        if result.status != 0:  # it has not ended before the signal
            break
    t.expect(result, 75, out="ready\n")
    t.expect(t.run("resume", "--timeout", "60s", "s"), 0, out="awake\n")


@test
def signals_are_for_those_who_asked(t):
    """Without --snapshot SIGUSR1 ends the process, as it does by default."""
    result = stop_with(t.start("run", t.guest("sleep", SECONDS=60)), signal.SIGUSR1)
    check(result.status in (-signal.SIGUSR1, 128 + signal.SIGUSR1), str(result))


@test
def ended_before_the_snapshot(t):
    """A program that ends first keeps its own status, and says that nothing was written."""
    result = t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "1000000", t.guest("hello"))
    t.expect(result, 0, "no snapshot was written", out="hello\n")
    check(not os.path.exists(t.path("s")), "there is a file")


@test
def snapshot_of_the_start_function(t):
    """Also the start function of a module can be stopped and continued."""
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "1000", t.guest("spin_start")),
             75)
    t.fails(["resume", "--fuel", "100000", "s"], 123, "fuel is used up")


@test
def limits_hold_after_resuming(t):
    """Fuel and time are given anew."""
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "1000", "--invoke", "spin",
                   t.guest("hash")), 75)
    t.fails(["resume", "--fuel", "5000", "s"], 123, "--fuel 5000")
    t.fails(["resume", "--timeout", "100ms", "s"], 124, "--timeout")
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "1000", t.guest("work")), 75)
    t.fails(["resume", "--memory", "1KiB", "s"], 122, "cannot continue 's'", "--memory")


@test
def arguments_and_environment_come_along(t):
    """The program keeps its arguments and environment; nothing can be added."""
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "1", "--env", "A=1",
                   t.guest("world"), "x", "y"), 75)
    result = t.expect(t.run("resume", "--env", "A=2", "s"), 0)
    check(result.out == f"{t.guest('world')}\0x\0y\0|\0A=1\0", repr(result.out))


@test
def open_files_come_along(t):
    """A file that is open is opened again, where it was."""
    os.mkdir(t.path("data"))
    t.expect(t.run("run", "--dir", "data", "--snapshot", "s", "--snapshot-at-fuel", "100000",
                   t.guest("file")), 75, "isomer resume --dir data s")
    check(t.read("data/out.txt") == b"one\n", "before")
    t.expect(t.run("resume", "--dir", "data", "s"), 0)
    check(t.read("data/out.txt") == b"one\ntwo\n", "after")


@test
def the_command_to_continue_can_be_copied(t):
    """Names that the shell would split or expand are quoted in it."""
    os.mkdir(t.path("it's here"))
    result = t.run("run", "--dir", "it's here::/data", "--snapshot", "my s", "--snapshot-at-fuel",
                   "100000", t.guest("file"))
    t.expect(result, 75)
    command = shlex.split(match(r"continue with: isomer (.*)", result.err).group(1))
    check(command == ["resume", "--dir", "it's here::/data", "my s"], str(command))
    t.expect(t.run(*command), 0)


@test
def directories_may_be_elsewhere(t):
    """Grants are matched by the name that the program knows, not by where they are."""
    os.mkdir(t.path("here"))
    t.expect(t.run("run", "--dir", "here::/data", "--snapshot", "s", "--snapshot-at-fuel",
                   "100000", t.guest("file")), 75)
    shutil.move(t.path("here"), t.path("there"))
    t.expect(t.run("resume", "--dir", "there::/data", "s"), 0)
    check(t.read("there/out.txt") == b"one\ntwo\n", "after")


@test
def missing_grants(t):
    """Without the directory, with a read-only one, or without the file, resuming is refused."""
    os.mkdir(t.path("data"))
    t.expect(t.run("run", "--dir", "data::/data", "--snapshot", "s", "--snapshot-at-fuel",
                   "100000", t.guest("file")), 75)
    t.fails(["resume", "s"], 76, "cannot continue 's'", "/data", "taken with: --dir data::/data")
    t.fails(["resume", "--dir", "data::/other", "s"], 76, "/data")
    t.fails(["resume", "--dir", "data::/data:ro", "s"], 76, "/data")
    os.unlink(t.path("data/out.txt"))
    t.fails(["resume", "--dir", "data::/data", "s"], 76, "out.txt", "it is not there now")


@test
def changed_module(t):
    """A module that changed since is recognised by its digest."""
    with open(t.guest("hash"), "rb") as file:
        module = file.read()
    t.write("m.wasm", module)
    snapshot_hash(t, module="m.wasm")
    t.write("m.wasm", module + b"\0\5\4note")
    t.fails(["resume", "s"], 76, "m.wasm' has changed since", "--module FILE")
    os.unlink(t.path("m.wasm"))
    t.fails(["resume", "s"], 76, "is missing", "--module FILE")
    t.fails(["resume", "--module", t.guest("hello"), "s"], 76, "not a module of 's'")
    t.fails(["resume", "--module", "missing.wasm", "s"], 66, "missing.wasm")
    t.expect(t.run("resume", "--module", t.guest("hash"), "s"), 0, out=whole(t))


@test
def damaged_snapshots(t):
    """Cut or changed anywhere: refused or harmless, with a message, within the limits."""
    snapshot_hash(t)
    data = t.read("s")
    step = max(1, len(data) // 40)
    for at in range(0, len(data), step):
        t.fails(["resume", t.write("cut", data[:at])], 76, "cut")
        if at >= 8:
            t.fails(["inspect", "cut"], 76, "cut", "snapshot")
        changed = bytearray(data)
        changed[at] ^= 0xff
        result = t.fails(["resume", "--timeout", "20s", "--memory", "16MiB",
                          t.write("changed", bytes(changed))], 76, "changed")
        check("missing" not in result.err and "--module" not in result.err, str(result))
        if at >= 8:
            t.fails(["inspect", "changed"], 76, "changed")
    t.fails(["resume", t.write("more", data + b"x")], 76, "more")


def with_instances(data, count):
    """A snapshot of one instance without imports, changed to have as many of them."""
    out, at = data[:16], 16
    while at < len(data):
        tag, length = struct.unpack("<4sQ", data[at:at + 12])
        contents = data[at + 12:at + 12 + length]
        at += 12 + length
        if tag == b"inst":
            contents = bytes([0x80 | count & 0x7f, count >> 7]) + contents[1:] * count
        elif tag == b"sum ":
            contents = hashlib.sha256(out).digest()
        out += struct.pack("<4sQ", tag, len(contents)) + contents
    return out


@test
def many_instances_of_a_large_module(t):
    """A small snapshot cannot take any amount of memory by naming its module again and again."""
    globals_ = b"\xc0\x9a\x0c" + b"\x7f\0\x41\0\x0b" * 200_000
    size = len(globals_)
    t.write("m.wasm", b"\0asm\1\0\0\0" b"\1\4\1\x60\0\0" b"\3\2\1\0" b"\6" +
            bytes([0x80 | size & 0x7f, 0x80 | size >> 7 & 0x7f, size >> 14]) + globals_ +
            b"\7\x0a\1\6_start\0\0" b"\x0a\x09\1\7\0\3\x40\x0c\0\x0b\x0b")
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "100", "m.wasm"), 75)
    result = t.fails(["resume", "--fuel", "100",
                      t.write("few", with_instances(t.read("s"), 130))], 122, "256 MiB")
    check("hint" not in result.err, "no option would help: " + str(result))
    t.fails(["resume", "--fuel", "100", "s"], 123, "--fuel")


@test
def not_a_snapshot(t):
    """Other files are told apart."""
    t.fails(["resume", t.guest("hello")], 76, "is a module", "isomer run")
    t.fails(["resume", t.write("e", b"")], 76, "e'")
    t.fails(["resume", t.write("n", b"nonsense")], 76, "n'")
    snapshot_hash(t)
    t.fails(["run", "s"], 65, "is a snapshot", "isomer resume")


@test
def unwritable_snapshot(t):
    """When the snapshot cannot be written the program goes on."""
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    result = t.run("run", "--snapshot", "/dev/full", "--snapshot-at-fuel", "1000", "--invoke",
                   "hash", t.guest("hash"), ROUNDS)
    t.expect(result, 0, ["the program goes on", "no space left"], out=whole(t))


@test
def snapshots_without_a_place(t):
    """A place where no snapshot could be written is refused before anything runs."""
    os.mkdir(t.path("dir"))
    t.write("file", "")
    for name, *texts in (("no/such/dir/s", "directory", "does not exist"), ("dir", "is a directory"),
                         ("file/s", "file/s")):
        result = t.fails(["run", "--snapshot", name, t.guest("hello")], 74, "--snapshot", *texts)
        check("hello" not in result.out, str(result))
    snapshot_hash(t)
    t.fails(["resume", "--snapshot", "no/s", "s"], 74, "--snapshot", "does not exist")
    locked = t.unprivileged()
    os.chmod(t.path("dir"), 0o555)
    t.fails(["run", "--snapshot", "dir/s", t.guest("hello")], 74, "--snapshot", **locked)
    check(os.listdir(t.path("dir")) == [], "something was left behind")


@test
def limits_of_resume(t):
    """A snapshot that does not fit its limits: the hint names the option that would help."""
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "1000", "--invoke", "grow",
                   t.guest("grow")), 75)
    result = t.fails(["resume", "--memory", "64KiB", "s"], 122, "hint: --memory SIZE")
    check("--stack" not in result.err, str(result))


@test
def snapshots_do_not_replace_modules(t):
    """A --snapshot that names a module of the program is refused before anything runs."""
    with open(t.guest("hash"), "rb") as file:
        module = file.read()
    t.write("m.wasm", module)
    os.symlink("m.wasm", t.path("link"))
    for name in ("m.wasm", "./m.wasm", "link"):
        t.fails(["run", "--snapshot", name, "--snapshot-at-fuel", "10", "--invoke", "hash",
                 "m.wasm", ROUNDS], 64, "is the module itself")
    snapshot_hash(t, module="m.wasm")
    t.fails(["resume", "--snapshot", "m.wasm", "s"], 64, "is the module itself")
    check(t.read("m.wasm") == module, "the module was replaced")


@test
def snapshots_replace_files_whole(t):
    """The file of a snapshot is private and nothing else is left beside it."""
    before = set(os.listdir(t.dir))
    snapshot_hash(t)
    check(set(os.listdir(t.dir)) - before == {"s"}, str(os.listdir(t.dir)))
    check(os.stat(t.path("s")).st_mode & 0o777 == 0o600, "others may read it")


@test
def fuel_is_counted_on(t):
    """The count of fuel goes on across snapshots and is the same every time."""
    counts = set()
    for _ in range(2):
        result = snapshot_hash(t, fuel="500000")
        counts.add(match(r"after (\d+) units of fuel", result.err).group(1))
    check(len(counts) == 1, f"{counts}")
    result = t.expect(t.run("resume", "--snapshot", "s", "--snapshot-at-fuel", "500000", "s"), 75)
    check(int(match(r"after (\d+) units of fuel", result.err).group(1)) >= 1000000, str(result))
