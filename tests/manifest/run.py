#!/usr/bin/env python3
"""Manifests: what is right is taken, and every mistake is told with its place.

mistakes/NAME.json has a mistake (or several), NAME.txt is what is said of it, lines and carets and all.
Those under accepted have none. The interfaces of their packages are packages/NAME.wit, those of
modules, and some modules that are made here. `run.py --write` writes the .txt files anew: read the
difference.

The documentation, the JSON Schema and the reader agree: the example of docs/manifest.md and full.json are
right for all; every member of them is changed in turn, and whatever the schema refuses, the reader refuses
at a place; what the reader takes, the schema takes. What deployment documents have as well is the same in
both schemas.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import wit  # noqa: E402
from changes import changes  # noqa: E402

MISTAKES_MIN = 40

# (module (func (export "_start")))
COMMAND = bytes.fromhex("0061736d01000000 010401600000 03020100 070a01065f73746172740000 0a040102000b")
# (module (memory 2000) (func (export "get")))
LARGE = bytes.fromhex("0061736d01000000 010401600000 03020100 05040100d00f 070701036765740000 0a040102000b")
# (module (import "env" "abort" (func)) (import "env" "memory" (memory 1)) (func (export "get")))
STRANGER = bytes.fromhex("0061736d01000000 010401600000"
                         "021b 02 03656e76 0561626f7274 0000 03656e76 066d656d6f7279 020001"
                         "03020100 070701036765740001 0a040102000b")


class Results:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, right, what):
        right = bool(right)
        self.passed += right
        self.failed += not right
        if not right:
            print(f"FAIL  {what}")


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def write_interfaces(root, folder):
    """Those of modules/."""
    for path in glob.glob(root + "/modules/*/*.wit"):
        with open(f"{folder}/{os.path.basename(path)}", "w", encoding="utf-8") as file:
            file.write(wit.with_packages(read(path)))


def make_packages(root, folder):
    write_interfaces(root, folder)
    for name in os.listdir(os.path.join(HERE, "packages")):
        shutil.copy(os.path.join(HERE, "packages", name), folder)
    for name, module in (("command", COMMAND), ("large", LARGE), ("stranger", STRANGER)):
        with open(f"{folder}/{name}.wasm", "wb") as file:
            file.write(module)


def run_tool(tool, how, path, packages):
    run = subprocess.run([tool, how, path, packages], capture_output=True, text=True, timeout=60, check=False)
    if run.returncode not in (0, 1):
        raise SystemExit(f"{path}: {run.stderr}")
    return run.returncode, run.stdout


def check_mistakes(arguments, packages, results):
    """Each says what it should; as JSON it is the same."""
    names = sorted(name[:-5] for name in os.listdir(HERE + "/mistakes") if name.endswith(".json"))
    results.check(len(names) >= MISTAKES_MIN, f"only {len(names)} manifests with mistakes")
    for name in names:
        path = f"{HERE}/mistakes/{name}.json"
        status, text = run_tool(arguments.tool, "check", path, packages)
        if arguments.write:
            with open(f"{HERE}/mistakes/{name}.txt", "w", encoding="utf-8", newline="") as file:
                file.write(text)
        expected = f"{HERE}/mistakes/{name}.txt"
        results.check(os.path.exists(expected) and text == read(expected), f"{name}: it says\n{text}")
        heads = re.findall(rf"^{re.escape(name)}\.json:(\d+):(\d+): (error|warning): (.*)$", text, re.M)
        results.check(status == any(head[2] == "error" for head in heads), f"{name}: status {status}")
        listed = json.loads(run_tool(arguments.tool, "json", path, packages)[1])
        same = [(str(m["line"]), str(m["column"]), m["severity"], m["text"]) for m in listed] == heads
        results.check(same and heads, f"{name}: as JSON it is {listed}")
        results.check(all(re.search("found|missing", head[3]) and re.search("expected|did you mean", head[3]) or
                          re.match(r"\w.*: expected .*found|\w.*: (unknown|missing|\")", head[3]) for head in heads),
                      f"{name}: not what was found and what was expected: {heads}")


def check_accepted(arguments, packages, results):
    paths = [f"{HERE}/accepted/{name}" for name in sorted(os.listdir(HERE + "/accepted"))]
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(example_of(arguments.root))
        file.flush()
        for path in [*paths, file.name]:
            status, text = run_tool(arguments.tool, "check", path, packages)
            results.check(status == 0 and text == "", f"{path}: it says\n{text}")


def example_of(root):
    return re.search(r"```json\n(.*?)```", read(root + "/docs/manifest.md"), re.S).group(1)


def check_examples(arguments, results):
    """Those of examples/, with the interfaces of modules/. The suite `examples` deploys them with the modules."""
    with tempfile.TemporaryDirectory() as interfaces:
        write_interfaces(arguments.root, interfaces)
        for path in sorted(glob.glob(arguments.root + "/examples/*/app.json")):
            status, text = run_tool(arguments.tool, "check", path, interfaces)
            results.check(status == 0 and text == "", f"{path}: it says\n{text}")


def check_schema(arguments, results):
    try:
        import jsonschema
    except ImportError:
        print("skip  python3-jsonschema is not installed")
        results.skipped += 1
        return
    schema = json.loads(read(arguments.root + "/docs/schema/manifest.schema.json"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)
    cases = []
    for what, text in (("example", example_of(arguments.root)), ("full", read(HERE + "/full.json"))):
        document = json.loads(text)
        cases += [(what, document, True)] + [(what + ": " + how, changed, False)
                                             for how, changed in changes(document)]
    lines = "".join(json.dumps(document) + "\n" for _, document, _ in cases)
    answers = subprocess.run([arguments.tool, "lines"], input=lines, capture_output=True, text=True, check=True,
                             timeout=120).stdout.splitlines()
    both = 0
    for (what, document, right), answer in zip(cases, answers, strict=True):
        by_schema = validator.is_valid(document)
        by_reader = answer == "ok"
        results.check((by_schema or not by_reader) and (by_reader or re.match(r"(/.*?)?: .", answer)) and
                      (not right or (by_schema and by_reader)),
                      f"{what}: the schema says {by_schema}, the reader: {answer}")
        both += not by_schema and not by_reader
    results.check(both >= 400, f"only {both} of the changes were refused by both")


def check_same(root, results):
    """What manifests and deployment documents have in common."""
    ours = json.loads(read(root + "/docs/schema/manifest.schema.json"))["$defs"]
    theirs = json.loads(read(root + "/docs/schema/deployment.schema.json"))["$defs"]
    for name in ("name", "number", "size", "duration", "text", "texts", "path"):
        results.check(ours[name] == theirs[name], f"the schemas differ in {name}")
    for name in ("mode", "config", "env", "args", "grants", "limits"):
        results.check(ours["component"]["properties"][name] == theirs["component"]["properties"][name],
                      f"the schemas differ in {name} of components")
    for name in ("overload", "window"):
        results.check(ours["flow"]["properties"][name] == theirs["flow"]["properties"][name],
                      f"the schemas differ in {name} of flows")
    table = r"\| limit \| default .*?\n\n"
    pages = [re.search(table, read(root + page) + "\n\n", re.S).group(0)
             for page in ("/docs/manifest.md", "/docs/deployment.md")]
    rows = [re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \| ([^|]*) \|", page, re.M) for page in pages]
    results.check(len(rows[0]) == 9 and rows[0] == rows[1], f"the pages differ in limits: {rows}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    results = Results()
    with tempfile.TemporaryDirectory() as packages:
        make_packages(arguments.root, packages)
        check_mistakes(arguments, packages, results)
        check_accepted(arguments, packages, results)
    check_examples(arguments, results)
    check_schema(arguments, results)
    check_same(arguments.root, results)
    print(f"{results.passed} passed, {results.failed} failed, {results.skipped} skipped")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
