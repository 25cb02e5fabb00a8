#!/usr/bin/env python3
"""The documentation, the JSON Schema and the supervisor's reader agree about deployment documents.

The example of docs/deployment.md must be right for both. Then every member of it is changed in turn
(left out, replaced by values of every other kind, joined by a member that does not exist): whatever
the schema refuses, the reader refuses, with a reason that names a place; what the reader takes, the
schema takes. (The reader also refuses what a schema cannot say.)
"""
import argparse
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from changes import changes  # noqa: E402


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
