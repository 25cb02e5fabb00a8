"""What a program gets to see: arguments, environment, directories, sockets."""

import os
import re
import socket

from harness import Failure, check, test
from suite import free_port


def world(t, *options, args=(), env=None):
    result = t.expect(t.run("run", *options, t.guest("world"), *args, env=env), 0)
    arguments, environment = result.out.split("|\0")
    return arguments.split("\0")[:-1], environment.split("\0")[:-1]


@test
def arguments(t):
    """The program's name and its arguments, unchanged."""
    given = ["one", "", "--fuel", "5", "--", "ü", "a b"]
    got, _ = world(t, args=given)
    check(got == [t.guest("world"), *given], f"{got}")


@test
def environment(t):
    """Nothing is inherited but what --env passes on."""
    _, got = world(t)
    check(got == [], f"{got}")
    _, got = world(t, "--env", "A=1", "--env", "B=x=y", "--env", "HELLO", "--env", "EMPTY=",
                   env={"HELLO": "world"})
    check(got == ["A=1", "B=x=y", "HELLO=world", "EMPTY="], f"{got}")
    t.fails(["run", "--env", "NOT_SET_ANYWHERE", t.guest("world")], 64, "NOT_SET_ANYWHERE=VALUE")


@test
def directory(t):
    """A granted directory can be written to."""
    os.mkdir(t.path("data"))
    t.expect(t.run("run", "--dir", "data", t.guest("file")), 0)
    check(t.read("data/out.txt") == b"one\ntwo\n", "the file has something else")


@test
def no_directory(t):
    """Without a grant there is no descriptor (EBADF is 8)."""
    t.expect(t.run("run", t.guest("file")), 8)


@test
def read_only_directory(t):
    """With :ro nothing can be written (not capable is 76, read-only 69, not permitted 63)."""
    os.mkdir(t.path("data"))
    result = t.run("run", "--dir", "data::/data:ro", t.guest("file"))
    check(result.status in (76, 69, 63, 2) and result.err == "", str(result))
    check(os.listdir(t.path("data")) == [], "something was written")


@test
def directories_that_cannot_be_granted(t):
    """Missing, not a directory, not readable, granted twice."""
    t.write("plain", "x")
    os.mkdir(t.path("a"))
    hello = t.guest("hello")
    t.fails(["run", "--dir", "missing", hello], 66, "'missing'", "does not exist")
    t.fails(["run", "--dir", "plain", hello], 66, "it is not one")
    t.fails(["run", "--dir", "a:/data", hello], 66, "did you mean --dir a::/data?")
    t.fails(["run", "--dir", "a::/d", "--dir", ".::/d", hello], 64, "the same name '/d'")


@test
def unreadable_directory(t):
    """A directory without permissions."""
    os.mkdir(t.path("locked"), 0)
    t.fails(["run", "--dir", "locked", t.guest("hello")], 66, "permission denied",
            **t.unprivileged())


@test
def listening_socket(t):
    """A program accepts a connection on the socket that it was given."""
    port = free_port()
    process = t.start("run", "--listen", f"127.0.0.1:{port}", t.guest("listen"))
    if process.stdout.readline() != b"hello\n":
        raise Failure(f"the program did not begin: {process.communicate()}")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        data = b""
        while part := connection.recv(100):
            data += part
    check(data == b"hello\n", f"{data!r}")
    check(process.wait(timeout=60) == 0, process.stderr.read())
    process.stdout.close()
    process.stderr.close()


@test
def address_in_use(t):
    """An address that something else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        t.fails(["run", "--listen", f"127.0.0.1:{port}", t.guest("hello")], 74, "already in use")


@test
def every_name_is_printable(t):
    """Messages are single lines of printable text, whatever the arguments."""
    for args in (["run", "no\nsuch\x1bfile"], ["\x1b[31m"], ["run", "--dir", "\x07", "x"]):
        result = t.run(*args)
        check(result.status in (64, 66), str(result))
        check(re.search(r"[\x00-\x09\x0b-\x1f\x7f]", result.err) is None, str(result))
