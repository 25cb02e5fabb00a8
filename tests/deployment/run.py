#!/usr/bin/env python3
"""The documentation, the JSON Schema and the supervisor's reader agree about deployment documents.

The example of docs/deployment.md must be right for both. Then every member of it is changed in turn
(left out, replaced by values of every other kind, joined by a member that does not exist): whatever
the schema refuses, the reader refuses, with a reason that names a place; what the reader takes, the
schema takes. (The reader also refuses what a schema cannot say.)
"""
import argparse
import copy
import json
import re
import subprocess
import sys

WRONG = [None, True, False, -1, 0, 7, 1.5, 2**53, "", "x", "$nobody", "A b", "99999999GiB", [], [1], ["x"], {},
         {"x": 1}]


def places(value, path=()):
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, path + (key,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def changes(example):
    for path in places(example):
        if isinstance(at(example, path), dict):
            changed = copy.deepcopy(example)
            at(changed, path)["never-heard-of"] = 1
            yield "added to /" + "/".join(map(str, path)), changed
        if not path:
            continue
        changed = copy.deepcopy(example)
        del at(changed, path[:-1])[path[-1]]
        yield "without /" + "/".join(map(str, path)), changed
        for wrong in WRONG:
            changed = copy.deepcopy(example)
            at(changed, path[:-1])[path[-1]] = wrong
            yield f"/{'/'.join(map(str, path))} = {json.dumps(wrong)}", changed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--root", required=True)
    arguments = parser.parse_args()
    try:
        import jsonschema
    except ImportError:
        print("skip  python3-jsonschema is not installed")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    with open(arguments.root + "/docs/deployment.md", encoding="utf-8") as file:
        example = json.loads(re.search(r"```json\n(.*?)```", file.read(), re.S).group(1))
    with open(arguments.root + "/docs/schema/deployment.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)

    cases = [("the example", example)] + list(changes(example))
    lines = "".join(json.dumps(document) + "\n" for _, document in cases)
    answers = subprocess.run([arguments.tool], input=lines, capture_output=True, text=True, check=True,
                             timeout=120).stdout.splitlines()
    passed = failed = both = 0
    for (what, document), answer in zip(cases, answers, strict=True):
        by_schema = validator.is_valid(document)
        by_reader = answer == "ok"
        wrong = by_reader and not by_schema
        wrong = wrong or not (by_reader or re.match(r"(/.*?|the document|line \d+, column \d+): .", answer))
        wrong = wrong or (what == "the example" and not (by_schema and by_reader))
        both += not by_schema and not by_reader
        passed += not wrong
        failed += wrong
        if wrong:
            print(f"FAIL  {what}: the schema says {by_schema}, the reader: {answer}")
    if both < 200:
        print(f"FAIL  only {both} of the changes were refused by both")
        failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
