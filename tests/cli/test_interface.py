"""Interfaces: inspect --wit, --td, --openapi; pack, call, bindgen, new."""

import json
import os
import shutil
import subprocess

import npm
from harness import HERE, Skip, check, test

WIT = os.path.join(HERE, "guests", "typed.wit")


def packed(t, *options):
    """typed.wat with its interface in it, alone in the test's folder."""
    path = t.path("typed.wasm")
    t.expect(t.run("pack", t.guest("typed"), "--wit", WIT, "-o", path, *options), 0, out="")
    return path


# ---- pack and inspect --------------------------------------------------------------------------


@test
def pack_inspect_call(t):
    """What pack puts in, inspect --wit shows, and call uses; WIT that was shown can be packed."""
    path = packed(t)
    shown = t.expect(t.run("inspect", "--wit", path), 0)
    check("half: func(n: u32) -> result<u32, string>;" in shown.out, str(shown))
    t.write("again.wit", shown.out)
    t.expect(t.run("pack", path, "--wit", "again.wit", "-o", "again.wasm"), 0)
    t.expect(t.run("inspect", "--wit", "again.wasm"), 0, out=shown.out)
    t.expect(t.run("call", "again.wasm", "add", "a=2", "b=-44"), 0, out="-42\n")


@test
def pack_metadata(t):
    """Metadata is written, stays when the module is packed again, and has defaults from the WIT."""
    path = packed(t, "--licence", "Apache-2.0", "--description", "Things", "--source", "https://x")
    t.expect(t.run("pack", path, "--name", "renamed", "-o", path), 0)
    with open(path, "rb") as file:
        contents = file.read()
    check(contents.count(b"isomer:package") == 1 and contents.count(b"isomer:wit") == 1, "sections")
    start = contents.index(b"isomer:package") + len(b"isomer:package")
    info = json.JSONDecoder().raw_decode(contents[start:].decode("utf-8", "replace"))[0]
    check(info == {"name": "renamed", "version": "1.2.0", "licence": "Apache-2.0",
                   "description": "Things", "source": "https://x"}, str(info))


@test
def packed_files_keep_the_umask(t):
    """A packed module can be read by whom the umask lets; -o - is standard output."""
    mode = os.stat(packed(t)).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    check(mode == 0o666 & ~mask, oct(mode))
    done = subprocess.run(t.command(["pack", t.path("typed.wasm"), "-o", "-"]), check=True,
                          stdout=subprocess.PIPE)
    check(done.stdout[:4] == b"\0asm", repr(done.stdout[:8]))


@test
def pack_refusals(t):
    """What pack does not take: it writes nothing then."""
    guest = t.guest("typed")
    for options, status, *texts in (
            (["-o", "o"], 64, "there is no MODULE"),
            ([guest], 64, "-o OUT is missing"),
            ([guest, guest, "-o", "o"], 64, "one module at a time"),
            ([guest, "-o", "o", "-o", "p"], 64, "-o is given twice"),
            ([guest, "-o"], 64, "-o needs a value: -o OUT"),
            ([guest, "-o", "o", "--version", "1.x"], 64, "'1.x' is no version"),
            ([guest, "-o", "o", "--abi", "cdecl"], 64, "'cdecl' is not known", "wasm-bindgen"),
            ([guest, "-o", "o", "--wit", "none.wit"], 66, "none.wit"),
            (["none.wasm", "-o", "o"], 66, "none.wasm"),
            ([WIT, "-o", "o"], 65, "not a WebAssembly module"),
            ([t.guest("empty"), "-o", "o", "--wit", WIT], 65,
             "exports no function 'demo:typed/things@1.2.0#echo'"),
            ([guest, "-o", "none/o", "--wit", WIT], 74, "none/o")):
        t.fails(["pack", *options], status, *texts)
    check(not os.path.exists(t.path("o")), "something was written")


@test
def wit_errors_show_the_place(t):
    """A mistake in WIT text comes with line, column, the line and a caret."""
    t.write("bad.wit", "package a:b;\nworld w {\n    export f: func(x: u31);\n}\n")
    for args in (["pack", t.guest("typed"), "--wit", "bad.wit", "-o", "o"],
                 ["call", t.guest("typed"), "f", "--wit", "bad.wit"],
                 ["bindgen", "c", "bad.wit", "-o", "out"]):
        result = t.fails(args, 65, "bad.wit:3:23", "u31")
        lines = result.err.splitlines()
        check("export f: func(x: u31);" in lines[1] and lines[2].strip() == "^", str(result))
        check(lines[1].index("u31") == lines[2].index("^"), str(result))


@test
def descriptions(t):
    """--td and --openapi are JSON about the functions, with addresses when there is a base."""
    path = packed(t)
    thing = json.loads(t.expect(t.run("inspect", "--td", path), 0).out)
    check("https://www.w3.org/2022/wot/td/v1.1" in json.dumps(thing["@context"]), str(thing))
    check(any("half" in name for name in thing["actions"]), str(thing["actions"].keys()))
    base = "https://device:8443/v1/x"
    thing = t.expect(t.run("inspect", "--td", "--base", base, path), 0).out
    check(base in thing, thing)
    api = json.loads(t.expect(t.run("inspect", "--openapi", "--base=" + base, path), 0).out)
    check(api["openapi"].startswith("3.1") and api["servers"][0]["url"] == base, str(api)[:300])


@test
def page_to_read(t):
    """--text is for people: what a module says cannot drive their terminal."""
    path = packed(t, "--description", "red \x1b[31m", "--licence", "Apache-2.0")
    shown = t.expect(t.run("inspect", "--text", path), 0)
    check("\x1b" not in shown.out and "[31m" in shown.out, str(shown))
    check("Half of an even number." in shown.out and "Apache-2.0" in shown.out, str(shown))
    t.write("bad.wit", "package a:b;\n/// \x1b[31m\nworld w { export add: func(a: s32); }\n")
    t.fails(["inspect", "--wit", packed_raw(t, "bad.wit")], 65, "bad.wit:2:5")


def packed_raw(t, wit):
    """The path of a module beside that WIT text."""
    path = t.path(wit.replace(".wit", ".wasm"))
    shutil.copy(t.guest("values"), path)
    return path


@test
def interfaces_without_wit(t):
    """A module without WIT gets an interface from its exports, a program that of programs."""
    shown = t.expect(t.run("inspect", "--wit", t.guest("values")), 0)
    check("export add: func(p0: s32, p1: s32) -> s32;" in shown.out, str(shown))
    shown = t.expect(t.run("inspect", "--wit", t.guest("hello")), 0)
    check("export run: func(args: list<string>" in shown.out, str(shown))
    t.expect(t.run("call", t.guest("values"), "add", "[2, 40]"), 0, out="42\n")


@test
def interfaces_in_a_line(t):
    """inspect says in a line, and in JSON, which interface a module has and where it comes from."""
    path = packed(t)
    shutil.copy(t.guest("values"), t.path("beside.wasm"))
    t.write("beside.wit", "package a:b;\nworld w { export add: func(x: u32, y: u32) -> u32; }\n")
    shutil.copy(t.guest("values"), t.path("broken.wasm"))
    t.write("broken.wit", "package a:b;\nworld w { export add: func(x: u33); }\n")
    for file, line, member in (
            (path, "demo:typed/typed@1.2.0, 9 functions", ("embedded", "demo:typed/typed@1.2.0", 9)),
            ("beside.wasm", "a:b/w in the file beside it, 1 function ", ("beside", "a:b/w", 1)),
            (t.guest("hello"), "that of programs: run(", ("command", None, 1)),
            (t.guest("values"), "none of its own; from its exports", ("derived", None, None)),
            ("broken.wasm", "cannot be used: broken.wit:2:31", None)):
        shown = t.expect(t.run("inspect", file), 0).out
        check(f"\ninterface  {line}" in shown.replace(t.dir + "/", ""), shown)
        found = json.loads(t.expect(t.run("inspect", "--json", file), 0).out)["interface"]
        if member is None:
            check("u33" in found["error"], str(found))
        else:
            actual = (found["origin"], found["world"], found["functions"])
            check(all(b in (None, a) for a, b in zip(actual, member)), str(found))


@test
def inspect_refusals(t):
    """Options of inspect that do not go together."""
    path = packed(t)
    t.fails(["inspect", "--wit", "--td", path], 64, "one of --text, --wit, --td and --openapi")
    t.fails(["inspect", "--json", "--wit", path], 64, "--json")
    t.fails(["inspect", "--base", "https://x", path], 64, "--base goes with")
    t.fails(["inspect", "--wit", WIT], 65, "not a WebAssembly module")


# ---- call --------------------------------------------------------------------------------------


@test
def arguments_in_each_form(t):
    """JSON objects and arrays, names, options left out, words without quotes."""
    path = packed(t)
    for args, out in (
            (["add", '{"b": 40, "a": 2}'], "42"), (["add", "[2, 40]"], "42"),
            (["add", "b=40", "a=2"], "42"), (["add", "a=-2147483648", "b=0"], "-2147483648"),
            (["count", "text=hello"], "5"), (["count", "text="], "0"),
            (["count", "text=null", "more=1"], "1004"), (["count", 'text={"a"}'], "5"),
            (["count", "text=\u00e9", "more=null"], "2"), (["count", '["abc"]'], "3"),
            (["paint", "c=X", "times=3"], '"X"'), (["paint", 'c="', "times=0"], '"\\""'),
            (["half", "n=8"], "4"), (["things#half", "n=8"], "4"),
            (["demo:typed/things@1.2.0#half", "n=8"], "4")):
        t.expect(t.run("call", path, *args), 0, out=out + "\n")


@test
def bytes_in_and_out(t):
    """list<u8>: base64, a JSON array, @FILE and standard input; raw to -o, else base64."""
    path = packed(t)
    contents = bytes(range(256)) * 300
    t.write("in", contents)
    for args in (["data=@in"], ["@in"], ["-"], ["data=@-"]):
        t.expect(t.run("call", path, "echo", *args, "-o", "out", stdin=contents), 0, out="")
        check(t.read("out") == contents, f"{args}: the bytes differ")
        os.remove(t.path("out"))
    t.expect(t.run("call", path, "echo", "data=aGk="), 0, out='"aGk="\n')
    t.expect(t.run("call", path, "echo", "[[104, 105]]", "-o", "-"), 0, out="hi")
    t.expect(t.run("call", path, "add", "[1, 2]", "-o", "sum"), 0, out="")
    check(t.read("sum") == b"3\n", "not the sum")
    t.write("args.json", '{"a": 1, "b": 2}')
    t.expect(t.run("call", path, "add", "@args.json"), 0, out="3\n")


@test
def wrong_arguments(t):
    """Every mistake is answered with the parameter's name and what was expected."""
    path = packed(t)
    for args, *texts in (
            (["add", "a=1"], "b: missing", "expected s32"),
            (["add", '{"a": 1}'], "b: missing", "expected s32"),
            (["add"], "a: missing"),
            (["add", "a=1", "b=2", "c=3"], "c: unknown parameter", "a, b"),
            (["add", '{"a": 1, "b": 2, "c": 3}'], "c: unknown parameter"),
            (["add", "a=1", "a=2"], "a: given twice"),
            (["add", "a=x", "b=1"], "a: expected s32"),
            (["add", "a=1", "b=2147483648"], "b: expected s32 (-2147483648 to 2147483647)"),
            (["add", "a=1.5", "b=1"], "a: expected s32"),
            (["add", "1", "2"], "'1' is no argument", "NAME=VALUE"),
            (["add", "[1, 2, 3]"], "2"),
            (["echo", "data=aG"], "data: ", "base64"),
            (["count", "text=x", "more=256"], "more: ", "(0 to 255)"),
            (["paint", "c=XY", "times=1"], "c: "),
            (["spin", "x=1"], "x: unknown parameter", "spin takes none"),
            (["ad", "a=1"], "there is no function 'ad'; did you mean add?"),
            (["zzzzzz"], "there is no function 'zzzzzz'; there are echo, half, add"),
            (["add", "{"], "isomer: error: ")):
        t.fails(["call", path, *args], 64, *texts)
    t.fails(["call", path, "echo", "@none"], 66, "none")
    t.fails(["call", path], 64, "there is no FUNCTION to call; there are echo, half, add")
    t.fails(["call"], 64, "there is no FILE")
    t.fails(["call", path, "add", "--abi", "cdecl", "[1,2]"], 64, "'cdecl' is not known")


@test
def errors_and_traps(t):
    """An error answer has status 121; traps of the module and of its interface 134."""
    path = packed(t)
    t.fails(["call", path, "half", "n=7"], 121, 'half answered with an error: "odd"')
    t.fails(["call", path, "half", "n=7", "-o", "out"], 121)
    check(not os.path.exists(t.path("out")), "something was written")
    t.fails(["call", path, "crash"], 134, "isomer: trap: unreachable", "in crash")
    t.fails(["call", path, "bad"], 134, "isomer: trap: the result's string", "outside")


@test
def long_errors_are_printed_whole(t):
    """What a function answers as its error is not cut, however long."""
    path = packed(t)
    for count in (1400, 1500, 3000, 60000):
        t.fails(["call", path, "moan", f"n={count}"], 121,
                'isomer: error: moan answered with an error: "' + "m" * (count - 1) + '!"\n')


@test
def calls_of_modules_that_cannot_be_linked(t):
    """A module that imports what is not offered: 69, with the import, before anything runs."""
    for guest, *texts in (("unlinkable", "env", "inspect"), ("wrong_import", "proc_exit")):
        shutil.copy(t.guest(guest), t.path("m.wasm"))
        t.write("m.wit", "package a:b;\nworld w { export f: func(); }\n")
        t.fails(["call", "m.wasm", "f"], 69, *texts)


@test
def limits_of_calls(t):
    """Fuel, time and memory of a call."""
    path = packed(t)
    t.fails(["call", path, "spin", "--fuel", "10_000"], 123, "--fuel 10000")
    t.fails(["call", "--timeout", "300ms", path, "spin"], 124, "300ms")
    t.write("large", bytes(1 << 20))
    result = t.run("call", path, "echo", "@large", "-o", "out", "--memory", "128KiB")
    check(result.status != 0 and result.err.startswith("isomer: "), str(result))


@test
def interface_beside(t):
    """MODULE.wit beside MODULE.wasm counts, --wit before it; what does not fit is refused."""
    shutil.copy(t.guest("typed"), t.path("m.wasm"))
    shutil.copy(WIT, t.path("m.wit"))
    t.expect(t.run("call", "m.wasm", "half", "n=8"), 0, out="4\n")
    t.write("other.wit", "package a:b;\nworld w { export add: func(x: u32, y: u32) -> u32; }\n")
    t.expect(t.run("call", "m.wasm", "add", "x=1", "y=4294967295", "--wit", "other.wit"), 0,
             out="0\n")
    t.write("wrong.wit", "package a:b;\nworld w { export add: func(x: u64) -> u32; }\n")
    t.fails(["call", "m.wasm", "add", "x=1", "--wit", "wrong.wit"], 65, "does not fit",
            "(i32, i32)")
    t.write("none.wit", "package a:b;\nworld w { export nothing: func(); }\n")
    t.fails(["call", "m.wasm", "nothing", "--wit", "none.wit"], 65, "nothing")


@test
def programs_are_functions(t):
    """run(args, env, stdin) of a program: its output and status are the result."""
    result = json.loads(t.expect(t.run("call", t.guest("hello"), "run"), 0).out)
    check(result == {"stdout": "aGVsbG8K", "stderr": "", "status": 0}, str(result))
    result = t.run("call", t.guest("cat"), "run", "stdin=@-", "args=[\"x\"]", stdin=b"hi\n")
    check(json.loads(t.expect(result, 0).out)["stdout"] == "aGkK", str(result))
    result = t.run("call", t.guest("exit", STATUS=7), "run", '{"env": [["A", "b"]]}')
    check(json.loads(t.expect(result, 0).out)["status"] == 7, str(result))
    t.fails(["call", t.guest("hello"), "run", '{"args": ["a\\u0000b"]}'], 64, "args[0]: ")
    t.fails(["call", t.guest("hello"), "run", '{"env": [["", "b"]]}'], 64, "env[0]: ")
    t.fails(["call", t.guest("hello"), "run", "args=7"], 64, "args: ")
    t.fails(["call", t.guest("hello"), "start"], 64, "there is no function 'start'")


# ---- bindgen and new ---------------------------------------------------------------------------


@test
def bindings(t):
    """bindgen writes the files of each language and prints their names."""
    for language, names in (("c", ["typed.h", "typed.c"]), ("rust", ["typed.rs"]),
                            ("assemblyscript", ["typed.ts", "typed.mjs"])):
        folder = f"deep/{language}"
        t.expect(t.run("bindgen", language, WIT, "-o", folder), 0,
                 out="".join(f"{folder}/{name}\n" for name in names))
        check(sorted(os.listdir(t.path(folder))) == sorted(names), "other files are there")
    check(b"typed_add" in t.read("deep/c/typed.h"), "no typed_add")


def wit_of(t, name, *lines):
    t.write(name, "\n".join([f"package example:{os.path.basename(name)[:-4]}@1.0.0;", *lines]) + "\n")


@test
def packages_of_an_interface(t):
    """What a text refers to and does not have is found: beside it in deps, and isomer:device by itself."""
    wit_of(t, "guest.wit", "world guest {", "  import isomer:device/log@0.1.0;", "  import example:near/it@1.0.0;",
           "  export run: func();", "}")
    t.fails(["bindgen", "c", "guest.wit", "-o", "out"], 65, "guest.wit:4:10: package 'example:near' is not among")
    os.mkdir(t.path("deps"))
    wit_of(t, "deps/near.wit", "interface it {", "  use example:far/more@1.0.0.{number};", "  get: func() -> number;", "}")
    wit_of(t, "deps/far.wit", "interface more {", "  type number = u8;", "}")
    wit_of(t, "deps/unused.wit", "this is no WIT")
    t.write("deps/README", "nor is this")
    t.expect(t.run("bindgen", "c", "guest.wit", "-o", "out"), 0, out="out/guest.h\nout/guest.c\n")
    with open(t.path("out/guest.h"), encoding="utf-8") as file:
        bound = file.read()
    check("void log_write(" in bound and "it_get(void)" in bound, bound)
    # A module takes them along, and no others; each text may be without its packages.
    t.expect(t.run("pack", t.guest("typed"), "--abi", "derived", "--wit", "guest.wit", "-o", "guest.wasm"), 0, out="")
    shown = t.expect(t.run("inspect", "--wit", "guest.wasm"), 0).out
    order = [shown.index(f"package {name}") for name in ("example:far@1.0.0 {", "example:near@1.0.0 {", "isomer:device@0.1.0 {")]
    check(order == sorted(order) and "unused" not in shown, shown)
    t.expect(t.run("inspect", "--wit", t.guest("typed")), 0)
    # The own folder counts more than what isomer brings; what is wrong there is told with its file.
    t.write("deps/device.wit", "package isomer:device@0.1.0;\ninterface log { mine: func(); }\n")
    t.expect(t.run("bindgen", "c", "guest.wit", "-o", "out"), 0)
    with open(t.path("out/guest.h"), encoding="utf-8") as file:
        check("log_mine(void)" in file.read(), "deps/device.wit")
    wit_of(t, "deps/far.wit", "interface more {", "  type number = u9;", "}")
    t.fails(["bindgen", "c", "guest.wit", "-o", "out"], 65, "deps/far.wit:3:", "u9")
    wit_of(t, "other.wit", "world other {", "  import isomer:device/log@0.2.0;", "}")
    t.fails(["bindgen", "c", "other.wit", "-o", "out"], 65, "isomer:device@0.1.0', which is another version")


@test
def bindgen_refusals(t):
    """Languages, worlds and folders that cannot be."""
    t.write("two.wit", "package a:b;\nworld one { export f: func(); }\n"
                       "world two { export g: func(); }\n")
    t.write("zero.wit", "package a:b;\ninterface i { f: func(); }\n")
    t.write("file", "")
    t.fails(["bindgen"], 64, "there is no language")
    t.fails(["bindgen", "c"], 64, "there is no FILE.wit")
    t.fails(["bindgen", "c", WIT], 64, "-o DIR is missing")
    t.fails(["bindgen", "rusty", WIT, "-o", "o"], 64, "did you mean rust?")
    t.fails(["bindgen", "python", WIT, "-o", "o"], 64, "c, rust and assemblyscript")
    t.fails(["bindgen", "c", "two.wit", "-o", "o", "--world", "three"], 64, "there are one, two")
    t.fails(["bindgen", "c", "zero.wit", "-o", "o"], 65, "has no world")
    t.fails(["bindgen", "c", "none.wit", "-o", "o"], 66, "none.wit")
    t.fails(["bindgen", "c", WIT, "-o", "file"], 74, "cannot make the folder 'file'")
    t.expect(t.run("bindgen", "c", "two.wit", "-o", "o", "--world", "two"), 0,
             out="o/two.h\no/two.c\n")


def build_and_call(t, name, *make):
    """A new module is built by its Makefile and called."""
    if shutil.which("make") is None:
        raise Skip("make is not installed")
    done = subprocess.run(["make", f"ISOMER={' '.join(t.command([]))}", *make], cwd=t.path(name),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stdout.decode("utf-8", "replace"))
    path = f"{name}/{name}.wasm"
    t.expect(t.run("call", path, "hello", "name=you"), 0, out='"hello, you"\n')
    t.expect(t.run("call", path, "add", "[2, 40]"), 0, out="42\n")
    t.fails(["call", path, "add", "a=2147483647", "b=1"], 121, "the sum is too large")


def new(t, language, name):
    t.expect(t.run("new", language, name), 0, out=(
        f"{name} is there; go on with\n  cd {name}\n  make\n"
        f"  isomer call {name}.wasm hello name=you\n"))


@test
def new_c(t):
    """A new module in C builds and runs at once."""
    new(t, "c", "my-sensor")
    for program in ("clang", "wasm-ld"):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")
    if not os.path.isdir("/usr/include/wasm32-wasi"):
        raise Skip("wasi-libc is not installed")
    build_and_call(t, "my-sensor")


@test
def new_rust(t):
    """A new module in Rust builds and runs at once."""
    new(t, "rust", "my-sensor2")
    compiler = "/usr/bin/rustc" if os.path.exists("/usr/bin/rustc") else shutil.which("rustc")
    if compiler is None:
        raise Skip("rustc is not installed")
    found = subprocess.run([compiler, "--print", "target-libdir", "--target",
                            "wasm32-unknown-unknown"], stdout=subprocess.PIPE, check=True)
    if not os.path.isdir(found.stdout.decode().strip()):
        raise Skip("the target wasm32-unknown-unknown (libstd-rust-dev-wasm32) is not installed")
    build_and_call(t, "my-sensor2", f"RUSTC={compiler}")


@test
def new_assemblyscript(t):
    """A new module in AssemblyScript builds and runs at once, with the compiler from npm."""
    new(t, "assemblyscript", "words")
    if shutil.which("node") is None:
        raise Skip("node is not installed")
    tests = os.path.dirname(HERE)
    modules = npm.fetch(os.path.join(tests, "interface"), "interface", 250)
    build_and_call(t, "words", f"ASC={os.path.join(modules, '.bin', 'asc')}")


@test
def new_refusals(t):
    """Names and folders that cannot be; what is there is left alone."""
    t.fails(["new"], 64, "there is no language")
    t.fails(["pack", "--o", "x"], 64, "unknown option '--o'; did you mean -o?")
    t.fails(["new", "c"], 64, "there is no NAME")
    t.fails(["new", "cobol", "x"], 64, "there is no language 'cobol'")
    for name in ("", "Sensor", "my_sensor", "../x", "a--b", "-a", "a-", "7up", "a" * 61):
        t.fails(["new", "c", "--", name], 64, "cannot be the name")
    t.fails(["new", "c", "world"], 64, "a word of WIT")
    t.fails(["new", "assemblyscript", "index"], 64, "cannot be the name")
    t.fails(["new", "c", "a", "b"], 64, "one name at a time")
    os.mkdir(t.path("there"))
    t.fails(["new", "c", "there"], 74, "cannot make the folder 'there'")
    check(os.listdir(t.dir) == ["there"] and not os.listdir(t.path("there")), "something was made")
