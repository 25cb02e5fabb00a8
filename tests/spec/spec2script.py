#!/usr/bin/env python3
"""Turn the official test suite (JSON as wast2json writes it) into line-based scripts.

usage: spec2script.py SUITE_DIRECTORY OUTPUT_DIRECTORY

One NAME.script per NAME.json; spec_runner reads them, so that it needs no JSON parser and is the
same program on every architecture. Each line is one command, its words separated by spaces:

    module             LINE FILE NAME
    module_definition  LINE FILE NAME
    register           LINE AS NAME
    action             LINE ACTION
    assert_return      LINE ACTION N EXPECTED...
    assert_trap        LINE TEXT ACTION
    assert_exhaustion  LINE TEXT ACTION
    assert_invalid | assert_malformed | assert_unlinkable | assert_uninstantiable  LINE TEXT FILE

    ACTION   invoke MODULE FIELD N ARGUMENT...  |  get MODULE FIELD
    strings  "=" and the text, with every byte outside [!-~] and "%" as %XX; "-" where absent
    values   TYPE:BITS, TYPE:nan:canonical, TYPE:nan:arithmetic, externref:N, externref:null,
             funcref:null, funcref:any, v128:LANE_TYPE:LANE,LANE,...
"""

import json
import os
import sys


def quote(text):
    """A string as one word."""
    if text is None:
        return "-"
    out = ["="]
    for byte in text.encode("utf-8", "surrogatepass"):
        if 0x21 <= byte <= 0x7E and byte != 0x25:
            out.append(chr(byte))
        else:
            out.append("%%%02X" % byte)
    return "".join(out)


def value(item):
    """One argument or expected result as one word."""
    kind = item["type"]
    if kind == "v128":
        return "v128:%s:%s" % (item["lane_type"], ",".join(str(lane) for lane in item["value"]))
    if kind in ("externref", "funcref"):
        return "%s:%s" % (kind, item.get("value", "any"))
    return "%s:%s" % (kind, item["value"])


def action(item):
    """An action as words."""
    words = [item["type"], quote(item.get("module")), quote(item["field"])]
    if item["type"] == "invoke":
        args = item.get("args", [])
        words.append(str(len(args)))
        words.extend(value(arg) for arg in args)
    elif item["type"] != "get":
        raise ValueError("unknown action " + item["type"])
    return words


def command(item):
    """A command as words; None for what tests the text format only."""
    kind = item["type"]
    words = [kind, str(item["line"])]
    if kind in ("module", "module_definition"):
        return words + [quote(item["filename"]), quote(item.get("name"))]
    if kind == "register":
        return words + [quote(item["as"]), quote(item.get("name"))]
    if kind == "action":
        return words + action(item["action"])
    if kind == "assert_return":
        expected = item.get("expected", [])
        return words + action(item["action"]) + [str(len(expected))] + [value(v) for v in expected]
    if kind in ("assert_trap", "assert_exhaustion"):
        return words + [quote(item["text"])] + action(item["action"])
    if kind in ("assert_invalid", "assert_malformed", "assert_unlinkable", "assert_uninstantiable"):
        if item.get("module_type", "binary") != "binary":
            return None
        return words + [quote(item["text"]), quote(item["filename"])]
    raise ValueError("unknown command " + kind)


def convert(source, target):
    """Convert one file; the target appears whole or not at all."""
    with open(source, encoding="utf-8") as stream:
        commands = json.load(stream)["commands"]
    temporary = target + ".new"
    with open(temporary, "w", encoding="ascii", newline="\n") as stream:
        for item in commands:
            words = command(item)
            if words is not None:
                stream.write(" ".join(words) + "\n")
    os.replace(temporary, target)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    suite, output = sys.argv[1:]
    names = sorted(n for n in os.listdir(suite) if n.endswith(".json"))
    if not names:
        sys.exit("spec2script.py: no .json file in %s" % suite)
    os.makedirs(output, exist_ok=True)
    for name in names:
        source = os.path.join(suite, name)
        target = os.path.join(output, name[: -len(".json")] + ".script")
        try:
            convert(source, target)
        except (KeyError, ValueError) as error:
            sys.exit("spec2script.py: %s: %r" % (source, error))


if __name__ == "__main__":
    main()
