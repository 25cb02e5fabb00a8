"""Memory, fuel, time, signals, and exit statuses of programs."""

import os
import signal
import time

from harness import Skip, check, finish, match, stop_with, test

NO_CODE = "nothing fits into 0 bytes; leave it out for the default"


@test
def statuses_of_programs(t):
    """The program's own status passes through; what the system cannot carry becomes 255."""
    for status in (0, 1, 42, 64, 134, 255):
        result = t.expect(t.run("run", t.guest("exit", STATUS=status)), status)
        check(result.err == "", str(result))
    for status in (256, 300, -1):
        t.expect(t.run("run", t.guest("exit", STATUS=status)), 255, "carries at most 255")


@test
def memory_limit(t):
    """memory.grow fails at the limit, which is not an error of isomer's."""
    grow = t.guest("grow")
    t.expect(t.run("run", "--memory", "640KiB", "--invoke", "grow", grow), 0, out="10\n")
    t.expect(t.run("run", "--memory", "100000", "--invoke", "grow", grow), 0, out="1\n")


@test
def memory_larger_than_the_limit(t):
    """A module whose first memory does not fit is refused."""
    t.fails(["run", "--memory", "1MiB", t.guest("large")], 122, "--memory")
    t.expect(t.run("run", "--memory", "7MiB", t.guest("large")), 0)


@test
def code_memory(t):
    """A function that does not fit says which limit that is, how large it is, and how there is more; 0 is no limit
    of anything, in any program."""
    begin = [r"code memory exhausted: function \d+ takes \d+ bytes, those that call it 0, and the limit is 64",
             r"--code-memory SIZE gives it more"]
    for words in (["run", "--code-memory", "64", t.guest("hello")],
                  ["run", "--code-memory", "64", "--invoke", "grow", t.guest("grow")],
                  ["call", "--code-memory", "64", t.guest("grow"), "grow"],
                  ["run", "--code-memory", "64", t.guest("spin_start")]):
        result = t.expect(t.run(*words), 122)
        for text in begin:
            match(text, result.err)
    outer = ["--invoke", "outer", t.guest("trap"), "1"]
    size = match(r"function 2 takes (\d+) bytes", t.expect(t.run("run", "--code-memory", "1", *outer), 122).err).group(1)
    result = t.expect(t.run("run", "--code-memory", size, *outer), 134)
    for text in (r"code memory exhausted: function 1 takes \d+ bytes, those that call it %s, and the limit is %s\n"
                 % (size, size), begin[1]):
        match(text, result.err)
    for words in (["run", t.guest("hello")], ["call", t.guest("grow"), "grow"]):
        t.fails([words[0], "--code-memory", "0", *words[1:]], 64, NO_CODE)


@test
def code_memory_of_a_supervisor(t):
    """The same option, the same refusal."""
    if t.emulator or not os.path.exists(os.path.join(os.path.dirname(t.isomer), "isomer-supervisor")):
        raise Skip("isomer-supervisor is not built, or not for this machine")
    t.fails(["supervisor", "--code-memory", "0"], 64, NO_CODE)


@test
def fuel(t):
    """An endless program ends when its fuel is used up; a shorter one does not notice."""
    result = t.fails(["run", "--fuel", "1_000_000", t.guest("spin")], 123, "fuel is used up",
                     "--fuel 1000000")
    used = int(match(r"after (\d+) units of fuel", result.err).group(1))
    check(1_000_000 <= used <= 1_000_100, f"used {used}")
    t.expect(t.run("run", "--fuel", "1000000", t.guest("hello")), 0, out="hello\n")
    t.fails(["run", "--fuel", "0", t.guest("hello")], 123, "fuel is used up")


@test
def fuel_in_the_start_function(t):
    """Limits hold for the start function too."""
    t.fails(["run", "--fuel", "1000", t.guest("spin_start")], 123, "fuel is used up")


@test
def timeout(t):
    """An endless program ends at its time."""
    for guest in ("spin", "spin_start"):
        begin = time.monotonic()
        t.fails(["run", "--timeout", "200ms", t.guest(guest)], 124, "200ms (--timeout)")
        check(0.2 <= time.monotonic() - begin < 20, "not in time")
    t.expect(t.run("run", "--timeout", "1h", t.guest("hello")), 0, out="hello\n")


@test
def timeout_while_waiting(t):
    """A program that waits ends at its time as well."""
    result = t.expect(t.run("run", "--timeout", "200ms", t.guest("sleep", SECONDS=60)), 124,
                      "--timeout")
    check(result.out == "ready\n", str(result))


@test
def sleep(t):
    """A program that waits goes on afterwards."""
    begin = time.monotonic()
    t.expect(t.run("run", t.guest("sleep", SECONDS=0.3)), 0, out="ready\nawake\n")
    check(time.monotonic() - begin >= 0.3, "it did not wait")


@test
def signals(t):
    """SIGINT and SIGTERM stop a program that computes or waits, with 128 + number."""
    for guest in (t.guest("work"), t.guest("sleep", SECONDS=60)):
        for number, name in ((signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")):
            result = stop_with(t.start("run", guest), number)
            t.expect(result, 128 + number, f"stopped by {name}", out="ready\n")


@test
def ignored_signals_stay_ignored(t):
    """Under nohup-like parents SIGINT stays ignored."""
    ignore = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = t.start("run", "--timeout", "60s", t.guest("sleep", SECONDS=0.5),
                          restore_signals=False)
    finally:
        signal.signal(signal.SIGINT, ignore)
    result = stop_with(process, signal.SIGINT)
    t.expect(result, 0, out="ready\nawake\n")


@test
def closed_pipes_are_errors_for_the_program(t):
    """Writing to a pipe that nobody reads gives the program EPIPE (64), not a silent death."""
    process = t.start("run", t.guest("yes"))
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    error = process.stderr.read()
    process.stderr.close()
    check(process.wait(timeout=60) == 64 and error == b"", f"{process.returncode}, {error!r}")


@test
def input_through_a_pipe(t):
    """Standard input arrives whole, also when it comes slowly."""
    data = bytes(range(256)) * 4000
    result = t.run("run", t.guest("cat"), stdin=data)
    check(result.status == 0, str(result)[:500])
    process = t.start("run", t.guest("yes"))
    check(process.stdout.read(4) == b"y\ny\n", "no output")
    process.send_signal(signal.SIGTERM)
    check(finish(process).status == 143, "not stopped")
