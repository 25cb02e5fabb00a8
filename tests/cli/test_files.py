"""Files that are no modules, and modules that cannot run."""

import gzip
import os

from harness import check, test


@test
def hello(t):
    """The simplest program runs; nothing but its output appears."""
    result = t.expect(t.run("run", t.guest("hello")), 0, out="hello\n")
    check(result.err == "", str(result))


@test
def hello_from_a_pipe(t):
    """A module can come through a pipe."""
    with open(t.guest("hello"), "rb") as file:
        t.expect(t.run("run", "/dev/stdin", stdin=file.read()), 0, out="hello\n")


@test
def missing_file(t):
    """A file that does not exist."""
    for command in ("run", "inspect", "resume"):
        t.fails([command, "missing.wasm"], 66, "'missing.wasm': there is no such file")


@test
def directory_instead_of_a_file(t):
    """A directory is not a module."""
    t.fails(["run", t.dir], 66, "it is a directory")
    t.fails(["inspect", t.dir], 66, "it is a directory")
    t.fails(["resume", t.dir], 66, "it is a directory")


@test
def unreadable_file(t):
    """A file without read permission."""
    path = t.write("secret.wasm", b"\0asm\1\0\0\0")
    os.chmod(path, 0)
    t.fails(["run", path], 66, "permission denied", **t.unprivileged())


@test
def empty_file(t):
    """A file of no bytes."""
    t.fails(["run", t.write("empty.wasm", b"")], 65, "the file is empty")
    t.fails(["inspect", t.path("empty.wasm")], 65, "the file is empty")


@test
def text_instead_of_binary(t):
    """The text format is recognised, with the command that translates it."""
    t.fails(["run", t.write("a.wat", "\n  (module)")], 65, "WebAssembly text", "wat2wasm")
    t.fails(["run", t.write("b.wat", ";; hi\n(module)")], 65, "WebAssembly text")
    t.fails(["inspect", t.write("c.wat", "(; hi ;)")], 65, "WebAssembly text")


@test
def other_files(t):
    """Other kinds of files are told apart where that helps."""
    with open(t.guest("hello"), "rb") as file:
        module = file.read()
    t.fails(["run", t.write("n", "nonsense")], 65, "not a WebAssembly module", "6e6f6e73656e7365",
            "byte 0x0")
    t.fails(["run", t.write("e", b"\x7fELF" + bytes(60))], 65, "native program")
    t.fails(["run", t.write("z", gzip.compress(module))], 65, "gunzip")
    t.fails(["run", t.write("c", b"\0asm\x0d\0\1\0")], 65, "component", "preview 1")
    t.fails(["run", t.write("v", b"\0asm\2\0\0\0")], 65, "v'")
    t.fails(["run", t.write("s", b"\0as")], 65, "s'")


@test
def truncated_module(t):
    """A module that was cut anywhere is refused, and the process lives."""
    with open(t.guest("hello"), "rb") as file:
        module = file.read()
    for size in range(8, len(module), max(1, len(module) // 25)):
        result = t.run("run", t.write("cut.wasm", module[:size]))
        check(result.status in (64, 65) or (result.status == 0 and size > len(module) // 2),
              str(result))
    t.fails(["run", t.write("cut.wasm", module[:40])], 65, "(at byte 0x")


@test
def invalid_module(t):
    """A module that does not validate: function and byte offset are named."""
    t.fails(["run", t.guest("invalid")], 65, "not a valid module", "(at byte 0x")


@test
def unknown_import(t):
    """An import that nobody offers is named, with its type's kind."""
    t.fails(["run", t.guest("unlinkable")], 69, "launch_rocket", "isomer inspect")


@test
def import_with_a_wrong_type(t):
    """An import of WASI with another type than it has."""
    t.fails(["run", t.guest("wrong_import")], 69, "proc_exit")


@test
def nothing_to_run(t):
    """Modules without _start: what there is instead is listed."""
    t.fails(["run", t.guest("values")], 64, "nothing to run", "add, i64", "--invoke")
    t.fails(["run", t.guest("empty")], 64, "nothing to run", "exports no function")
    t.fails(["run", t.guest("reactor")], 64, "nothing to run", "_initialize, get")


@test
def start_function_only(t):
    """A module whose start function does everything runs."""
    t.expect(t.run("run", t.guest("start")), 0, out="started\n")


@test
def names_cannot_drive_the_terminal(t):
    """Control characters in names from a module are shown as codes."""
    result = t.fails(["run", t.guest("trap")], 64, "\\x1b[31mred")
    check("\033" not in result.err, str(result))
    result = t.expect(t.run("inspect", t.guest("trap")), 0)
    check("\033" not in result.out and "\\x1b[31mred" in result.out, str(result))
