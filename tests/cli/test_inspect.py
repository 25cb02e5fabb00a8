"""isomer inspect."""

import hashlib
import json

from harness import check, match, test


def inspect_json(t, path, *args):
    return json.loads(t.expect(t.run("inspect", "--json", *args, path), 0).out)


@test
def module_as_text(t):
    """Digest, kind, memory, sections, imports and exports with types."""
    path = t.guest("hello")
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    text = t.expect(t.run("inspect", path), 0).out
    for pattern in (rf"^digest +sha256:{digest}$", r"^kind +command$",
                    r"^memory +64 KiB \(1 pages\)$", r"^Imports \(1\)$",
                    r"function +\(i32, i32, i32, i32\) -> i32 +wasi_snapshot_preview1\.fd_write$",
                    r"^Exports \(2\)$", r"function +\(\) -> \(\) +_start$",
                    r"^  0x[0-9a-f]{8} +\d+  type$", r"custom: name$"):
        match(pattern, text)


@test
def module_as_json(t):
    """The JSON has the same facts."""
    facts = inspect_json(t, t.guest("values"))
    with open(t.guest("values"), "rb") as file:
        module = file.read()
    check(facts["sha256"] == hashlib.sha256(module).hexdigest(), "digest")
    check(facts["size"] == len(module) and facts["kind"] == "library", "size or kind")
    check(facts["memory"] == {"min": 1, "max": 16, "page_size": 65536}, str(facts["memory"]))
    check(facts["imports"] == [], "imports")
    exports = {item["name"]: item for item in facts["exports"]}
    check(exports["add"]["params"] == ["i32", "i32"], "params")
    check(exports["add"]["results"] == ["i32"], "results")
    check(exports["mixed"]["results"] == ["i64", "v128", "i32"], "several results")
    check(exports["counter"] == {"name": "counter", "index": 0, "kind": "global", "type": "i64",
                                 "mutable": True}, str(exports["counter"]))
    check(exports["table"]["type"] == "funcref" and exports["table"]["min"] == 3, "table")


@test
def sections_cover_the_file(t):
    """Offsets and sizes of the sections are those in the file."""
    path = t.guest("trap")
    with open(path, "rb") as file:
        module = file.read()
    sections = inspect_json(t, path)["sections"]
    check(sections[-1]["offset"] + sections[-1]["size"] == len(module), "the end")
    for before, after in zip(sections, sections[1:]):
        end = before["offset"] + before["size"]
        check(module[end] == after["id"], f"no section {after['name']} after {before['name']}")


@test
def names(t):
    """Function names come from the name section."""
    names_by_index = inspect_json(t, t.guest("trap"))["function_names"]
    check(names_by_index["0"] == "inner" and names_by_index["2"] == "outer", str(names_by_index))


@test
def reactor(t):
    """Kinds of modules."""
    check(inspect_json(t, t.guest("reactor"))["kind"] == "reactor", "reactor")
    check(inspect_json(t, t.guest("empty"))["kind"] == "library", "library")


@test
def snapshot(t):
    """A snapshot: modules, how to go on, state."""
    path = t.guest("hash")
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "10000", "--invoke", "hash",
                   path, "100000"), 75)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    facts = inspect_json(t, "s")
    check(facts["format"] == "snapshot" and facts["modules"][0]["sha256"] == digest, str(facts))
    check(facts["run"]["invoke"] == "hash" and facts["run"]["arguments"] == ["100000"], str(facts))
    check(facts["state"] is not None and 10000 <= facts["fuel_used"] <= 10100, str(facts))
    text = t.expect(t.run("inspect", "s"), 0).out
    for pattern in (rf"^module +sha256:{digest}$", r"^function +hash$", r"^argument +100000$",
                    r"^state +\w+", r"^fuel +\d+ used so far"):
        match(pattern, text)


@test
def snapshot_without_its_module(t):
    """When the module is not found the rest is shown all the same."""
    with open(t.guest("hash"), "rb") as file:
        t.write("moved.wasm", file.read())
    t.expect(t.run("run", "--snapshot", "s", "--snapshot-at-fuel", "1000", "--invoke", "hash",
                   "moved.wasm", "100000"), 75)
    t.write("moved.wasm", b"something else")
    facts = inspect_json(t, "s")
    check(facts["state"] is None and "--module" in facts["state_unknown_because"], str(facts))
    facts = inspect_json(t, "s", "--module", t.guest("hash"))
    check(facts["state"] is not None, str(facts))


@test
def waiting_snapshot(t):
    """A program that waits in a host call shows which, and its stack."""
    import signal
    from harness import stop_with
    path = t.guest("sleep", SECONDS=60)
    result = stop_with(t.start("run", "--snapshot", "s", path), signal.SIGUSR1)
    t.expect(result, 75, "written to 's'")
    facts = inspect_json(t, "s")
    check(facts["state"] == "waiting", str(facts))
    check(facts["waiting_for"]["name"] == "poll_oneoff", str(facts))
    check(facts["frames"][0]["name"] == "_start", str(facts))
