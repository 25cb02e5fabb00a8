"""--invoke: arguments, results, and traps."""

from harness import check, match, test


def invoke(t, function, *args, guest="values"):
    return t.run("run", "--invoke", function, t.guest(guest), *args)


@test
def integers(t):
    """Integers in decimal and hexadecimal, signed and unsigned."""
    t.expect(invoke(t, "add", "2", "40"), 0, out="42\n")
    t.expect(invoke(t, "add", "-2", "0x2c"), 0, out="42\n")
    t.expect(invoke(t, "add", "4294967295", "1"), 0, out="0\n")
    t.expect(invoke(t, "add", "2147483647", "1"), 0, out="-2147483648\n")
    t.expect(invoke(t, "i64", "-9223372036854775808"), 0, out="-9223372036854775808\n")
    t.expect(invoke(t, "i64", "18446744073709551615"), 0, out="-1\n")


@test
def floats(t):
    """Floating-point numbers, infinities and NaNs, printed so that they read back."""
    for function in ("f32", "f64"):
        for text in ("0.1", "-2.5", "inf", "-inf", "nan", "-nan", "nan:0x1"):
            t.expect(invoke(t, function, text), 0, out=text + "\n")
        t.expect(invoke(t, function, "0x1.8p1"), 0, out="3\n")
    t.expect(invoke(t, "f64", "3.141592653589793"), 0, out="3.141592653589793\n")
    t.expect(invoke(t, "f32", "3.14159265"), 0, out="3.1415927\n")


@test
def vectors_references_and_several_results(t):
    """v128 as hexadecimal, null references, one line for each result."""
    vector = "0x0f0e0d0c0b0a09080706050403020100"
    t.expect(invoke(t, "v128", vector), 0, out=vector + "\n")
    t.expect(invoke(t, "ref", "null"), 0, out="null\n")
    t.expect(invoke(t, "two"), 0, out="7\n2.5\n")
    t.expect(invoke(t, "nothing"), 0, out="")
    t.expect(invoke(t, "mixed", "1", vector, "3"), 0, out=f"3\n{vector}\n1\n")


@test
def wrong_number_of_arguments(t):
    """Too few or too many arguments: the type is shown."""
    t.fails(["run", "--invoke", "add", t.guest("values"), "1"], 64, "add takes 2 arguments, not 1",
            "(i32, i32) -> i32")
    t.fails(["run", "--invoke", "add", t.guest("values"), "1", "2", "3"], 64, "not 3")
    t.fails(["run", "--invoke", "nothing", t.guest("values"), "1"], 64, "0 arguments, not 1")


@test
def wrong_arguments(t):
    """Arguments that do not fit the type: which one, and why."""
    for function, args, texts in (
            ("add", ["1", "two"], ["argument 2", "'two' is not an i32"]),
            ("add", ["1.5", "2"], ["argument 1", "whole number"]),
            ("add", ["1", "4294967296"], ["argument 2", "out of range for i32"]),
            ("i64", ["-9223372036854775809"], ["out of range for i64"]),
            ("f32", ["1e39"], ["out of range for f32"]),
            ("f64", ["pi"], ["'pi' is not an f64"]),
            ("f64", [""], ["not an f64"]),
            ("v128", ["7"], ["not a v128"]),
            ("ref", ["7"], ["only null"])):
        t.fails(["run", "--invoke", function, t.guest("values"), *args], 64, *texts)


@test
def what_cannot_be_invoked(t):
    """Names that are not exported, or not functions."""
    t.fails(["run", "--invoke", "ad", t.guest("values")], 64, "did you mean add?")
    t.fails(["run", "--invoke", "multiply", t.guest("values")], 64, "there are add, i64")
    t.fails(["run", "--invoke", "memory", t.guest("values")], 64, "it is a memory")
    t.fails(["run", "--invoke", "pi", t.guest("values")], 64, "it is a global")
    t.fails(["run", "--invoke", "f", t.guest("empty")], 64, "and no other")


@test
def reactors_are_initialised(t):
    """_initialize runs before the function of a reactor."""
    t.expect(invoke(t, "get", guest="reactor"), 0, out="42\n")


@test
def arguments_of_the_program_are_its_own(t):
    """What comes after FILE is not looked at, even if it looks like an option."""
    t.expect(invoke(t, "add", "-1", "-2"), 0, out="-3\n")
    t.fails(["run", "--invoke", "add", t.guest("values"), "--fuel", "2"], 64, "argument 1",
            "'--fuel'")
    t.expect(t.run("run", "--invoke", "add", "--", t.guest("values"), "1", "2"), 0, out="3\n")


@test
def trap_with_backtrace(t):
    """A trap names its reason, and the functions with offsets, innermost first."""
    result = t.fails(["run", "--invoke", "outer", t.guest("trap"), "0"], 134,
                     "isomer: trap: unreachable")
    lines = [line for line in result.err.splitlines() if line.startswith("    at 0x")]
    check(len(lines) == 3, str(result))
    for line, name, index in zip(lines, ("inner", "middle", "outer"), (0, 1, 2)):
        match(rf"^    at 0x[0-9a-f]+ in \$?{name} \(func {index}\)$", line)


@test
def trap_offsets_are_those_of_the_file(t):
    """The innermost offset points at the instruction: 0x00 is unreachable."""
    result = t.fails(["run", "--invoke", "outer", t.guest("trap"), "0"], 134)
    offset = int(match(r"at (0x[0-9a-f]+) in", result.err).group(1), 16)
    with open(t.guest("trap"), "rb") as file:
        check(file.read()[offset] == 0x00, f"no unreachable at {offset:#x}")


@test
def kinds_of_traps(t):
    """Other traps have the words of the specification."""
    for function, args, text in (
            ("outer", ["1"], "out of bounds memory access"),
            ("divide", ["1", "0"], "integer divide by zero"),
            ("divide", ["-2147483648", "-1"], "integer overflow"),
            ("deep", ["0"], "call stack exhausted")):
        t.fails(["run", "--invoke", function, t.guest("trap"), *args], 134, "isomer: trap: " + text)


@test
def long_backtraces_are_cut_in_the_middle(t):
    """Of a deep stack the first and last halves are shown, with the number of the others."""
    result = t.fails(["run", "--invoke", "descend", t.guest("trap"), "1000"], 134, "937 more")
    lines = [line for line in result.err.splitlines() if line.startswith("    ")]
    check(len(lines) == 65 and "more" in lines[32], str(result))


@test
def exhausted_stack_names_the_option(t):
    """More stack lets a recursion go deeper; exhausting it is a trap with advice."""
    args = ["--invoke", "descend", t.guest("trap"), "20000"]
    result = t.fails(["run", "--stack", "64KiB", *args], 134, "call stack exhausted", "--stack")
    match(r"\d+ more", result.err)
    t.fails(["run", "--stack", "64MiB", *args], 134, "isomer: trap: unreachable")
